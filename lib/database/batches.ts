import type { Stopwatch } from '../kernel/clock.ts';

export type Batching = {
  stopwatch: Stopwatch;
  /** When the stopwatch shows this, no further batch begins; the rest waits for the next run. */
  untilMs: number;
  sleep: (milliseconds: number) => Promise<void>;
};

export type Batched = {
  rows: number;
  /** Whether nothing is left. */
  done: boolean;
  /** How long the longest batch took, in milliseconds. */
  longestMs: number;
};

/** How long a batch should take, in milliseconds: a quarter of what the database allows the role `jobs`. */
const aimMs = 25;
const first = 10;
/** How often in a row the database may end a batch before the work fails. */
const patience = 10;

/**
 * Works through many rows in batches, each one statement, until one comes to nothing or time is over. The size of a batch
 * follows from how long the one before took. After each, others have twice the time that it took.
 * @param work does at most `limit` rows, and returns how many it did
 * @param most the largest batch
 */
export async function inBatches(
  { stopwatch, untilMs, sleep }: Batching,
  work: (limit: number) => Promise<number>,
  most = 1000,
): Promise<Batched> {
  let [rows, longestMs, limit, ended] = [0, 0, Math.min(first, most), 0];
  while (stopwatch.elapsed() < untilMs) {
    const begun = stopwatch.elapsed();
    const count = await work(limit).catch((error: unknown) => {
      if (!isCutShort(error) || ++ended === patience) throw error;
      return 'ended' as const;
    });
    const took = stopwatch.elapsed() - begun;
    longestMs = Math.max(longestMs, took);
    if (count === 0) return { rows, done: true, longestMs };
    if (count === 'ended') {
      limit = Math.max(1, Math.floor(limit / 4));
    } else {
      ended = 0;
      rows += count;
      limit = Math.max(1, Math.min(most, Math.floor(limit * Math.min(2, aimMs / Math.max(took, 1)))));
    }
    await sleep(2 * took);
  }
  return { rows, done: false, longestMs };
}

/**
 * The same where a batch goes through rows from a place on, and may do nothing with them.
 * @param work does about `limit` rows after a place, and returns how many it did and where to go on; null at the end
 */
export async function walkInBatches<Place>(
  batching: Batching,
  work: (after: Place | undefined, limit: number) => Promise<{ rows: number; next: Place | null }>,
  most?: number,
): Promise<Batched> {
  let after: Place | null | undefined;
  let rows = 0;
  const batched = await inBatches(
    batching,
    async (limit) => {
      if (after === null) return 0;
      const done = await work(after, limit);
      after = done.next;
      rows += done.rows;
      return Math.max(1, done.rows);
    },
    most,
  );
  return { ...batched, rows };
}

/** Whether the database ended a statement because it took too long, or waited too long for a lock. */
export const isCutShort = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === '57014' || error.code === '55P03');
