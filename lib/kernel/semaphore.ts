/**
 * Limits how many pieces of work run at the same time. The returned function runs `work` as soon as it can acquire a
 * permit, first come, first served, and releases the permit when `work` settles.
 */
export function semaphore(permits: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let available = permits;

  async function acquire(): Promise<void> {
    if (available > 0) available -= 1;
    else await new Promise<void>((resume) => waiting.push(resume));
  }

  /** Hands the permit to whoever waits longest; only without anybody waiting it becomes available. */
  function release(): void {
    const next = waiting.shift();
    if (next === undefined) available += 1;
    else next();
  }

  return async (work) => {
    await acquire();
    try {
      return await work();
    } finally {
      release();
    }
  };
}
