import type { Sql } from 'postgres';

export type RefundSettlement = { refundId: string; eventId: string; at: Date } & (
  | { outcome: 'succeeded'; reference: string }
  /** The provider refused it for good. */
  | { outcome: 'failed'; code: string }
);

/**
 * Writes down how a refund ended, once: what was given back, or the claim on the payment that falls away, with the order's
 * timeline and the outbox event.
 * @returns whether this call did it
 * @throws Error when there is no such refund
 */
export async function settleRefund(sql: Sql, settlement: RefundSettlement): Promise<boolean> {
  const { refundId, outcome, at } = settlement;
  const [row] = await sql`
    with this as materialized (
      select o.id, o.version from orders.orders o
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
      returning r.id, r.order_id, r.payment_id, r.amount, r.currency
    ),
    paid as (
      update payments.payments p
      set refunded_amount = p.refunded_amount + case ${outcome} when 'succeeded' then settled.amount else 0 end,
        refund_claimed = p.refund_claimed - case ${outcome} when 'failed' then settled.amount else 0 end
      from settled
      where p.id = settled.payment_id
    ),
    stepped as (
      update orders.orders o set version = this.version + 1, updated_at = ${at}
      from this, settled where o.id = this.id
    ),
    noted as (
      insert into orders.timeline (order_id, version, entry, type, detail, at)
      select this.id, this.version + 1, 1,
        case ${outcome} when 'succeeded' then 'payment-refunded' else 'refund-failed' end,
        jsonb_build_object(
          'refundId', settled.id,
          'amount', jsonb_build_object('amount', settled.amount, 'currency', settled.currency)
        ),
        ${at}::timestamptz
      from this, settled
    ),
    published as (
      insert into outbox.events (id, type, subject, data, occurred_at)
      select ${settlement.eventId}, 'refund.' || ${outcome}, settled.id, jsonb_build_object(
        'refundId', settled.id, 'orderId', settled.order_id,
        'amount', jsonb_build_object('amount', settled.amount, 'currency', settled.currency)
      ), ${at}::timestamptz
      from settled
    )
    select id from settled`;
  if (row !== undefined) return true;
  const [now] = await sql`select status from payments.refunds where id = ${refundId}`;
  if (now === undefined) throw new Error(`no refund ${refundId}`);
  return false;
}

/** Refunds that nothing has happened to since `before` though they are open, the oldest first. */
export async function listOpenRefunds(sql: Sql, { before, limit }: { before: Date; limit: number }) {
  const rows = await sql`
    select id, order_id, attempt, updated_at from payments.refunds
    where status = 'requested' and updated_at < ${before}
    order by updated_at
    limit ${limit}`;
  return rows as unknown as { id: string; orderId: string; attempt: number; updatedAt: Date }[];
}

/** Counts one more attempt of an open refund, unless somebody else did. @returns whether this call did */
export async function nextAttempt(sql: Sql, of: { refundId: string; attempt: number; at: Date }): Promise<boolean> {
  const rows = await sql`
    update payments.refunds set attempt = attempt + 1, updated_at = ${of.at}
    where id = ${of.refundId} and attempt = ${of.attempt} and status = 'requested'
    returning id`;
  return rows.length === 1;
}
