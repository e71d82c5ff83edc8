import type { Clock } from '../../lib/kernel/clock.ts';
import type { Sql } from '../../lib/platform/sql.ts';
import type { Mapping } from './mapping.ts';
import type { Kind, Source } from './read-rows.ts';
import { type Read, type Records, readRecords } from './records.ts';

export type Counts = { rows: number; added: number; changed: number; unchanged: number; rejected: number };
export type Loading = {
  sql: Sql;
  mapping: Mapping;
  clock: Clock;
  sources: readonly Source[];
  /** Notes a row that does not fit. */
  reject: (kind: Kind, read: Pick<Read<unknown>, 'row' | 'raw'>, reason: string) => void;
  onBatch: (kind: Kind, counts: Counts, share: number | undefined) => void;
};

/**
 * How many rows are written in one transaction. A load that is killed goes on after the last one. Orders of one month share a page of the
 * archive, which is written once for each batch that has any, so more at once write less.
 */
const batchRows: Record<Kind, number> = { products: 500, customers: 500, coupons: 500, orders: 4000 };

export const sourceOf = <K extends Kind>({ sources }: Pick<Loading, 'sources'>, kind: K) =>
  sources.find((source): source is Source & { kind: K } => source.kind === kind);

/** A row that fits. */
export type Entry<K extends Kind> = { row: number; raw: Record<string, unknown>; record: Records[K] };

/**
 * The rows of a kind that fit, in batches; the others are counted and noted. `write` tells what became of a batch. While one is written,
 * the next one is read.
 */
export async function loadBatches<K extends Kind>(
  loading: Loading,
  kind: K,
  write: (entries: Entry<K>[]) => Promise<Omit<Counts, 'rows'>>,
): Promise<Counts> {
  const counts: Counts = { rows: 0, added: 0, changed: 0, unchanged: 0, rejected: 0 };
  const source = sourceOf(loading, kind)!;
  let batch: Entry<K>[] = [];
  let rejected = 0;
  let writing = Promise.resolve();
  const writeBatch = async (entries: Entry<K>[], read: { rows: number; rejected: number }) => {
    const done = await write(entries);
    counts.rows = read.rows;
    for (const name of ['added', 'changed', 'unchanged', 'rejected'] as const) counts[name] += done[name];
    counts.rejected += read.rejected;
    loading.onBatch(kind, counts, source.share());
  };
  const flush = async (rows: number) => {
    await writing;
    const entries = batch;
    writing = writeBatch(entries, { rows, rejected });
    // Whoever waits for it next hears of it.
    writing.catch(() => {});
    batch = [];
    rejected = 0;
  };
  let rows = 0;
  try {
    for await (const read of readRecords(source, loading.mapping)) {
      rows++;
      if (read.reason !== undefined) {
        rejected++;
        loading.reject(kind, read, read.reason);
      } else if (batch.push({ row: read.row, raw: read.raw, record: read.record }) === batchRows[kind])
        await flush(rows);
    }
    if (batch.length > 0) await flush(rows);
  } finally {
    await writing.catch(() => {});
  }
  await writing;
  return { ...counts, rows, rejected: counts.rejected + rejected };
}
