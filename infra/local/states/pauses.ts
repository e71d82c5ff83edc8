import { StateError } from './errors.ts';

const longestTimer = 2 ** 31 - 1;

/** Waits `ms` milliseconds; an aborted signal ends the pause by throwing its reason. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  for (let left = ms; left > 0; left -= longestTimer) await timer(Math.min(left, longestTimer), signal);
  signal.throwIfAborted();
}

/**
 * Runs `work` for at most `seconds` (no limit when undefined). Rejects with States.Timeout when the time is over and
 * with the signal's reason when aborted; whatever the work answers afterwards is ignored.
 */
export async function within<T>(seconds: number | undefined, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  const ended = new AbortController();
  const rivals: Promise<T>[] = [(async () => await work())(), whenAborted(signal, ended.signal)];
  if (seconds !== undefined) rivals.push(timeout(seconds * 1000, ended.signal));
  try {
    return await Promise.race(rivals);
  } finally {
    ended.abort();
  }
}

async function timeout(ms: number, ended: AbortSignal): Promise<never> {
  await pause(ms, ended);
  throw new StateError('States.Timeout', '');
}

function whenAborted(signal: AbortSignal, ended: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) return reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true, signal: ended });
  });
}

function timer(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const stop = () => {
      clearTimeout(handle);
      reject(signal.reason);
    };
    const handle = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal.addEventListener('abort', stop, { once: true });
  });
}
