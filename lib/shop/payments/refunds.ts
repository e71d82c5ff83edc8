import type { Sql } from 'postgres';
import { Problem } from '../../contract/api/problems.ts';
import type { Refund } from '../../contract/api/refunds.ts';
import { type Answer, type Claim, idempotent, type KeyOptions } from '../../database/idempotency.sql.ts';
import type { Clock } from '../../kernel/clock.ts';
import { newId } from '../../kernel/ids.ts';
import { type RefundToMake, type StartSaga, startOrLeave } from '../orders/start-saga.ts';
import { claimRefund, currencyOf, readRefundToMake } from './refunds.sql.ts';

export type RefundDeps = { sql: Sql; clock: Clock; keys: KeyOptions; startRefunding: StartSaga<RefundToMake> };

/**
 * Stores a refund of part of an order's payment, in the transaction of its idempotency key, and starts the saga that
 * makes it. The sweeper starts a saga that cannot be started now.
 * @returns the answer to the request; the refund when it is new; why its saga could not be started
 * @throws Problem not-found, invalid-input, order-archived, order-not-refundable, refund-too-large
 */
export async function requestRefund(
  deps: RefundDeps,
  claim: Claim,
  request: { orderId: string; amount: Refund['amount'] | undefined; reason: string; requestedBy: string },
): Promise<{ answer: Answer; refund: Refund | undefined; startError?: unknown }> {
  let refund: Refund | undefined;
  let start: (() => Promise<void>) | undefined;
  const { orderId } = request;
  const { answer } = await idempotent(deps.sql, claim, deps.keys, async (tx) => {
    if (request.amount !== undefined) {
      checkCurrency(request.amount.currency, await currencyOf(tx, orderId));
    }
    const claimed = await claimRefund(tx, {
      ...request,
      amount: request.amount?.amount,
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
