import type { Sql, TransactionSql } from 'postgres';
import { OrderNotActive, OutOfStock } from '../kernel/errors.ts';
import { outOfStock } from '../shop/orders/out-of-stock.ts';
import { transition } from '../shop/orders/transition.sql.ts';

/**
 * Reserves every line of a pending order in one statement: locks the order, then the levels in the order of their product
 * ids (so two baskets can never wait for each other), and writes reservations, ledger, status and timeline. When a line
 * does not fit, nothing is reserved, and the same statement ends the order as failed: nothing is left to compensate.
 * Repeating it changes nothing.
 * @returns whether this call did it (false: an earlier delivery had)
 * @throws OutOfStock naming the products that are short; OrderNotActive when the order does not go forward any more
 */
export async function reserveAllOrNothing(
  sql: Sql | TransactionSql,
  { orderId, eventId, at, expiresAt }: { orderId: string; eventId: string; at: Date; expiresAt: Date },
): Promise<boolean> {
  const [row] = await sql`
    with this as materialized (
      select id from orders.orders
      where id = ${orderId} and status = 'pending' and abandoned_at is null
      for update
    ),
    wanted as materialized (
      select w.product_id, w.sku, w.quantity from stock.wanted w join this on this.id = w.order_id
    ),
    level as materialized (
      select l.product_id, l.on_hand - l.reserved as available from stock.levels l
      where l.product_id in (select product_id from wanted)
      order by l.product_id
      for update
    ),
    short as materialized (
      select w.sku
      from wanted w left join level l on l.product_id = w.product_id
      where coalesce(l.available, 0) < w.quantity
    ),
    granted as materialized (
      select id from this where not exists (select from short)
    ),
    held as (
      insert into stock.reservations (order_id, product_id, quantity, expires_at)
      select granted.id, w.product_id, w.quantity, ${expiresAt}::timestamptz from granted, wanted w
    ),
    moved as (
      insert into stock.movements (id, product_id, kind, quantity, reserved, reason, order_id, created_at)
      select
        'mov_' || replace(uuidv7()::text, '-', ''), w.product_id, 'reservation', 0, w.quantity,
        'reserved for an order', granted.id, ${at}::timestamptz
      from granted, wanted w
      order by w.product_id
    ),
    outcome as materialized (
      select this.id,
        case when skus is null then 'reserved' else 'failed' end as status,
        case when skus is not null then ${outOfStock.code}::text end as failure_code,
        ${outOfStock.before}::text || skus || ${outOfStock.after}::text as failure_detail
      from this, (select string_agg(sku, ', ' order by sku) as skus from short) as missing
    ),
    ${transition(sql, {
      set: sql`set failure_code = outcome.failure_code, failure_detail = outcome.failure_detail`,
      which: sql`from outcome where o.id = outcome.id`,
      from: sql`'pending'`,
      to: { among: ['reserved', 'failed'], status: sql`outcome.status` },
      entries: [
        {
          type: 'stock-reserved',
          detail: sql`(
            select jsonb_build_object('expiresAt', ${expiresAt.toISOString()}::text) from granted
          )`,
        },
      ],
      detail: { reason: sql`changed.failure_code` },
      eventId,
      at,
    })}
    select
      exists (select from this) as pending,
      (select jsonb_agg(sku order by sku) from short) as short`;
  const { pending, short } = row as { pending: boolean; short: string[] | null };
  if (short !== null) throw new OutOfStock(short);
  if (pending) return true;

  const [now] = await sql`
    select status, failure_code from orders.orders where id = ${orderId} and abandoned_at is null`;
  if (wasReserved.has(now?.status)) return false;
  if (now?.failureCode === outOfStock.code) throw new OutOfStock([], { repeated: true });
  throw new OrderNotActive(`order is ${now?.status ?? 'given up'}`);
}

const wasReserved = new Set(['reserved', 'pending_payment', 'confirmed']);
