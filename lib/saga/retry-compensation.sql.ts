import type { Sql, TransactionSql } from 'postgres';
import type { OrderStatus } from '../contract/api/orders.ts';

export type FailedUndo = { orderId: string; attempt: number };

/**
 * Orders before a person of which some step of the undo did not get through, and which have been left alone since for
 * the first pause, doubled with each undo that was run again. The one longest before a person first.
 * @param limits.most orders whose undo was run again so often are left out
 */
export async function listFailedUndos(
  sql: Sql,
  limits: { now: Date; firstPauseSeconds: number; most: number; limit: number },
): Promise<FailedUndo[]> {
  const { now, firstPauseSeconds, most, limit } = limits;
  const rows = await sql`
    select order_id, attempt from orders.attention
    where settled_at is null and steps <> '[]' and attempt < ${most}
      and flagged_at <= ${now}::timestamptz - make_interval(secs => ${firstPauseSeconds} * 2 ^ attempt)
    order by flagged_at
    limit ${limit}`;
  return rows as unknown as FailedUndo[];
}

/**
 * Takes an order back from before a person, to the status that it came from, for its undo to run once more. No step
 * takes it forward from there.
 * @param only nothing is done when the order's undo was run again another number of times
 * @returns which undo it is, 1 for the first; the order's status when it does not wait for a person, or not after
 *   that number; undefined when there is no such order
 */
export async function takeBackToUndo(
  tx: TransactionSql,
  orderId: string,
  { at, only = null }: { at: Date; only?: number | null },
): Promise<{ attempt: number } | { status: OrderStatus } | undefined> {
  const [row] = await tx`
    with this as materialized (
      select o.id, o.version, o.undo_attempts + 1 as attempt,
        -- A paid order never lives long, and one that waits for its customer would ask them to pay. An order that an
        -- earlier release flagged has no row that tells.
        case coalesce(a.from_status, case when o.confirmed_at is null then 'reserved' else 'cancelling' end)
          when 'pending' then 'pending'
          when 'cancelling' then 'cancelling'
          else 'reserved'
        end as back_to
      from orders.orders o
      left join orders.attention a on a.order_id = o.id and a.settled_at is null
      where o.id = ${orderId} and o.status = 'needs_attention' and o.undo_attempts = coalesce(${only}, o.undo_attempts)
      for update of o
    ),
    stepped as (
      update orders.orders o
      set status = this.back_to, version = this.version + 1, updated_at = ${at}, undo_attempts = this.attempt,
        abandoned_at = coalesce(o.abandoned_at, ${at})
      from this where o.id = this.id
    ),
    settled as (
      update orders.attention a set settled_at = ${at}, settled_how = 'retried'
      from this where a.order_id = this.id and a.settled_at is null
    ),
    noted as (
      insert into orders.timeline (order_id, version, entry, type, detail, at)
      select this.id, this.version + 1, 1, 'status-changed',
        jsonb_build_object('from', 'needs_attention', 'to', this.back_to, 'reason', 'retry'), ${at}::timestamptz
      from this
    )
    select attempt from this`;
  if (row !== undefined) return { attempt: row.attempt };
  const [now] = await tx`select status from orders.orders where id = ${orderId}`;
  return now && { status: now.status };
}
