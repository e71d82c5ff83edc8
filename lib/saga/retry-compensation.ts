import type { Sql } from 'postgres';
import { inTransaction } from '../database/transaction.sql.ts';
import type { Clock, Stopwatch } from '../kernel/clock.ts';
import { semaphore } from '../kernel/semaphore.ts';
import { readCancellation } from '../shop/orders/cancel.sql.ts';
import { orderToCancel } from '../shop/orders/cancel.ts';
import type { StartSaga } from '../shop/orders/start-saga.ts';
import type { CompensatingInput } from './inputs.ts';
import { type FailedCompensation, listFailedCompensations, reopenForCompensation } from './retry-compensation.sql.ts';

export type RetryCompensationDeps = {
  sql: Sql;
  clock: Clock;
  startCompensating: StartSaga<CompensatingInput>;
  onError: (orderId: string, error: unknown) => void;
  stopwatch: Stopwatch;
  /** When the stopwatch shows this, nothing more is begun; the rest waits for the next run. */
  untilMs: number;
};

/**
 * The first of pauses that double: 15 and 30 minutes, one and two hours. Together they are shorter than the four hours
 * after which an alarm rings.
 */
const firstPauseSeconds = 15 * 60;
const most = 4;
/** All orders of an outage are due at once, and a provider that has just come back serves customers first. */
const eachTime = 50;
const atOnce = 8;

/**
 * Retries failed compensations of orders in manual review: what was unavailable may be available again. The sweeper
 * starts an execution that cannot be started now.
 * @returns how many were retried
 */
export async function retryCompensations(deps: RetryCompensationDeps): Promise<number> {
  const now = new Date(deps.clock.now());
  const gate = semaphore(atOnce);
  const found = await listFailedCompensations(deps.sql, { now, firstPauseSeconds, most, limit: eachTime });
  const retried = await Promise.all(found.map((failed) => gate(() => retry(failed, now, deps))));
  return retried.filter(Boolean).length;
}

/** What the `attempt`th retry of an order's compensation is started with. */
export const retryInput = (order: Parameters<typeof orderToCancel>[0], attempt: number): CompensatingInput => ({
  ...orderToCancel(order),
  reason: 'retry',
  attempt,
});

async function retry(
  { orderId, attempt: only }: FailedCompensation,
  at: Date,
  deps: RetryCompensationDeps,
): Promise<boolean> {
  if (deps.stopwatch.elapsed() >= deps.untilMs) return false;
  try {
    const input = await inTransaction(deps.sql, async (tx) => {
      const taken = await reopenForCompensation(tx, orderId, { at, only });
      if (taken === undefined || 'status' in taken) return undefined;
      return retryInput(await readCancellation(tx, orderId), taken.attempt);
    });
    if (input === undefined) return false;
    await deps.startCompensating(input);
    return true;
  } catch (error) {
    deps.onError(orderId, error);
    return false;
  }
}
