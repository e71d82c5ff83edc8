import type { TimerClock } from '../clock.ts';
import { StateError } from './errors.ts';

export type Limit = {
  /** Milliseconds since the epoch; Infinity for no limit. */
  deadline: number;
  clock: TimerClock;
  signal: AbortSignal;
};

/** Waits until the clock reads `time`. Throws the signal's reason when it is aborted. */
export function reach(time: number, clock: TimerClock, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    if (time <= clock.now()) return resolve();
    const stop = () => {
      takeBack?.();
      reject(signal.reason);
    };
    const arrive = () => {
      signal.removeEventListener('abort', stop);
      resolve();
    };
    const takeBack = time === Infinity ? undefined : clock.at(time, arrive);
    signal.addEventListener('abort', stop, { once: true });
  });
}

/**
 * Runs `work` until the limit's deadline. Rejects with States.Timeout at the deadline, and with the signal's reason
 * when aborted. A later answer of `work` is ignored; the signal that `work` gets is aborted by then.
 */
export async function within<T>(limit: Limit, work: (over: AbortSignal) => Promise<T>): Promise<T> {
  const { deadline, clock, signal } = limit;
  const late = () => new StateError('States.Timeout', null);
  if (deadline <= clock.now()) throw late();
  const ended = new AbortController();
  const over = ended.signal;
  const expire = async (): Promise<never> => {
    await reach(deadline, clock, over);
    throw late();
  };
  try {
    return await Promise.race([(async () => await work(over))(), whenAborted(signal, over), expire()]);
  } finally {
    ended.abort(workEnded);
  }
}

/** One for all, since an error records a stack trace. */
const workEnded = new Error('the work has ended');

function whenAborted(signal: AbortSignal, ended: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) return reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true, signal: ended });
  });
}
