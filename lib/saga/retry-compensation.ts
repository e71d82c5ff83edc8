import type { Sql } from 'postgres';
import { inTransaction } from '../database/transaction.sql.ts';
import type { Clock, Stopwatch } from '../kernel/clock.ts';
import { semaphore } from '../kernel/semaphore.ts';
import { readCancellation } from '../shop/orders/cancel.sql.ts';
import { compensationInput } from '../shop/orders/cancel.ts';
import type { StartSaga } from '../shop/orders/place.ts';
import { type FailedCompensation, listFailedCompensations, reopenForCompensation } from './retry-compensation.sql.ts';

export type RetryCompensationDeps = {
  sql: Sql;
  clock: Clock;
  startSaga: StartSaga;
  onError: (orderId: string, error: unknown) => void;
  stopwatch: Stopwatch;
  /** When nothing more is begun, on the stopwatch; the rest is left for the next time. */
  untilMs: number;
};

/**
 * A quarter of an hour, half an hour, one and two hours after the order was put into manual review: less than four hours
 * altogether, when an alarm resumes somebody.
 */
const firstPauseSeconds = 15 * 60;
const most = 4;
/** Orders of one outage are due at once: the provider that has just come back has customers to serve. */
const eachTime = 50;
const atOnce = 8;

/**
 * Runs compensations again that did not get through, because what was away may be back: those waiting in manual review are then
 * the ones that time does not heal. When an execution cannot be started now, the sweeper starts it.
 * @returns how many were run again
 */
export async function retryCompensations(deps: RetryCompensationDeps): Promise<number> {
  const now = new Date(deps.clock.now());
  const gate = semaphore(atOnce);
  const found = await listFailedCompensations(deps.sql, { now, firstPauseSeconds, most, limit: eachTime });
  const begun = await Promise.all(found.map((compensation) => gate(() => attempt(compensation, now, deps))));
  return begun.filter(Boolean).length;
}

async function attempt(
  { orderId, attempt: only }: FailedCompensation,
  at: Date,
  deps: RetryCompensationDeps,
): Promise<boolean> {
  if (deps.stopwatch.elapsed() >= deps.untilMs) return false;
  try {
    const input = await inTransaction(deps.sql, async (tx) => {
      const taken = await reopenForCompensation(tx, orderId, { at, only });
      if (taken === undefined || 'status' in taken) return undefined;
      return compensationInput(await readCancellation(tx, orderId), taken.attempt);
    });
    if (input === undefined) return false;
    await deps.startSaga(input);
    return true;
  } catch (error) {
    deps.onError(orderId, error);
    return false;
  }
}
