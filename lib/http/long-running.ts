import type { Answer } from '../database/idempotency.sql.ts';
import type { Logger } from '../kernel/log.ts';
import { fromStored } from './idempotency.ts';
import type { Result } from './response.ts';

/** An operation that was accepted, and whose saga goes on after the answer. */
export type LongRunning<T> = {
  /** The answer that says so, usually 202. It is stored under the idempotency key. */
  accepted: Answer;
  /** Whether the request repeats one that was accepted before. */
  replayed: boolean;
  /** Waits for the outcome, at most until the stopwatch shows `until`. @returns the state that was seen last, if any */
  wait: (until: number) => Promise<T | undefined>;
  /** The status of the answer that ends the operation in this state; undefined while it goes on. */
  finalStatus: (state: T) => number | undefined;
};

/**
 * Answers a long-running operation. Without `Prefer: wait` that is the accepted answer, to a repeat too. With it, waits for
 * the outcome. The outcome is not stored: a repeat waits as well and reads it again (ADR 42).
 */
export async function answerLongRunning<T>(
  { waitSeconds, waitUntil }: { waitSeconds: number; waitUntil: number },
  { accepted, replayed, wait, finalStatus }: LongRunning<T>,
): Promise<Result> {
  if (waitSeconds === 0 || accepted.status !== 202) return fromStored(accepted, replayed);
  const headers = { ...accepted.headers, 'preference-applied': `wait=${waitSeconds}` };
  const state = await wait(waitUntil);
  const status = state === undefined ? undefined : finalStatus(state);
  if (status === undefined) return fromStored({ ...accepted, headers }, replayed);
  return fromStored({ status, headers, body: JSON.stringify(state) }, replayed);
}

/** Logs that a saga could not be started, if so. What it works on is stored, and the sweeper starts it later. */
export function warnIfNotStarted(
  log: Pick<Logger, 'warn'>,
  startError: unknown,
  subject: { orderId: string; refundId?: string },
): void {
  if (startError === undefined) return;
  log.warn('saga not started, left to the sweeper', { ...subject, reason: String(startError) });
}

/** The last id in the `Location` of an accepted answer: what the first request has made. */
export const locatedId = ({ headers }: Answer): string => headers.location?.split('/').at(-1) ?? '';
