import type { Sql } from 'postgres';
import { type LoadedFeed, maxFeedErrors } from '../../contract/api/customer-feeds.ts';
import type { ImportError } from '../../contract/api/imports.ts';
import { feedDays } from '../../contract/deploy/retention.ts';
import { type Clock, toTimestamp } from '../../kernel/clock.ts';
import { type NumberedRow, saveFeed, storeFeedRows } from './feeds.sql.ts';

/** A file of a feed: the rows that have the right form, and what is wrong with the others. */
export type FeedFile = { rows: readonly NumberedRow[]; total: number; errors: readonly ImportError[] };

/** Rows of one statement. */
const batch = 1000;
const dayMs = 24 * 3600_000;

/**
 * Loads a file. Rows of customers that nobody knows, that are too old to be kept, or whose id was in the file before are errors; the
 * others are loaded. The same file again changes nothing.
 */
export async function loadFeed(
  sql: Sql,
  { source, applicationId, file }: { source: string; applicationId: string; file: FeedFile },
  clock: Clock,
): Promise<LoadedFeed> {
  const now = clock.now();
  const errors: ImportError[] = [...file.errors];
  const firsts = new Map<string, number>();
  const rows = file.rows.filter(({ row, value: { id, at, endedAt } }) => {
    const before = firsts.get(id);
    if (before !== undefined) {
      errors.push({ row, code: 'id-repeated', pointer: '/id', detail: `${id} is in row ${before} already.` });
      return false;
    }
    firsts.set(id, row);
    if (Date.parse(endedAt ?? at) >= now - feedDays * dayMs) return true;
    errors.push({ row, code: 'too-old', pointer: '/at', detail: `Nothing is kept longer than ${feedDays} days.` });
    return false;
  });
  const counts = { loaded: 0, unchanged: 0, unknown: 0 };
  for (let at = 0; at < rows.length; at += batch) {
    for (const { row, outcome } of await storeFeedRows(sql, source, rows.slice(at, at + batch))) {
      counts[outcome] += 1;
      if (outcome === 'unknown') errors.push({ row, ...unknownCustomer });
    }
  }
  const failed = file.total - counts.loaded - counts.unchanged;
  const newest = Math.max(...rows.map(({ value }) => Date.parse(value.at)));
  const newestAt = rows.length === 0 ? null : new Date(newest);
  await saveFeed(sql, { source, applicationId, receivedAt: new Date(now), total: file.total, failed, newestAt });
  return {
    source,
    receivedAt: toTimestamp(now),
    rows: { total: file.total, loaded: counts.loaded, unchanged: counts.unchanged, failed },
    errors: errors.toSorted((a, b) => a.row - b.row).slice(0, maxFeedErrors),
  };
}

const unknownCustomer = {
  code: 'unknown-customer',
  pointer: '/emailHash',
  detail: 'No customer has this e-mail address.',
};
