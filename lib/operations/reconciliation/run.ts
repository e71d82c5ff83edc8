import type { Sql } from 'postgres';
import type { Stopwatch } from '../../kernel/clock.ts';
import type { RepairDeps } from './repairs.ts';
import type { SnapshotStore } from './snapshot.dynamo.ts';
import type { Verdict } from './verdict.ts';

export type ReconcileDeps = RepairDeps & {
  sql: Sql;
  store: SnapshotStore;
  /** A charge without its order is given back when it has been so for so long. */
  graceSeconds: number;
  stopwatch: Stopwatch;
  /** No further page of a comparison begins after so many milliseconds; the next run goes on there. */
  limitMs: number;
  /** How many runs a complete pass over all stock is spread over. */
  runsPerPass: number;
  onFinding: (found: Verdict) => void;
  /** Rows that are looked at at a time. */
  pageSize?: number;
};

/** One run: when it began, and what it does with what comparisons come to. */
export type Run = ReconcileDeps & {
  since: number;
  pageSize: number;
  keep: (verdicts: Verdict[]) => Promise<void>;
};

/** Rows page by page; `read` gives at most `limit` of those that lie after a key. */
export async function* pages<T>(
  limit: number,
  start: string,
  read: (after: string) => Promise<T[]>,
  keyOf: (row: T) => string,
): AsyncGenerator<T[]> {
  for (let after = start; ; ) {
    const rows = await read(after);
    if (rows.length > 0) yield rows;
    if (rows.length < limit) return;
    after = keyOf(rows.at(-1)!);
  }
}
