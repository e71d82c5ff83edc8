import type { TransactionSql } from 'postgres';
import type { OrderStatus } from '../../contract/api/orders.ts';
import { endCompensated } from '../../saga/compensate.sql.ts';
import type { Operator } from './audit.sql.ts';

/** Locks an order; undefined if there is none. `compensated` is the status in which it must end. */
export async function lockForResolution(
  tx: TransactionSql,
  orderId: string,
): Promise<{ status: OrderStatus; compensated: 'failed' | 'cancelled' } | undefined> {
  const [row] = await tx`
    select o.status,
      case when o.confirmed_at is not null or exists (
        select from orders.manual_reviews a where a.order_id = o.id and a.settled_at is null and a.from_status = 'cancelling'
      ) then 'cancelled' else 'failed' end as compensated
    from orders.orders o where o.id = ${orderId}
    for update`;
  return row as { status: OrderStatus; compensated: 'failed' | 'cancelled' } | undefined;
}

export type Resolution = Operator & {
  orderId: string;
  eventId: string;
  paymentEventId: string;
  outcome: 'failed' | 'cancelled';
  note: string;
  refundReference: string | undefined;
  failure: { code: string; detail: string };
};

/**
 * Ends an order in manual review as the operator declares, with timeline, event and audit record. Its payment counts as
 * refunded. The same transaction must release its stock before, or the database refuses to commit.
 */
export async function endByHand(tx: TransactionSql, resolution: Resolution): Promise<void> {
  const { orderId, outcome, at, refundReference } = resolution;
  await tx`
    with this as materialized (
      select id, status, ${outcome}::text as outcome from orders.orders
      where id = ${orderId} and status = 'needs_attention'
      for update
    ),
    refunded as (
      update payments.payments p
      set status = 'refunded', refunded_at = ${at}, refund_reference = ${refundReference ?? 'by-hand'}
      from this where p.order_id = this.id and p.status = 'captured'
      returning p.id, p.provider
    ),
    ${endCompensated(tx, {
      failure: resolution.failure,
      paymentEventId: resolution.paymentEventId,
      reason: tx`'resolved'`,
      eventId: resolution.eventId,
      requestId: resolution.requestId,
      at,
    })},
    settled as (
      update orders.manual_reviews a set settled_at = ${at}, settled_how = 'resolved'
      from this where a.order_id = this.id and a.settled_at is null
    )
    insert into audit.operator_actions
      (id, order_id, at, key_id, action, outcome, note, refund_reference, request_id)
    select ${resolution.actionId}, this.id, ${at}::timestamptz, ${resolution.keyId}, 'resolve', ${outcome},
      ${resolution.note}, ${refundReference ?? null}, ${resolution.requestId}
    from this`;
}
