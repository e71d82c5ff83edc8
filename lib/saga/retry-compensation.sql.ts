import type { Sql, TransactionSql } from 'postgres';
import type { OrderStatus } from '../contract/api/orders.ts';
import { transition } from '../shop/orders/transition.sql.ts';

export type FailedCompensation = { orderId: string; attempt: number };

/**
 * Orders in manual review because a step of their compensation failed, and for which a retry is due: after the first
 * pause, which doubles with each retry. The order longest in manual review comes first.
 * @param limits.most orders that had so many retries are left out
 */
export async function listFailedCompensations(
  sql: Sql,
  limits: { now: Date; firstPauseSeconds: number; most: number; limit: number },
): Promise<FailedCompensation[]> {
  const { now, firstPauseSeconds, most, limit } = limits;
  const rows = await sql`
    select r.order_id, o.compensation_attempts as attempt
    from orders.manual_reviews r
    join orders.orders o on o.id = r.order_id
    where r.settled_at is null and r.steps <> '[]' and r.from_status <> 'confirmed' and o.compensation_attempts < ${most}
      and r.opened_at <= ${now}::timestamptz - make_interval(secs => ${firstPauseSeconds} * 2 ^ o.compensation_attempts)
    order by r.opened_at
    limit ${limit}`;
  return rows as unknown as FailedCompensation[];
}

/**
 * Takes an order out of manual review, back to the status that it came from, for its compensation to run again. No step
 * takes the order forward from there.
 * @param of.only the order is left alone unless it had exactly so many retries
 * @param of.requestId the API request that asked for the retry, if one did
 * @returns which retry it is, starting at 1; the order's status if it is not in manual review, or had another number of
 *   retries; undefined if there is no such order
 */
export async function reopenForCompensation(
  tx: TransactionSql,
  orderId: string,
  { at, only = null, requestId }: { at: Date; only?: number | null; requestId?: string },
): Promise<{ attempt: number } | { status: OrderStatus } | undefined> {
  const [row] = await tx`
    with this as materialized (
      select o.id, o.compensation_attempts + 1 as attempt,
        -- An order is paid for a moment only, and one in pending_payment would ask its customer to pay. An order that an
        -- earlier release put into manual review has no row that says where it came from.
        case coalesce(a.from_status, case when o.confirmed_at is null then 'reserved' else 'cancelling' end)
          when 'pending' then 'pending'
          when 'cancelling' then 'cancelling'
          else 'reserved'
        end as back_to
      from orders.orders o
      left join orders.manual_reviews a on a.order_id = o.id and a.settled_at is null
      where o.id = ${orderId} and o.status = 'needs_attention' and a.from_status is distinct from 'confirmed'
        and o.compensation_attempts = coalesce(${only}, o.compensation_attempts)
      for update of o
    ),
    ${transition(tx, {
      set: tx`set compensation_attempts = this.attempt, abandoned_at = coalesce(o.abandoned_at, ${at})`,
      which: tx`from this where o.id = this.id`,
      from: tx`'needs_attention'`,
      to: { among: ['pending', 'reserved', 'cancelling'], status: tx`this.back_to` },
      detail: { reason: tx`'retry'` },
      restores: true,
      requestId,
      at,
    })},
    settled as (
      update orders.manual_reviews a set settled_at = ${at}, settled_how = 'retried'
      from this where a.order_id = this.id and a.settled_at is null
    )
    select attempt from this`;
  if (row !== undefined) return { attempt: row.attempt };
  const [now] = await tx`select status from orders.orders where id = ${orderId}`;
  return now && { status: now.status };
}
