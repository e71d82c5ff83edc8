import type { Sql, TransactionSql } from 'postgres';
import { OrderNotActive, OutOfStock } from '../../kernel/errors.ts';
import { revision, transition } from '../orders/transition.sql.ts';

/**
 * Reserves every line of a pending order, or nothing, in one statement: locks the order, then the levels in the order
 * of their product ids (so two baskets can never wait for each other), and writes reservations, ledger, status and
 * timeline only when every line fits. Repeating it changes nothing.
 * @returns whether this call did it (false: an earlier delivery had)
 * @throws OutOfStock naming the products that are short; OrderNotActive when the order does not go forward any more
 */
export async function reserveAllOrNothing(
  sql: Sql,
  { orderId, at, expiresAt }: { orderId: string; at: Date; expiresAt: Date },
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
        {
          type: 'stock-reserved',
          detail: sql`jsonb_build_object('expiresAt', ${expiresAt.toISOString()}::text)`,
        },
      ],
      at,
    })}
    select
      exists (select from this) as pending,
      (select jsonb_agg(sku order by sku) from short) as short`;
  const { pending, short } = row as { pending: boolean; short: string[] | null };
  if (short !== null) throw new OutOfStock(short);
  if (pending) return true;

  const [now] = await sql`select status from orders.orders where id = ${orderId} and abandoned_at is null`;
  if (wasReserved.has(now?.status)) return false;
  throw new OrderNotActive(`order is ${now?.status ?? 'given up'}`);
}

const wasReserved = new Set(['reserved', 'pending_payment', 'confirmed']);

/**
 * Gives back whatever stock an order that is being compensated still has: a held reservation is released, a committed one
 * returned to the shelf. From its first call no step takes the order forward again. Repeating it changes nothing.
 * @returns units given back
 * @throws OrderNotActive when the order is one whose stock must stay, such as a confirmed one
 */
export async function releaseWhatIsHeld(
  sql: Sql | TransactionSql,
  { orderId, at }: { orderId: string; at: Date },
): Promise<number> {
  const [row] = await sql`
    with this as materialized (
      select id from orders.orders
      where id = ${orderId} and status in ('pending', 'reserved', 'pending_payment', 'cancelling', 'needs_attention')
      for update
    ),
    given as (
      update stock.reservations r
      set state = case r.state when 'held' then 'released' else 'returned' end
      from this
      where r.order_id = this.id and r.state in ('held', 'committed')
      returning r.product_id, r.quantity, r.state
    ),
    moved as (
      insert into stock.movements (id, product_id, kind, quantity, reserved, reason, order_id, created_at)
      select
        'mov_' || replace(uuidv7()::text, '-', ''), g.product_id,
        case g.state when 'released' then 'release' else 'return' end,
        case g.state when 'released' then 0 else g.quantity end,
        case g.state when 'released' then -g.quantity else 0 end,
        case g.state when 'released' then 'order was compensated' else 'order was cancelled' end,
        this.id, ${at}::timestamptz
      from this, given g
      order by g.product_id
    ),
    ${revision(sql, {
      set: sql`set abandoned_at = coalesce(o.abandoned_at, ${at})`,
      which: sql`from this where o.id = this.id`,
      entries: [
        {
          type: sql`case (select min(state) from given) when 'released' then 'stock-released' else 'stock-returned' end`,
          detail: sql`(select '{}' from given limit 1)`,
        },
      ],
      at,
    })}
    select exists (select from this) as compensable, (select coalesce(sum(quantity), 0)::integer from given) as units`;
  const { compensable, units } = row as { compensable: boolean; units: number };
  if (units > 0) return units;

  const [now] = await sql`
    select o.status, exists (
      select from stock.reservations r where r.order_id = o.id and r.state in ('held', 'committed')
    ) as kept
    from orders.orders o where o.id = ${orderId}`;
  if (now !== undefined && !now.kept) return 0;
  // It waited for a late ReserveStock, whose rows came after its snapshot. No other one can come now.
  if (compensable) return releaseWhatIsHeld(sql, { orderId, at });
  throw new OrderNotActive(`the stock of an order that is ${now?.status ?? 'unknown'} stays`);
}

/**
 * Releases stock that is still held for an order that ended compensated, or that does not exist: exactly what the ledger says
 * is reserved for it. A line whose ledger says anything but "all of it" or "none of it" stays as it is. Repeating it
 * changes nothing.
 * @returns reservations released
 */
export async function releaseHeldOfCompensated(
  sql: Sql | TransactionSql,
  { orderId, at }: { orderId: string; at: Date },
): Promise<number> {
  const [row] = await sql`
    with held as materialized (
      select r.order_id, r.product_id, r.quantity, (
        select coalesce(sum(m.reserved), 0) from stock.movements m
        where m.order_id = r.order_id and m.product_id = r.product_id
      ) as in_ledger
      from stock.reservations r
      where r.order_id = ${orderId} and r.state = 'held' and not exists (
        select from monitor.order_balances o where o.order_id = r.order_id and o.status not in ('failed', 'cancelled')
      )
      for update of r
    ),
    released as (
      update stock.reservations r set state = 'released'
      from held h
      where r.order_id = h.order_id and r.product_id = h.product_id and r.state = 'held' and h.in_ledger in (0, h.quantity)
      returning r.product_id, h.in_ledger
    ),
    moved as (
      insert into stock.movements (id, product_id, kind, quantity, reserved, reason, order_id, created_at)
      select
        'mov_' || replace(uuidv7()::text, '-', ''), product_id, 'release', 0, -in_ledger, 'reconciliation: nobody needs it',
        ${orderId}, ${at}::timestamptz
      from released where in_ledger > 0
      order by product_id
    )
    select count(*)::integer as lines from released`;
  return (row as { lines: number }).lines;
}
