/**
 * Runs `work` for its callers: one run at a time, and whoever calls during a run shares the next one. So each call is followed
 * by a run that began after it, and many calls at once cost two.
 */
export function sharedRun(work: () => Promise<void>): () => Promise<void> {
  let [running, next]: (Promise<void> | undefined)[] = [];
  const run = (): Promise<void> => {
    next = undefined;
    const mine = work().finally(() => {
      if (next === undefined) running = undefined;
    });
    running = mine;
    return mine;
  };
  return () => {
    if (running === undefined) return run();
    next ??= running.then(run, run);
    return next;
  };
}
