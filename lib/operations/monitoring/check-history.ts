import type { Sql } from 'postgres';
import type { Clock, Stopwatch } from '../../kernel/clock.ts';
import { type CheckProgress, readCheck, saveCheck } from './checks.sql.ts';

/** What one page came to: the key after which the next one begins, undefined after the last, and how many rows it had. */
export type Page = { next: string | undefined; rows: number };

/** A check of rows that would take too long to look at all of them each time. */
export type HistoryCheck = {
  name: string;
  /** Checks a page of the rows that changed at or after a time, after a key, and says until when they reached. */
  checkChanged?: (since: Date, after: string) => Promise<Page & { until: Date }>;
  /** Checks a page of all rows after a key, in the order of the keys. */
  checkSlice: (after: string) => Promise<Page>;
  /** About how many rows there are. */
  count: () => Promise<number>;
};

export type CheckDeps = {
  sql: Sql;
  clock: Clock;
  stopwatch: Stopwatch;
  /** No further page begins after so many milliseconds. */
  limitMs: number;
  /** How many runs a complete pass over all rows is spread over. */
  runsPerPass: number;
  /** Rows that each run looks at even in a small shop. */
  atLeast?: number;
};

/** Ages in seconds: of the oldest change, and of the oldest row, that was not checked since. */
export type Checked = { lag: number; age: number };

/** A page of rows that were asked for `size` at a time; `keyOf` gives the key after which the next one begins. */
export function toPage<T>(rows: readonly T[], size: number, keyOf: (row: T) => string): Page {
  const last = rows.at(-1);
  return { rows: rows.length, next: last === undefined || rows.length < size ? undefined : keyOf(last) };
}

/** A transaction that wrote a time may commit so much later. */
const overlapMs = 5 * 60_000;

/**
 * Checks what changed since the last run, and then the next slice of everything, so that a run's work follows what the shop
 * does and not what it has done. A run that is out of time keeps how far it came, and the next one continues there.
 */
export async function checkHistory(deps: CheckDeps, check: HistoryCheck): Promise<Checked> {
  const { sql, clock, stopwatch, limitMs } = deps;
  const deadline = stopwatch.elapsed() + limitMs;
  const outOfTime = () => stopwatch.elapsed() >= deadline;
  const now = new Date(clock.now());
  const progress = await readCheck(sql, check.name, now);
  const changes = await checkChanges(check, progress, now, outOfTime);
  const walked = await walk(deps, check, progress, outOfTime);
  const { until, ...kept } = changes;
  await saveCheck(sql, check.name, { ...progress, ...walked, ...kept });
  return { lag: seconds(now, until), age: seconds(now, walked.coveredSince ?? progress.coveredSince) };
}

type Changes = Pick<CheckProgress, 'changedUntil' | 'changedAfter' | 'changesSince'> & {
  /** What changed before this time was checked now or earlier. */
  until: Date;
};

async function checkChanges(
  { checkChanged }: HistoryCheck,
  { changedUntil, changedAfter, changesSince }: CheckProgress,
  now: Date,
  outOfTime: () => boolean,
): Promise<Changes> {
  // What changes during a look may lie behind it, so the next one goes back to where this one began.
  const began = changesSince ?? now;
  const done = { changedUntil: began, changedAfter: '', changesSince: null, until: began };
  if (checkChanged === undefined) return done;
  const since = new Date(changedUntil.getTime() - overlapMs);
  for (let after = changedAfter; ; ) {
    const page = await checkChanged(since, after);
    if (page.next === undefined) return done;
    after = page.next;
    if (outOfTime()) return { changedUntil, changedAfter: after, changesSince: began, until: page.until };
  }
}

async function walk(
  { clock, runsPerPass, atLeast = 5000 }: CheckDeps,
  { checkSlice, count }: HistoryCheck,
  { reached, passStartedAt }: CheckProgress,
  outOfTime: () => boolean,
): Promise<Partial<CheckProgress> & Pick<CheckProgress, 'reached' | 'passStartedAt'>> {
  const share = Math.max(atLeast, Math.ceil((await count()) / runsPerPass));
  const started = reached === '' ? new Date(clock.now()) : passStartedAt;
  let after = reached;
  for (let rows = 0; rows < share; ) {
    const page = await checkSlice(after);
    if (page.next === undefined) return { reached: '', passStartedAt: started, coveredSince: started };
    rows += page.rows;
    after = page.next;
    if (outOfTime()) break;
  }
  return { reached: after, passStartedAt: started };
}

const seconds = (now: Date, then: Date): number => Math.max(0, Math.round((now.getTime() - then.getTime()) / 1000));
