import type { Sql, TransactionSql } from 'postgres';
import type { OrderStatus } from '../contract/api/orders.ts';

export type FailedCompensation = { orderId: string; attempt: number };

/**
 * Orders in manual review of which some step of the compensation did not get through, and which have been left alone since for
 * the first pause, doubled with each compensation that was run again. The one longest in manual review first.
 * @param limits.most orders whose compensation was run again so often are left out
 */
export async function listFailedCompensations(
  sql: Sql,
  limits: { now: Date; firstPauseSeconds: number; most: number; limit: number },
): Promise<FailedCompensation[]> {
  const { now, firstPauseSeconds, most, limit } = limits;
  const rows = await sql`
    select order_id, attempt from orders.manual_reviews
    where settled_at is null and steps <> '[]' and attempt < ${most}
      and opened_at <= ${now}::timestamptz - make_interval(secs => ${firstPauseSeconds} * 2 ^ attempt)
    order by opened_at
    limit ${limit}`;
  return rows as unknown as FailedCompensation[];
}

/**
 * Takes an order back from in manual review, to the status that it came from, for its compensation to run once more. No step
 * takes it forward from there.
 * @param only nothing is done when the order's compensation was run again another number of times
 * @returns which compensation it is, 1 for the first; the order's status when it does not wait in manual review, or not after
 *   that number; undefined when there is no such order
 */
export async function reopenForCompensation(
  tx: TransactionSql,
  orderId: string,
  { at, only = null }: { at: Date; only?: number | null },
): Promise<{ attempt: number } | { status: OrderStatus } | undefined> {
  const [row] = await tx`
    with this as materialized (
      select o.id, o.version, o.compensation_attempts + 1 as attempt,
        -- A paid order never lives long, and one that waits for its customer would ask them to pay. An order that an
        -- earlier release opened has no row that tells.
        case coalesce(a.from_status, case when o.confirmed_at is null then 'reserved' else 'cancelling' end)
          when 'pending' then 'pending'
          when 'cancelling' then 'cancelling'
          else 'reserved'
        end as back_to
      from orders.orders o
      left join orders.manual_reviews a on a.order_id = o.id and a.settled_at is null
      where o.id = ${orderId} and o.status = 'needs_attention' and o.compensation_attempts = coalesce(${only}, o.compensation_attempts)
      for update of o
    ),
    stepped as (
      update orders.orders o
      set status = this.back_to, version = this.version + 1, updated_at = ${at}, compensation_attempts = this.attempt,
        abandoned_at = coalesce(o.abandoned_at, ${at})
      from this where o.id = this.id
    ),
    settled as (
      update orders.manual_reviews a set settled_at = ${at}, settled_how = 'retried'
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
