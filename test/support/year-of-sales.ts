import type { Sql } from 'postgres';
import { createDatabase, type TestDatabase } from './postgres.ts';
import { fillShop } from './shop-of-100k.ts';

/** A year of orders, every 13 hours and 7 minutes; with money given back by line, by amount and whole, currencies and taxes. */
export async function createYearOfSales(): Promise<TestDatabase> {
  const database = await createDatabase();
  await fillShop(database, { customers: 10, products: 20, orders: 900 });
  const admin: Sql = database.connect('rdsadmin', { max: 1 });
  await admin.unsafe(`
    set session_replication_role = 'replica';
    create temporary table moments as
      select id, row_number() over (order by id) as n,
        timestamptz '2025-11-15Z' + row_number() over (order by id) * interval '13 hours 7 minutes' as at
      from orders.orders where status = 'confirmed';
    update orders.lines l set discount = 5, tax = 7, brand = case when m.n % 3 = 0 then 'Brown' end, unit_cost = 60
      from moments m where m.id = l.order_id;
    update orders.orders o set confirmed_at = m.at, created_at = m.at, updated_at = m.at,
      discount_amount = s.discount, discount_reason = 'large-order', tax_amount = s.tax, tax_included = m.n % 2 = 0,
      total = s.gross - s.discount + case when m.n % 2 = 0 then 0 else s.tax end,
      shipping_address = case when m.n % 4 > 0 then jsonb_build_object('country', (array['DE', 'FR', 'CH'])[m.n % 4]) end,
      currency = case when m.n % 5 = 0 then 'USD' when m.n % 7 = 0 then 'KWD' when m.n % 6 = 0 then 'JPY' else 'EUR' end,
      -- Some customers come later than others.
      customer_id = case when m.n >= 120 * (ascii(right(o.customer_id, 1)) % 5) then o.customer_id else (select min(id) from customers.customers) end,
      application_id = (array['app_shop', 'app_phone'])[m.n % 3], segment = (array['premium', 'standard'])[m.n % 4]
      from moments m, (select order_id, sum(discount) as discount, sum(tax) as tax, sum(total) as gross
        from orders.lines group by 1) s
      where m.id = o.id and s.order_id = o.id;
    update payments.payments p set amount = o.total, currency = o.currency, status = 'captured', refunded_at = null,
      refunded_amount = 0, refund_claimed = 0 from orders.orders o where o.id = p.order_id and o.status = 'confirmed';
    update payments.payments p set status = 'refunded', refunded_at = m.at + interval '40 hours' from moments m
      where m.id = p.order_id and m.n % 11 = 0;
    update orders.orders o set status = 'cancelled' from moments m where m.id = o.id and m.n % 11 = 0;
    update stock.reservations r set state = 'returned' from moments m where m.id = r.order_id and m.n % 11 = 0;
    delete from payments.refunds;
    insert into payments.refunds (id, payment_id, order_id, status, currency, amount, reason, requested_by, reference,
        lines, created_at, updated_at)
      select 'rfd_' || right(p.order_id, 32), p.id, p.order_id, 'succeeded', p.currency, 30, 'broken', 'app', 're_' || m.n,
        case when m.n % 2 = 0 then jsonb_build_array(jsonb_build_object('productId', l.product_id, 'quantity', 1, 'amount', 30)) else '[]' end,
        m.at + interval '30 hours', m.at + interval '31 hours'
      from payments.payments p join moments m on m.id = p.order_id join orders.lines l on l.order_id = m.id and l.position = 1
      where m.n % 7 = 0;
    update payments.payments p set refunded_amount = 30, refund_claimed = 30 from payments.refunds r where r.payment_id = p.id;
    update orders.orders o set updated_at = m.at + interval '41 hours' from moments m where m.id = o.id;`);
  await admin.end();
  return database;
}

/** Summer time begins or ends at midnight, by half an hour, twice, or a day is left out. */
export const zones = [
  'UTC',
  'Europe/Berlin',
  'America/Sao_Paulo',
  'America/Havana',
  'Africa/Cairo',
  'Asia/Beirut',
  'Australia/Lord_Howe',
  'Pacific/Apia',
  'Antarctica/Troll',
  'Asia/Kathmandu',
  'Asia/Kolkata',
  'America/St_Johns',
];
