import type { Sql, TransactionSql } from 'postgres';
import { paymentCaptured } from '../contract/events/domain-events.ts';
import type { CaptureToMake } from '../shop/orders/start-saga.ts';
import { paymentEvent, revision, transition } from '../shop/orders/transition.sql.ts';
import { type CaptureRow, captureColumns, toCaptureToMake } from '../shop/payments/captures.sql.ts';
import { explained } from './compensate.sql.ts';
import type { Failure } from './failures.ts';

/**
 * Writes that an authorized payment was captured, with the order's timeline and the event. A payment that is not authorized
 * any more stays unchanged: it is captured already, or the order was compensated meanwhile.
 * @returns whether this call did it
 */
export async function settleCapture(
  sql: Sql,
  { orderId, eventId, at }: { orderId: string; eventId: string; at: Date },
): Promise<boolean> {
  const [row] = await sql`
    with this as materialized (select id from orders.orders where id = ${orderId} for update),
    captured as (
      update payments.payments p set status = 'captured', captured_at = ${at}
      from this where p.order_id = this.id and p.status = 'authorized'
      returning p.id, p.order_id, p.provider, p.capture_correlation_id
    ),
    ${revision(sql, {
      which: sql`from captured where o.id = captured.order_id`,
      entries: [
        {
          type: 'payment-captured',
          detail: sql`(select jsonb_build_object('paymentId', captured.id) from captured)`,
        },
      ],
      events: [
        {
          ...paymentEvent(sql, paymentCaptured, { id: eventId, payment: sql`captured` }).event,
          sequence: sql`changed.version`,
          correlationId: sql`coalesce(payment.capture_correlation_id, changed.correlation_id)`,
        },
      ],
      at,
    })}
    select id from captured`;
  return row !== undefined;
}

export type CaptureReview = {
  orderId: string;
  eventId: string;
  failure: Failure;
  /** The execution that could not capture the payment, if one has tried. */
  execution: string;
  /** What went wrong; `certain` when the provider said that it captured nothing. */
  why: { error: string; message: string; certain: boolean };
  at: Date;
};

/**
 * Puts a confirmed order into manual review because its authorized payment is not captured. An order that is not confirmed
 * any more, or whose payment is not authorized, stays unchanged.
 * @returns whether this call put it into manual review, and whether it is there
 */
export async function reviewCapture(sql: Sql, review: CaptureReview): Promise<{ opened: boolean; inReview: boolean }> {
  const { orderId, failure, at, why } = review;
  const [row] = await sql`
    with this as materialized (
      select id, status, total, compensation_attempts, coalesce(capture_retries, 0) as capture_retries
      from orders.orders o
      where id = ${orderId} and status = 'confirmed'
        and exists (select from payments.payments p where p.order_id = o.id and p.status = 'authorized')
      for update
    ),
    ${transition(sql, {
      set: sql`set failure_code = ${failure.code}, failure_detail = ${failure.detail}`,
      which: sql`from this where o.id = this.id`,
      from: sql`this.status`,
      to: 'needs_attention',
      detail: { reason: sql`changed.failure_code` },
      eventId: review.eventId,
      at,
    })},
    ${explained(sql, {
      reason: failure.code,
      execution: review.execution,
      why: { steps: ['CapturePayment'], error: why.error, message: why.message },
      certain: why.certain,
      at,
    })}
    select true as opened from this`;
  if (row !== undefined) return { opened: true, inReview: true };
  const [now] = await sql`select status from orders.orders where id = ${orderId}`;
  return { opened: false, inReview: now?.status === 'needs_attention' };
}

/**
 * Takes an order whose payment was not captured out of manual review, back to confirmed, with a new attempt to capture.
 * @returns what the saga of the capture is started with; undefined if the order is not in manual review for that
 */
export async function reopenForCapture(
  tx: TransactionSql,
  { orderId, by, requestId, at }: { orderId: string; by: string; requestId: string; at: Date },
): Promise<CaptureToMake | undefined> {
  const [row] = await tx`
    with this as materialized (
      select o.id, coalesce(o.capture_retries, 0) + 1 as retries
      from orders.orders o
      join orders.manual_reviews a on a.order_id = o.id and a.settled_at is null and a.from_status = 'confirmed'
      where o.id = ${orderId} and o.status = 'needs_attention'
      for update of o
    ),
    ${transition(tx, {
      set: tx`set failure_code = null, failure_detail = null, capture_retries = this.retries`,
      which: tx`from this where o.id = this.id`,
      from: tx`'needs_attention'`,
      to: 'confirmed',
      detail: { reason: tx`'retry'` },
      restores: true,
      requestId,
      at,
    })},
    settled as (
      update orders.manual_reviews a set settled_at = ${at}, settled_how = 'retried'
      from this where a.order_id = this.id and a.settled_at is null
    )
    update payments.payments p
    set capture_requested_at = ${at}, capture_requested_by = coalesce(p.capture_requested_by, ${by}),
      capture_correlation_id = ${requestId}, capture_attempt = coalesce(p.capture_attempt, 0) + 1
    from this where p.order_id = this.id and p.status = 'authorized'
    returning ${captureColumns(tx)}`;
  return row && toCaptureToMake(row as CaptureRow);
}
