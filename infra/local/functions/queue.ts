import { semaphore } from '../../../lib/kernel/semaphore.ts';

export type QueueOptions = {
  /** How many pieces of work run at the same time. */
  atOnce: number;
  /** How many more wait; a further one is refused. */
  mostWaiting: number;
  /** Milliseconds after which running work makes room for the next: it is then waiting itself. */
  holdMs: number;
};

/** More work waits already than the queue takes. */
export class QueueFull extends Error {
  override readonly name = 'QueueFull';
}

/**
 * A bounded queue: what comes faster than the machine can work waits its turn, first come, first served, instead of slowing
 * down what is under way until it times out. The returned function rejects with QueueFull, or as `work` does.
 */
export function boundedQueue({ atOnce, mostWaiting, holdMs }: QueueOptions): <T>(work: () => Promise<T>) => Promise<T> {
  const inTurn = semaphore(atOnce);
  let taken = 0;

  return async function run<T>(work: () => Promise<T>): Promise<T> {
    if (taken >= atOnce + mostWaiting) throw new QueueFull();
    taken += 1;
    const begun = Promise.withResolvers<T>();
    void inTurn(async () => {
      const done = (async () => await work())();
      begun.resolve(done);
      await settledOrLate(done, holdMs);
      taken -= 1;
    });
    return await begun.promise;
  };
}

/** Resolves when the work has settled, or after so many milliseconds. */
const settledOrLate = (work: Promise<unknown>, milliseconds: number): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    const settled = () => {
      clearTimeout(timer);
      resolve();
    };
    work.then(settled, settled);
  });
