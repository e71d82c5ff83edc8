import { setTimeout as sleep } from 'node:timers/promises';

export type Open = { count: number; first: string | null };

type Options = {
  /** Runs the sweeper to its end. */
  sweep: () => Promise<unknown>;
  /** Orders and refunds that have not ended. */
  readOpen: () => Promise<Open>;
  withinMs: number;
  pauseMs?: number;
};

/**
 * Until nothing is under way, and nothing can begin: the sweeper may take orders back for another compensation, so that what is
 * read while it runs, or when its run was given up, says nothing. Its schedule must have been stopped.
 * @returns what is wrong still after `withinMs` milliseconds; undefined when nothing is
 */
export async function untilQuiet({ sweep, readOpen, withinMs, pauseMs = 3000 }: Options): Promise<string | undefined> {
  for (const end = Date.now() + withinMs; ; await sleep(pauseMs)) {
    const failure = await sweep().then(
      () => undefined,
      (error: unknown) => String(error),
    );
    const open = await readOpen();
    if (open.count === 0 && failure === undefined) return undefined;
    if (Date.now() <= end) continue;
    const within = `${withinMs / 60_000} minutes`;
    return open.count === 0
      ? `the sweeper fails still after ${within}: ${failure}`
      : `${open.count} orders and refunds have not ended after ${within}: ${open.first}`;
  }
}
