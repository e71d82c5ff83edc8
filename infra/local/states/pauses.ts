import type { TimerClock } from '../clock.ts';
import { StateError } from './errors.ts';

export type Limit = {
  /** Milliseconds since the epoch, Infinity for no limit; asked again when reached, because it may have moved. */
  deadline: () => number;
  clock: TimerClock;
  signal: AbortSignal;
  /** What to reject with at the deadline; States.Timeout when not given. */
  late?: () => StateError;
};

/** Waits until the clock reads `time`; an aborted signal ends the pause by throwing its reason. */
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
 * Runs `work` until the limit's deadline. Rejects when the deadline has passed and with the signal's reason when
 * aborted; whatever the work answers afterwards is ignored, and the signal that it is given is aborted.
 */
export async function within<T>(limit: Limit, work: (over: AbortSignal) => Promise<T>): Promise<T> {
  const { deadline, clock, signal, late = () => new StateError('States.Timeout', null) } = limit;
  if (deadline() <= clock.now()) throw late();
  const ended = new AbortController();
  const over = ended.signal;
  const expire = async (): Promise<never> => {
    while (deadline() > clock.now()) await reach(deadline(), clock, over);
    throw late();
  };
  try {
    return await Promise.race([(async () => await work(over))(), whenAborted(signal, over), expire()]);
  } finally {
    ended.abort();
  }
}

function whenAborted(signal: AbortSignal, ended: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) return reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true, signal: ended });
  });
}
