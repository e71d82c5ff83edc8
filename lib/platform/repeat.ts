import { setTimeout as sleep } from 'node:timers/promises';
import { Problem } from '../contract/api/problems.ts';
import type { Stopwatch } from '../kernel/clock.ts';
import { isWriterSwitch } from '../kernel/outage.ts';

/**
 * The pauses between the attempts, in milliseconds. Each is cut at random by up to a half, so that the callers that a switch has
 * cut off do not all come back at once.
 */
export const repeatPausesMs: readonly number[] = [100, 300, 900];
/** An attempt that has less time than this is not begun. */
const shortestMs = 500;

type Options = {
  /** For all attempts and pauses together. */
  milliseconds: number;
  stopwatch: Stopwatch;
  pause?: (milliseconds: number) => Promise<unknown>;
};

/**
 * Runs work on the database that is safe to repeat: it only reads, or it claims an idempotency key. It is repeated when the
 * proxy switches to another writer, which shows as lost connections, as sessions that may only read, and as names that are not
 * found. An outage that lasts longer is for the client, whose answer says when to come back.
 * @param attempt gets the milliseconds that it may take
 */
export async function repeatWhileWriterSwitches<T>(
  attempt: (milliseconds: number) => Promise<T>,
  { milliseconds, stopwatch, pause = sleep }: Options,
): Promise<T> {
  const deadline = stopwatch.elapsed() + milliseconds;
  const left = () => deadline - stopwatch.elapsed();
  for (const [index, longest] of repeatPausesMs.entries()) {
    try {
      return await attempt(left());
    } catch (error) {
      // Of an attempt whose connection was lost, the transaction may be under way for a moment more.
      const again = isWriterSwitch(error) || (index > 0 && isInFlight(error));
      if (!again || left() < longest + shortestMs) throw error;
    }
    await pause(longest * (1 - Math.random() / 2));
  }
  return attempt(left());
}

const isInFlight = (error: unknown): boolean => error instanceof Problem && error.code === 'request-in-flight';
