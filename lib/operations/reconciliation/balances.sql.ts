import type { PendingQuery, Row, Sql } from 'postgres';
import type { OrderBalance } from './judge-money.ts';
import type { KeptStock, StockBalance } from './judge-stock.ts';

const list = (values: readonly string[]) => JSON.stringify(values);

/** What our records say of these orders' money, by order id. */
export async function readOrderBalances(sql: Sql, orderIds: readonly string[]): Promise<Map<string, OrderBalance>> {
  const rows = await sql`
    select order_id, status, total, currency, changed_at, payment_id, payment_provider, payment_reference,
      payment_status, payment_amount, payment_currency, payment_refunded, refund_open
    from monitor.order_balances
    where order_id in (select jsonb_array_elements_text(${list(orderIds)}::text::jsonb))
    union all
    select order_id, status, total, currency, changed_at, payment_id, payment_provider, payment_reference,
      payment_status, payment_amount, payment_currency, payment_refunded, refund_open
    from monitor.archived_order_balances
    where order_id in (select jsonb_array_elements_text(${list(orderIds)}::text::jsonb))`;
  return new Map((rows as unknown as OrderBalance[]).map((row) => [row.orderId, row]));
}

/** Orders with their payments, in the order of the payments' ids, which is that of the time they were written at. */
export async function listPaidOrders(
  sql: Sql,
  { after, before, limit }: { after: string; before: string; limit: number },
): Promise<OrderBalance[]> {
  const rows = await sql`
    select order_id, status, total, currency, changed_at, payment_id, payment_provider, payment_reference,
      payment_status, payment_amount, payment_currency, payment_refunded, refund_open
    from monitor.order_balances
    where payment_id > ${after} and payment_id < ${before}
    order by payment_id
    limit ${limit}`;
  return rows as unknown as OrderBalance[];
}

/** Ids of orders that stock is held for though nobody may need it, by id. */
export async function listHoldingOrders(
  sql: Sql,
  { after, expiredBefore, limit }: { after: string; expiredBefore: Date; limit: number },
): Promise<string[]> {
  const rows = await sql`
    select distinct order_id from monitor.kept_stock
    where state = 'held' and order_id > ${after}
      and (status is null or status in ('failed', 'cancelled', 'confirmed') or expires_at < ${expiredBefore})
    order by order_id
    limit ${limit}`;
  return rows.map((row) => row.orderId as string);
}

/** Ids of orders that stock is committed for, by id, and whether one was compensated or does not exist. */
export async function listCommittedOrders(
  sql: Sql,
  { after, limit }: { after: string; limit: number },
): Promise<{ id: string; suspect: boolean }[]> {
  const rows = await sql`
    select order_id as id, status is null or status in ('failed', 'cancelled') as suspect
    from (
      select distinct on (order_id) order_id, status from monitor.kept_stock
      where state = 'committed' and order_id > ${after}
      order by order_id
      limit ${limit}
    ) committed
    order by order_id`;
  return rows as unknown as { id: string; suspect: boolean }[];
}

/** The stock that is kept for these orders; an order without any comes without lines. */
export async function readKeptStock(sql: Sql, orderIds: readonly string[]): Promise<KeptStock[]> {
  const rows = await sql`
    select wanted.id as order_id, min(k.status) as status,
      coalesce(
        jsonb_agg(
          jsonb_build_object(
            'productId', k.product_id, 'quantity', k.quantity, 'state', k.state, 'expiresAt', k.expires_at
          ) order by k.product_id
        ) filter (where k.product_id is not null),
        '[]'
      ) as lines
    from jsonb_array_elements_text(${list(orderIds)}::text::jsonb) as wanted (id)
    left join monitor.kept_stock k on k.order_id = wanted.id
    group by wanted.id`;
  return rows as unknown as KeptStock[];
}

/** Levels beside their ledger and held reservations, by product id, after an id. All numbers are of one moment. */
export async function listStockBalances(
  sql: Sql,
  { after, limit }: { after: string; limit: number },
): Promise<StockBalance[]> {
  return readBalances(
    sql,
    sql`select product_id, on_hand, reserved, ledger_on_hand, ledger_reserved
      from monitor.stock_balances where product_id > ${after} order by product_id limit ${limit}`,
  );
}

/** Levels of these products beside their ledger and held reservations. All numbers are of one moment. */
export async function readStockBalances(sql: Sql, productIds: readonly string[]): Promise<StockBalance[]> {
  return readBalances(
    sql,
    sql`select product_id, on_hand, reserved, ledger_on_hand, ledger_reserved
      from monitor.stock_balances
      where product_id = any (string_to_array(${productIds.join(',')}, ','))`,
  );
}

async function readBalances(sql: Sql, balances: PendingQuery<Row[]>): Promise<StockBalance[]> {
  const rows = await sql`
    with held as materialized (
      select product_id, sum(quantity)::integer as units from monitor.kept_stock where state = 'held' group by product_id
    )
    select b.product_id, b.on_hand, b.reserved, b.ledger_on_hand, b.ledger_reserved,
      coalesce(held.units, 0) as held
    from (${balances}) b
    left join held on held.product_id = b.product_id
    order by b.product_id`;
  return rows as unknown as StockBalance[];
}
