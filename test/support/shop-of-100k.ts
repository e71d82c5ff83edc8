import type { TestDatabase } from './postgres.ts';

const hex = (n: number): string => n.toString(16).padStart(32, '0');

/** Ids of the rows that `fillShop` creates, by number from 1. The ids of one kind sort as their numbers. */
export const ids = {
  customer: (n: number) => `cus_${hex(n)}`,
  product: (n: number) => `prd_${hex(n)}`,
  order: (n: number) => `ord_${hex(n)}`,
};

export const sizes = { customers: 20_000, products: 5_000, orders: 100_000 };

/** The customer that has every fiftieth order. */
export const bestCustomer = ids.customer(1);

/** The newest orders are open: fifty in each of these, in this order, the last of all `pending`. */
export const openOrders = ['cancelling', 'reserved', 'pending'] as const;

/** Numbers of the fifty orders in an open status. */
export const openOrder = (status: (typeof openOrders)[number], n: number): string =>
  ids.order(sizes.orders - 50 * (openOrders.length - openOrders.indexOf(status)) + n);

/**
 * Fills a database with a shop that has been running for a while: by default 100,000 orders of 20,000 customers with their lines,
 * payments, reservations, ledger, timeline, events and idempotency records. Triggers do not run, because the rows already
 * agree with each other.
 */
