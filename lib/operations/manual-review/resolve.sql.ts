import type { TransactionSql } from 'postgres';
import type { OrderStatus } from '../../contract/api/orders.ts';
import { endCompensated } from '../../saga/compensate.sql.ts';
import type { Operator } from './audit.sql.ts';

type LockedOrder = {
  status: OrderStatus;
  compensated: 'failed' | 'cancelled';
  /** What a payment that is kept becomes: one that was never captured is voided. */
  payment: 'refunded' | 'voided';
  /** Whether goods of it have left, so that its stock cannot go back to the shelf. */
  shipped: boolean;
};

/** Locks an order; undefined if there is none. `compensated` is the status in which it must end. */
export async function lockForResolution(tx: TransactionSql, orderId: string): Promise<LockedOrder | undefined> {
  const [row] = await tx`
    select o.status, o.fulfilment_status <> 'unfulfilled' as shipped,
      case when o.confirmed_at is not null or exists (
        select from orders.manual_reviews a where a.order_id = o.id and a.settled_at is null and a.from_status = 'cancelling'
      ) then 'cancelled' else 'failed' end as compensated,
      case when exists (
        select from payments.payments p where p.order_id = o.id and p.status = 'authorized'
      ) then 'voided' else 'refunded' end as payment
    from orders.orders o where o.id = ${orderId}
    for update`;
  return row as LockedOrder | undefined;
}

export type Resolution = Operator & {
  orderId: string;
  eventId: string;
  paymentEventId: string;
  outcome: 'failed' | 'cancelled';
  payment: LockedOrder['payment'];
  note: string;
  refundReference: string | undefined;
  failure: { code: string; detail: string };
};

/**
 * Ends an order in manual review as the operator declares, with timeline, event and audit record. Its payment counts as
 * refunded, or as voided if it was never captured. The same transaction must release its stock before, or the database refuses to commit.
 */
export async function endByHand(tx: TransactionSql, resolution: Resolution): Promise<void> {
  const { orderId, outcome, payment, at, refundReference } = resolution;
  const returned =
    payment === 'voided'
      ? tx`status = 'voided', voided_at = ${at}`
      : tx`status = 'refunded', refunded_at = ${at}, refund_reference = ${refundReference ?? 'by-hand'}`;
  await tx`
    with this as materialized (
      select id, status, ${outcome}::text as outcome from orders.orders
      where id = ${orderId} and status = 'needs_attention'
      for update
    ),
    returned as (
      update payments.payments p
      set ${returned}
      from this where p.order_id = this.id and p.status in ('authorized', 'captured')
      returning p.id, p.provider
    ),
    ${endCompensated(tx, {
      failure: resolution.failure,
      payment,
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
