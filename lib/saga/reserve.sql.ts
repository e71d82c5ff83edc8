import type { Sql, TransactionSql } from 'postgres';
import { OrderNotActive, OutOfStock } from '../kernel/errors.ts';
import { outOfStock } from '../shop/orders/out-of-stock.ts';
import { transition } from '../shop/orders/transition.sql.ts';

type Db = Sql | TransactionSql;

/**
 * Reserves every line of a pending order in one statement: locks the order, then the levels in the order of their product
 * ids (so two baskets can never wait for each other), and writes reservations, ledger, status and timeline. When a line
 * does not fit, nothing is reserved, and a second statement ends the order as failed: nothing is left to compensate.
 * Repeating it changes nothing.
 * @returns whether this call did it (false: an earlier delivery had)
 * @throws OutOfStock naming the products that are short; OrderNotActive when the order does not go forward any more
 */
export async function reserveAllOrNothing(
  sql: Db,
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
    ${transition(sql, {
      which: sql`from granted where o.id = granted.id`,
      from: sql`'pending'`,
      to: 'reserved',
      entries: [
        { type: 'stock-reserved', detail: sql`jsonb_build_object('expiresAt', ${expiresAt.toISOString()}::text)` },
      ],
      eventId,
      at,
    })}
    select
      exists (select from this) as pending,
      (select jsonb_agg(sku order by sku) from short) as short`;
  const { pending, short } = row as { pending: boolean; short: string[] | null };
  if (pending && short === null) return true;
  if (short !== null && (await failForStock(sql, { orderId, eventId, at, short }))) throw new OutOfStock(short);

  const [now] = await sql`
    select status, failure_code from orders.orders where id = ${orderId} and abandoned_at is null`;
  if (wasReserved.has(now?.status)) return false;
  if (now?.failureCode === outOfStock.code) throw new OutOfStock([], { repeated: true });
  throw new OrderNotActive(`order is ${now?.status ?? 'given up'}`);
}

/** @returns whether this call did it (false: the order is not pending any more) */
async function failForStock(
  sql: Db,
  { orderId, eventId, at, short }: { orderId: string; eventId: string; at: Date; short: readonly string[] },
): Promise<boolean> {
  const detail = `${outOfStock.before}${short.join(', ')}${outOfStock.after}`;
  const failed = await sql`
    with this as materialized (
      select id from orders.orders
      where id = ${orderId} and status = 'pending' and abandoned_at is null
      for update
    ),
    ${transition(sql, {
      set: sql`set failure_code = ${outOfStock.code}, failure_detail = ${detail}`,
      which: sql`from this where o.id = this.id`,
      from: sql`'pending'`,
      to: 'failed',
      detail: { reason: sql`changed.failure_code` },
      eventId,
      at,
    })}
    select from changed`;
  return failed.length > 0;
}

const wasReserved = new Set(['reserved', 'pending_payment', 'confirmed']);