export async function fillShop(
  database: Pick<TestDatabase, 'connect'>,
  { customers, products, orders } = sizes,
): Promise<void> {
  const admin = database.connect('rdsadmin', { max: 1 });
  try {
    await admin.unsafe(`
      set session_replication_role = 'replica';
      set synchronous_commit = 'off';
      set work_mem = '64MB';

      create function pg_temp.id(prefix text, n bigint) returns text language sql immutable
      return prefix || lpad(to_hex(n), 32, '0');

      insert into customers.customers (id, email, name, password_hash, premium, created_at, updated_at)
      select pg_temp.id('cus_', n), 'customer' || n || '@example.com', 'Customer ' || n, 'hash', n % 20 = 0, at, at
      from generate_series(1, ${customers}) n, lateral (select now() - interval '1 year') t (at);

      insert into catalog.products (id, sku, name, price_amount, price_currency, active, created_at, updated_at)
      select pg_temp.id('prd_', n), 'SKU-' || n, 'Product ' || n, 100 + n, 'EUR', n % 10 <> 0, at, at
      from generate_series(1, ${products}) n, lateral (select now() - interval '1 year') t (at);

      create temporary table placed as
      select n, pg_temp.id('ord_', n) as id,
        pg_temp.id('cus_', case when n % 50 = 0 then 1 else 1 + (n * 7919::bigint) % ${customers} end) as customer_id,
        case
          when n > ${orders} - 50 then 'pending'
          when n > ${orders} - 100 then 'reserved'
          when n > ${orders} - 150 then 'cancelling'
          when n % 997 = 0 then 'needs_attention'
          when n % 20 = 0 then 'failed'
          when n % 25 = 0 then 'cancelled'
          else 'confirmed'
        end as status,
        now() - (${orders} - n) * interval '10 seconds' - interval '10 minutes' as at,
        1 + (n % 4 = 0)::integer as lines
      from generate_series(1, ${orders}) n;

      create temporary table bought as
      select p.*, position, 1 + (p.n * 31 + position * 1709) % ${products} as product
      from placed p, generate_series(1, p.lines) position;

      insert into orders.lines (order_id, position, product_id, sku, name, quantity, unit_price, total)
      select id, position, pg_temp.id('prd_', product), 'SKU-' || product, 'Product ' || product, 1, 100 + product, 100 + product
      from bought;

      insert into orders.orders (
        id, customer_id, status, currency, subtotal, discount_amount, total, payment_method, failure_code,
        failure_detail, confirmed_at, version, created_at, updated_at
      )
      select id, customer_id, status, 'EUR', sum, 0, sum, 'pm_card_visa',
        case when status in ('failed', 'needs_attention') then 'out-of-stock' end,
        case when status in ('failed', 'needs_attention') then 'Too few.' end,
        case when status = 'confirmed' then at end, 4, at, at
      from placed, lateral (select sum(total) from orders.lines where order_id = id) s (sum);

      insert into payments.payments (id, order_id, provider, reference, status, amount, currency, captured_at)
      select pg_temp.id('pay_', p.n), o.id, 'simulated', 'ch_' || p.n, 'captured', o.total, 'EUR', p.at
      from placed p join orders.orders o on o.id = p.id where p.status in ('confirmed', 'cancelling');

      insert into payments.refunds (
        id, payment_id, order_id, status, amount, currency, reason, requested_by, reference, created_at, updated_at
      )
      select pg_temp.id('rfd_', n), pg_temp.id('pay_', n), id, case when n % 2000 = 11 then 'requested' else 'succeeded' end,
        1, 'EUR', 'broken', 'app:key', case when n % 2000 = 11 then null else 're_' || n end, at, at
      from placed where status = 'confirmed' and n % 10 = 1;
      update payments.payments p set refund_claimed = 1, refunded_amount = (r.status = 'succeeded')::integer
      from payments.refunds r where r.payment_id = p.id;

      insert into stock.reservations (order_id, product_id, quantity, state, expires_at)
      select id, pg_temp.id('prd_', product), 1,
        case when status = 'reserved' or status = 'needs_attention' then 'held'
          when status in ('confirmed', 'cancelling') then 'committed' else 'released' end,
        at + interval '15 minutes'
      from bought where status not in ('pending', 'failed');

      insert into stock.movements (id, product_id, kind, quantity, reserved, reason, order_id, created_at)
      select pg_temp.id('mov_', n), pg_temp.id('prd_', n), 'adjustment', 100000, 0, 'delivery', null, now() - interval '1 year'
      from generate_series(1, ${products}) n
      union all
      select pg_temp.id('mov_', ${products} + 4 * n + 2 * position + m), pg_temp.id('prd_', product),
        case m when 0 then 'reservation' else case when status in ('confirmed', 'cancelling') then 'commitment' else 'release' end end,
        case when m = 1 and status in ('confirmed', 'cancelling') then -1 else 0 end,
        case m when 0 then 1 else -1 end, 'order', id, at
      from bought, generate_series(0, 1) m
      where status not in ('pending', 'failed') and (m = 0 or status not in ('reserved', 'needs_attention'));

      insert into stock.levels (product_id, on_hand, reserved)
      select product_id, sum(quantity), sum(reserved) from stock.movements group by product_id
      on conflict (product_id) do nothing;

      insert into orders.timeline (order_id, version, entry, type, detail, at)
      select id, 1, 1, 'order-placed', '{}', at from placed;

      insert into orders.manual_reviews (
        order_id, attempt, opened_at, from_status, reason, steps, error, message, money_at_stake, money_certain,
        stock_at_stake, execution
      )
      select id, 0, at, 'reserved', 'compensation-failed', '["ReleaseStock"]', 'Error', 'x', 0, true, '[]', id
      from placed where status = 'needs_attention';

      insert into audit.operator_actions (id, order_id, at, key_id, action, request_id)
      select pg_temp.id('act_', n), id, at, 'key_1', 'read', 'req_1' from placed where n % 50 = 0;

      insert into outbox.events (
        id, type, schema_version, subject, aggregate_id, sequence, data, occurred_at, published_at, position
      )
      select pg_temp.id('evt_', n), 'order.placed', 1, id, id, 1, '{}', at, case when n < ${orders} - 20 then at end,
        case when n < ${orders} - 50 then n end from placed;

      insert into read_models.customers (customer_id, sequence, email, name, premium)
      select id, version, email, name, premium from customers.customers;
      insert into read_models.order_details (
        generation, order_id, sequence, customer_id, customer_email, customer_name, status, placed_at, changed_at, details
      )
      select 1, p.id, 1, p.customer_id, c.email, c.name, p.status, p.at, p.at, '{"timeline": [], "refunds": [], "payment": null}'
      from placed p join customers.customers c on c.id = p.customer_id;
      update read_models.generations set position = ${orders} - 60;

      insert into orders.idempotency_keys
      select 'customer:' || customer_id, 'key-' || n, 'place-order', 'hash', 202, jsonb_build_object('location', '/orders/' || id), '{}', at,
        at + interval '48 hours' from placed where n > ${orders} - 30000;
      insert into customers.idempotency_keys
      select 'address:10.0.0.' || n % 250, 'key-' || n, 'sign-up', 'hash', 202, '{}', '{"email":"customer' || n || '@example.com"}', at, at + interval '48 hours'
      from generate_series(1, 5000) n, lateral (select now() - n * interval '1 minute') t (at);
      insert into customers.mails (id, kind, recipient, subject, body, created_at, next_attempt_at, sent_at, keep_until)
      select pg_temp.id('eml_', n), 'reset', 'customer' || n || '@example.com', case when n > 4990 then 'x' end,
        case when n > 4990 then 'x' end, at, at, case when n <= 4990 then at end, at + interval '30 days'
      from generate_series(1, 5000) n, lateral (select now() - (5000 - n) * interval '5 minutes') t (at);
      insert into customers.email_tokens (customer_id, purpose, hash, created_at, expires_at)
      select pg_temp.id('cus_', n), 'confirm',
        translate(rtrim(encode(sha256(convert_to('token ' || n, 'UTF8')), 'base64'), '='), '+/', '-_'), now(), now() + interval '1 day'
      from generate_series(1, 5000) n;
      insert into catalog.idempotency_keys
      select 'app:key_' || n % 5, 'key-' || n, 'create-product', 'hash', 201, '{}', '{}', at, at + interval '48 hours'
      from generate_series(1, 5000) n, lateral (select now() - n * interval '1 minute') t (at);

      reset session_replication_role;
      analyze;`);
  } finally {
    await admin.end();
  }
}
