import type { Sql, TransactionSql } from 'postgres';
import { Problem } from '../../contract/api/problems.ts';
import type { Refund } from '../../contract/api/refunds.ts';
import { type Answer, type Claim, idempotent, type KeyOptions } from '../../database/idempotency.sql.ts';
import type { Clock } from '../../kernel/clock.ts';
import { newId } from '../../kernel/ids.ts';
import { type RefundToMake, type StartSaga, startOrLeave } from '../orders/start-saga.ts';
import { refundOfLines } from './refund-lines.ts';
import { claimRefund, currencyOf, lockRefundable, type Refundable, readRefundToMake } from './refunds.sql.ts';

export type RefundDeps = { sql: Sql; clock: Clock; keys: KeyOptions; startRefunding: StartSaga<RefundToMake> };

/**
 * Stores a refund of part of an order's payment, in the transaction of its idempotency key, and starts the saga that
 * makes it. The sweeper starts a saga that cannot be started now.
 * @returns the answer to the request; the refund when it is new; why its saga could not be started
 * @throws Problem not-found, invalid-input, order-archived, order-not-refundable, refund-too-large, line-unknown, line-refunded,
 *   return-status, return-refunded
 */
export async function requestRefund(
  deps: RefundDeps,
  claim: Claim,
  request: {
    orderId: string;
    amount: Refund['amount'] | undefined;
    reason: string;
    requestedBy: string;
  } & PartsToRefund,
): Promise<{ answer: Answer; refund: Refund | undefined; startError?: unknown }> {
  let refund: Refund | undefined;
  let start: (() => Promise<void>) | undefined;
  const { orderId } = request;
  const { answer } = await idempotent(deps.sql, claim, deps.keys, async (tx) => {
    if (request.amount !== undefined) {
      checkCurrency(request.amount.currency, await currencyOf(tx, orderId));
    }
    const parts = divided(request) ? await partsOf(tx, request) : { amount: request.amount?.amount };
    const claimed = await claimRefund(tx, {
      ...parts,
      orderId,
      reason: request.reason,
      requestedBy: request.requestedBy,
      requestId: claim.requestId,
      id: newId('refund', deps.clock),
      at: new Date(deps.clock.now()),
    });
    if (claimed.outcome !== 'claimed') throw refusal(claimed);
    refund = claimed.refund;
    const toMake = await readRefundToMake(tx, refund.id);
    start = () => deps.startRefunding(toMake);
    const location = `/orders/${orderId}/refunds/${refund.id}`;
    return { status: 202, headers: { location }, body: JSON.stringify(refund) };
  });
  return { answer, refund, ...(await startOrLeave(start)) };
}

/** Units, a return or the shipping that a refund pays back, instead of an amount. */
type PartsToRefund = {
  lines?: { productId: string; quantity: number }[] | undefined;
  returnId?: string | undefined;
  shipping?: boolean | undefined;
};

const divided = ({ lines, returnId, shipping }: PartsToRefund): boolean =>
  lines !== undefined || returnId !== undefined || shipping === true;

/** What of an order's payment goes back for these parts. The payment stays locked until it is claimed. */
async function partsOf(tx: TransactionSql, wanted: PartsToRefund & { orderId: string }) {
  const { orderId, returnId } = wanted;
  const refundable = await lockRefundable(tx, { orderId, returnId });
  if ('outcome' in refundable) throw refusal(refundable);
  const units = returnId === undefined ? (wanted.lines ?? []) : unitsOf(refundable.orderReturn);
  const lines = refundOfLines(refundable.lines, units);
  const shipping = wanted.shipping ? shippingLeft(refundable.shipping) : 0;
  const amount = lines.reduce((sum, line) => sum + line.amount, shipping);
  if (amount === 0) throw new Problem('order-not-refundable', 'Nothing was paid for this.');
  return { amount, lines, shipping, returnId };
}

/** The units of a return that arrived. */
function unitsOf(orderReturn: Refundable['orderReturn']) {
  if (orderReturn === undefined) throw new Problem('not-found', 'The order has no such return.');
  const { status, lines, refunded } = orderReturn;
  if (refunded) throw new Problem('return-refunded', 'The return is refunded already.');
  if (status !== 'received') {
    throw new Problem('return-status', `Only a return that was received is refunded; this one is ${status}.`);
  }
  const arrived = lines.map((line) => ({ productId: line.productId, quantity: line.restocked + line.writtenOff }));
  return arrived.filter(({ quantity }) => quantity > 0);
}

function shippingLeft({ paid, refunded }: Refundable['shipping']): number {
  if (paid > 0 && refunded === paid) {
    throw new Problem('line-refunded', 'The shipping is refunded already.', {
      errors: [{ pointer: '/shipping', detail: 'is refunded already' }],
    });
  }
  return paid - refunded;
}

function checkCurrency(given: string, expected: string | undefined): void {
  if (expected === undefined || given === expected) return;
  const detail = `must be ${expected}, the currency of the order`;
  throw new Problem('invalid-input', `/amount/currency ${detail}.`, {
    errors: [{ pointer: '/amount/currency', detail }],
  });
}

function refusal(claimed: Exclude<Awaited<ReturnType<typeof claimRefund>>, { outcome: 'claimed' }>): Problem {
  switch (claimed.outcome) {
    case 'unknown':
      return new Problem('not-found', 'There is no such order.');
    case 'archived':
      return new Problem(
        'order-archived',
        'The order is old and in the archive, where nothing changes. Take it out of the archive first.',
      );
    case 'too-large':
      return new Problem('refund-too-large', `At most ${claimed.left} ${claimed.currency} minor units are left.`);
    case 'not-refundable':
      return new Problem(
        'order-not-refundable',
        claimed.status === 'confirmed'
          ? 'Nothing is left of what was paid for the order.'
          : `Only a confirmed order can be refunded in part; this one is ${claimed.status}.`,
      );
  }
}
