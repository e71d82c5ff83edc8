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
  const waiting: (() => void)[] = [];
  let running = 0;

  async function enter(): Promise<void> {
    if (running < atOnce) {
      running += 1;
      return;
    }
    if (waiting.length >= mostWaiting) throw new QueueFull();
    await new Promise<void>((resume) => waiting.push(resume));
  }

  function leave(): void {
    const next = waiting.shift();
    if (next === undefined) running -= 1;
    else next();
  }

  return async (work) => {
    await enter();
    let left = false;
    const leaveOnce = () => {
      if (!left) leave();
      left = true;
    };
    const timer = setTimeout(leaveOnce, holdMs);
    try {
      return await work();
    } finally {
      clearTimeout(timer);
      leaveOnce();
    }
  };
}
