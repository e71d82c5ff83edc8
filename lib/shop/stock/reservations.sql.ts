import type { Sql, TransactionSql } from 'postgres';
import { OrderNotActive } from '../../kernel/errors.ts';
import { revision } from '../orders/transition.sql.ts';

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
