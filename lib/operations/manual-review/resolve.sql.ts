import type { TransactionSql } from 'postgres';
import type { OrderStatus } from '../../contract/api/orders.ts';
import type { Operator } from './audit.sql.ts';

/** Locks an order; undefined when there is none. `compensated` is how it must end when it is compensated. */
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
  outcome: 'failed' | 'cancelled';
  note: string;
  refundReference: string | undefined;
  failure: { code: string; detail: string };
};

/**
 * Ends an order in manual review as that person says: its payment counts as refunded, with timeline, event and audit.
 * The stock must be given back before, in the same transaction: the database refuses to commit it otherwise.
 */
export async function endByHand(tx: TransactionSql, resolution: Resolution): Promise<void> {
  const { orderId, outcome, failure, at, refundReference } = resolution;
  await tx`
    with this as materialized (
      select id, customer_id, version from orders.orders
      where id = ${orderId} and status = 'needs_attention'
      for update
    ),
    refunded as (
      update payments.payments p
      set status = 'refunded', refunded_at = ${at}, refund_reference = ${refundReference ?? 'by-hand'}
      from this where p.order_id = this.id and p.status = 'captured'
      returning p.id
    ),
    stepped as (
      update orders.orders o
      set status = ${outcome}, version = this.version + 1, updated_at = ${at},
        failure_code = case ${outcome}::text when 'failed' then ${failure.code} end,
        failure_detail = case ${outcome}::text when 'failed' then ${failure.detail} end
      from this where o.id = this.id
    ),
    settled as (
      update orders.manual_reviews a set settled_at = ${at}, settled_how = 'resolved'
      from this where a.order_id = this.id and a.settled_at is null
    ),
    noted as (
      insert into orders.timeline (order_id, version, entry, type, detail, at)
      select this.id, this.version + 1, 1, 'payment-refunded', jsonb_build_object('paymentId', refunded.id),
        ${at}::timestamptz
      from this, refunded
      union all
      select this.id, this.version + 1, 2, 'status-changed',
        jsonb_build_object('from', 'needs_attention', 'to', ${outcome}::text, 'reason', 'resolved'), ${at}::timestamptz
      from this
    ),
    published as (
      insert into outbox.events (id, type, subject, data, occurred_at)
      select ${resolution.eventId}, 'order.' || ${outcome}::text, this.id, jsonb_strip_nulls(jsonb_build_object(
        'orderId', this.id, 'customerId', this.customer_id,
        'reason', case ${outcome}::text when 'failed' then ${failure.code}::text end
      )), ${at}::timestamptz
      from this
    )
    insert into audit.operator_actions
      (id, order_id, at, key_id, action, outcome, note, refund_reference, request_id)
    select ${resolution.actionId}, this.id, ${at}::timestamptz, ${resolution.keyId}, 'resolve', ${outcome},
      ${resolution.note}, ${refundReference ?? null}, ${resolution.requestId}
    from this`;
}
