import type { TransactionSql } from 'postgres';
import type { RefundToMake } from '../orders/start-saga.ts';
import { cappedTo, type RefundLine, refundOfLines } from './refund-lines.ts';
import { readRefundable, readRefundToMake } from './refunds.sql.ts';
import { settleRefund } from './settle-refund.sql.ts';

/** What is given back for units that are cancelled, in minor units of `currency`. */
export type MoneyOfUnits = {
  amount: number;
  currency: string;
  lines: RefundLine[];
  /**
   * What becomes of it. A `refund` is made by its saga. A refund that `waits` is made when the payment is captured, whose
   * capture is under way as a whole. What is `released` will not be captured.
   */
  by: 'refund' | 'waits' | 'released';
};

/**
 * Locks the payment of a confirmed order until the transaction ends, and reads what goes back for units of it: what was paid for
 * them, and no more than is left of the payment.
 */
export async function lockMoneyOf(
  tx: TransactionSql,
  { orderId, units }: { orderId: string; units: readonly { productId: string; quantity: number }[] },
): Promise<MoneyOfUnits> {
  const [payment] = await tx`
    select currency, amount - refund_claimed as left, case
      when status = 'captured' then 'refund' when capture_requested_at is not null then 'waits' else 'released'
    end as by
    from payments.payments where order_id = ${orderId} for update`;
  const refundable = await readRefundable(tx, { orderId });
  if (payment === undefined || refundable === undefined) throw new Error(`order ${orderId} has no payment`);
  // They are about to be cancelled.
  const cancelled = new Map(units.map(({ productId, quantity }) => [productId, quantity]));
  const after = refundable.lines.map((line) => ({
    ...line,
    cancelled: line.cancelled + (cancelled.get(line.productId) ?? 0),
  }));
  const lines = cappedTo(payment.left, refundOfLines(after, units));
  const amount = lines.reduce((sum, line) => sum + line.amount, 0);
  return { amount, currency: payment.currency, lines, by: payment.by };
}

/**
 * Stores the refund of units that are cancelled, whose payment is locked and of which something was paid.
 * @returns what its saga is started with; undefined if no saga is to start now
 */
export async function claimMoneyOf(
  tx: TransactionSql,
  money: MoneyOfUnits,
  refund: {
    id: string;
    eventId: string;
    orderId: string;
    requestedBy: string;
    requestId: string | undefined;
    at: Date;
  },
): Promise<RefundToMake | undefined> {
  const { id, orderId, at } = refund;
  await tx`
    with claimed as (
      update payments.payments set refund_claimed = refund_claimed + ${money.amount} where order_id = ${orderId}
      returning id, currency
    )
    insert into payments.refunds (
      id, payment_id, order_id, status, amount, currency, lines, reason, requested_by, correlation_id, created_at, updated_at
    )
    select ${id}, claimed.id, ${orderId}, 'requested', ${money.amount}::bigint, claimed.currency,
      ${JSON.stringify(money.lines)}::text::jsonb, 'units were cancelled', ${refund.requestedBy},
      ${refund.requestId ?? null}::text, ${at}::timestamptz, ${at}::timestamptz
    from claimed`;
  if (money.by === 'refund') return await readRefundToMake(tx, id);
  if (money.by === 'waits') return undefined;
  await settleRefund(tx, {
    refundId: id,
    eventId: refund.eventId,
    outcome: 'succeeded',
    reference: 'not-captured',
    at,
  });
  await tx`
    update payments.payments set released_amount = released_amount + ${money.amount} where order_id = ${orderId}`;
  return undefined;
}
