/**
 * Runs work once for callers that ask at the same time. Each gets the result of a run that began after it asked, so what a
 * run reads is never older than the request for it. At most one run of a key is under way.
 */
export function sharedRuns<T>(): (key: string, work: () => Promise<T>) => Promise<T> {
  const runs = new Map<string, { current: Promise<T>; next?: Promise<T> }>();

  function start(key: string, work: () => Promise<T>): Promise<T> {
    const run = { current: work() };
    runs.set(key, run);
    const end = () => {
      if (runs.get(key) === run) runs.delete(key);
    };
    run.current.then(end, end);
    return run.current;
  }

  return (key, work) => {
    const running = runs.get(key);
    if (running === undefined) return start(key, work);
    const follow = () => start(key, work);
    running.next ??= running.current.then(follow, follow);
    return running.next;
  };
}
