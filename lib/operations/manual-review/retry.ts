import type { Sql, TransactionSql } from 'postgres';
import { Problem } from '../../contract/api/problems.ts';
import { type Answer, type Claim, idempotent, type KeyOptions } from '../../database/idempotency.sql.ts';
import type { Clock } from '../../kernel/clock.ts';
import { newId } from '../../kernel/ids.ts';
import { reopenForCapture } from '../../saga/capture.sql.ts';
import type { CapturingInput, CompensatingInput } from '../../saga/inputs.ts';
import { reopenForCompensation } from '../../saga/retry-compensation.sql.ts';
import { retryInput } from '../../saga/retry-compensation.ts';
import { readCancellation } from '../../shop/orders/cancel.sql.ts';
import { findArchivedStatus } from '../../shop/orders/read.sql.ts';
import { type StartSaga, startOrLeave } from '../../shop/orders/start-saga.ts';
import { auditAction } from './audit.sql.ts';
import { findReviewOrder } from './find.sql.ts';

export type ReviewDeps = { sql: Sql; clock: Clock; keys: KeyOptions };
export type RetryDeps = ReviewDeps & {
  startCompensating: StartSaga<CompensatingInput>;
  startCapturing: StartSaga<CapturingInput>;
};
/** Who asks in manual review: the id of their app key, and of their request. */
export type Asker = { keyId: string; requestId: string };

/**
 * Has the compensation of an order in manual review run again, or the capture of its payment if it is there for that, as an
 * execution of its own. When that cannot be started now, the sweeper starts it.
 * @throws Problem not-found, order-not-in-review
 */
export async function retryCompensation(
  deps: RetryDeps,
  claim: Claim,
  { orderId, keyId, requestId }: Asker & { orderId: string },
): Promise<{ answer: Answer; replayed: boolean; startError?: unknown }> {
  let start: (() => Promise<void>) | undefined;
  const { answer, replayed } = await idempotent(deps.sql, claim, deps.keys, async (tx) => {
    const now = deps.clock.now();
    const operator = { actionId: newId('action', deps.clock), keyId, requestId, at: new Date(now) };
    const capture = await reopenForCapture(tx, { orderId, by: `key:${keyId}`, requestId, at: operator.at });
    if (capture !== undefined) {
      start = () => deps.startCapturing(capture);
    } else {
      const taken = await reopenForCompensation(tx, orderId, operator);
      if (taken === undefined) throw await notLive(tx, orderId);
      if ('status' in taken) throw notInReview(taken.status);
      const input = retryInput(await readCancellation(tx, orderId), taken.attempt);
      start = () => deps.startCompensating(input);
    }
    await auditAction(tx, orderId, 'retry', operator);
    const order = await findReviewOrder(tx, orderId, now);
    return {
      status: 202,
      headers: { location: `/manual-review/orders/${orderId}` },
      body: JSON.stringify(order),
    };
  });
  return { answer, replayed, ...(await startOrLeave(start)) };
}

/** Why nothing can be done with an order that is not among the others: it is archived, and so has ended, or there is none. */
export async function notLive(tx: TransactionSql, orderId: string): Promise<Problem> {
  const status = await findArchivedStatus(tx, { orderId, anybody: true });
  return status === undefined ? new Problem('not-found', 'There is no such order.') : notInReview(status);
}

export const notInReview = (status: string): Problem =>
  new Problem(
    'order-not-in-review',
    `The order is ${status}; only one that is needs_attention waits in manual review.`,
  );
