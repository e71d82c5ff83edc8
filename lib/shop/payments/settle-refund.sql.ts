import type { Sql, TransactionSql } from 'postgres';
import { refundFailed, refundSucceeded } from '../../contract/events/domain-events.ts';
import { eventData, type OutboxEvent } from '../../events/outbox.sql.ts';
import { reachableOf } from '../orders/announcements.sql.ts';
import { revision } from '../orders/transition.sql.ts';

export type RefundSettlement = { refundId: string; eventId: string; at: Date } & (
  | { outcome: 'succeeded'; reference: string }
  /** The provider refused the refund for good. */
  | { outcome: 'failed'; code: string }
);

/**
 * Settles a refund, once: writes what was given back or frees its claim on the payment, with the order's timeline and the
 * event.
 * @returns whether this call did it
 * @throws Error if there is no such refund
 */
export async function settleRefund(sql: Sql | TransactionSql, settlement: RefundSettlement): Promise<boolean> {
  const { refundId, outcome, at } = settlement;
  const [row] = await sql`
    with this as materialized (
      select o.id from orders.orders o
      where o.id = (select order_id from payments.refunds where id = ${refundId})
      for update
    ),
    settled as (
      update payments.refunds r
      set status = ${outcome}, updated_at = ${at},
        reference = ${settlement.outcome === 'succeeded' ? settlement.reference : null},
        failure_code = ${settlement.outcome === 'failed' ? settlement.code : null}
      from this
      where r.id = ${refundId} and r.order_id = this.id and r.status = 'requested'
      returning r.id, r.order_id, r.payment_id, r.failure_code, r.correlation_id,
        jsonb_build_object('amount', r.amount, 'currency', r.currency) as money, r.amount
    ),
    paid as (
      update payments.payments p
      set refunded_amount = p.refunded_amount + case ${outcome} when 'succeeded' then settled.amount else 0 end,
        refund_claimed = p.refund_claimed - case ${outcome} when 'failed' then settled.amount else 0 end
      from settled
      where p.id = settled.payment_id
    ),
    ${revision(sql, {
      which: sql`from settled where o.id = settled.order_id`,
      entries: [
        {
          type: outcome === 'succeeded' ? 'payment-refunded' : 'refund-failed',
          detail: sql`(select jsonb_build_object('refundId', settled.id, 'amount', settled.money) from settled)`,
        },
      ],
      events: [eventOf(sql, settlement)],
      at,
    })}
    select id from settled`;
  if (row !== undefined) return true;
  const [now] = await sql`select status from payments.refunds where id = ${refundId}`;
  if (now === undefined) throw new Error(`no refund ${refundId}`);
  return false;
}

/** The event of a refund in the query `settled`, of the order in the query `changed`. */
function eventOf(sql: Sql | TransactionSql, { outcome, eventId }: RefundSettlement): OutboxEvent {
  const common = {
    refundId: sql`settled.id`,
    ...reachableOf(sql),
    amount: sql`settled.money`,
  };
  return {
    id: eventId,
    ...(outcome === 'succeeded'
      ? { definition: refundSucceeded, data: eventData(sql, refundSucceeded, common) }
      : {
          definition: refundFailed,
          data: eventData(sql, refundFailed, { ...common, reason: sql`settled.failure_code` }),
        }),
    subject: sql`settled.id`,
    aggregateId: sql`changed.id`,
    sequence: sql`changed.version`,
    correlationId: sql`settled.correlation_id`,
    from: sql`changed, settled`,
  };
}

/** Open refunds that have not changed since `before`, the oldest first. One waits while its payment is being captured. */
export async function listOpenRefunds(sql: Sql, { before, limit }: { before: Date; limit: number }) {
  const rows = await sql`
    select r.id, r.order_id, r.attempt, r.updated_at from payments.refunds r
    join payments.payments p on p.id = r.payment_id and p.status <> 'authorized'
    where r.status = 'requested' and r.updated_at < ${before}
    order by r.updated_at
    limit ${limit}`;
  return rows as unknown as { id: string; orderId: string; attempt: number; updatedAt: Date }[];
}

/** Counts one more attempt of an open refund, unless another call already did. @returns whether this call did */
export async function nextAttempt(sql: Sql, of: { refundId: string; attempt: number; at: Date }): Promise<boolean> {
  const rows = await sql`
    update payments.refunds set attempt = attempt + 1, updated_at = ${of.at}
    where id = ${of.refundId} and attempt = ${of.attempt} and status = 'requested'
    returning id`;
  return rows.length === 1;
}
