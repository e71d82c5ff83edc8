import type { Sql } from 'postgres';
import { Problem } from '../../contract/api/problems.ts';
import type { Refund } from '../../contract/api/refunds.ts';
import { type Answer, type Claim, idempotent, type KeyOptions } from '../../database/idempotency.sql.ts';
import type { Clock, Stopwatch } from '../../kernel/clock.ts';
import { newId } from '../../kernel/ids.ts';
import type { SagaInput } from '../../saga/state.ts';
import { claimRefund, currencyOf, readRefundInput } from './refunds.sql.ts';
import { listOpenRefunds, nextAttempt } from './settle-refund.sql.ts';

type StartSaga = (input: SagaInput) => Promise<void>;

export type RefundDeps = { sql: Sql; clock: Clock; keys: KeyOptions; startSaga: StartSaga };

/**
 * Takes down a refund of part of an order's payment, in the transaction of its idempotency key, and starts the saga that
 * makes it. One that cannot be started now is left to the sweeper.
 * @throws Problem not-found, invalid-input, order-not-refundable, refund-too-large
 */
export async function requestRefund(
  deps: RefundDeps,
  claim: Claim,
  request: { orderId: string; amount: Refund['amount'] | undefined; reason: string; requestedBy: string },
): Promise<{ answer: Answer; refund: Refund | undefined; startError?: unknown }> {
  let refund: Refund | undefined;
  let input: SagaInput | undefined;
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
    input = await readRefundInput(tx, refund.id);
    const location = `/orders/${orderId}/refunds/${refund.id}`;
    return { status: 202, headers: { location }, body: JSON.stringify(refund) };
  });
  if (input === undefined) return { answer, refund };
  try {
    await deps.startSaga(input);
  } catch (startError) {
    return { answer, refund, startError };
  }
  return { answer, refund };
}

export type SweepRefundsDeps = {
  sql: Sql;
  clock: Clock;
  startSaga: StartSaga;
  describeSaga: (of: Pick<SagaInput, 'orderId' | 'intent' | 'part'>) => Promise<string>;
  onError: (refundId: string, error: unknown) => void;
  /** A refund is left to its saga for so long before the sweeper looks at it. */
  quietSeconds: number;
  stopwatch: Stopwatch;
  /** When nothing more is begun, on the stopwatch; the rest is left for the next time. */
  untilMs: number;
};

/** After an attempt that ended without an answer the provider is left alone for so long. */
const pauseSeconds = 15 * 60;

/** Starts sagas of refunds that never started, and asks the provider again about those that it never answered. */
export async function sweepRefunds(deps: SweepRefundsDeps): Promise<number> {
  const now = deps.clock.now();
  let started = 0;
  const before = new Date(now - deps.quietSeconds * 1000);
  for (const { id, orderId, attempt, updatedAt } of await listOpenRefunds(deps.sql, { before, limit: 200 })) {
    if (deps.stopwatch.elapsed() >= deps.untilMs) break;
    try {
      const part = { id, attempt, amount: 0 };
      const state = await deps.describeSaga({ orderId, intent: 'refund', part });
      if (state === 'RUNNING' || state === 'PENDING_REDRIVE') continue;
      if (state !== 'none') {
        if (updatedAt.getTime() > now - pauseSeconds * 1000) continue;
        if (!(await nextAttempt(deps.sql, { refundId: id, attempt, at: new Date(now) }))) continue;
      }
      await deps.startSaga(await readRefundInput(deps.sql, id));
      started += 1;
    } catch (error) {
      deps.onError(id, error);
    }
  }
  return started;
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
