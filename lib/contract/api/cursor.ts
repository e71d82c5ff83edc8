import { createHash } from 'node:crypto';
import { Problem } from './problems.ts';

/**
 * A cursor for keyset pagination: the last id of a page, bound to its list (operation, owner and filter). A list with
 * another order puts its sort key before the id. The checksum turns a changed or foreign cursor into a clear 400; it
 * protects nothing.
 */
export const encodeCursor = (list: string, lastId: string): string =>
  Buffer.from(`${lastId}.${checksum(list, lastId)}`).toString('base64url');

/** @throws Problem invalid-cursor when the cursor does not belong to this list */
export function decodeCursor(list: string, cursor: string, form: RegExp = anyId): string {
  const text = Buffer.from(cursor, 'base64url').toString();
  const at = text.lastIndexOf('.');
  const lastId = text.slice(0, at);
  // The checksum is no secret, so the form is checked too before the id reaches the database.
  if (!form.test(lastId) || encodeCursor(list, lastId) !== cursor) {
    throw new Problem('invalid-cursor', 'Use nextCursor unchanged, with the same filter.', {
      errors: [{ pointer: '?cursor', detail: 'does not belong to this list' }],
    });
  }
  return lastId;
}

type Page<T> = { data: T[]; hasMore: boolean; nextCursor: string | null };

/** A page from rows that were read with one more than the limit; `keyOf` gives a row's sort key and id. */
export function toPage<T extends { id: string }>(list: string, rows: T[], limit: number): Page<T>;
export function toPage<T>(list: string, rows: T[], limit: number, keyOf: (row: T) => string): Page<T>;
export function toPage(
  list: string,
  rows: unknown[],
  limit: number,
  keyOf = (row: unknown) => (row as { id: string }).id,
): Page<unknown> {
  const data = rows.slice(0, limit);
  const last = data.at(-1);
  const hasMore = rows.length > limit;
  return { data, hasMore, nextCursor: hasMore && last !== undefined ? encodeCursor(list, keyOf(last)) : null };
}

const anyId = /^[a-z]{3}_[0-9a-f]{32}$/;

const checksum = (list: string, lastId: string): string =>
  createHash('sha256').update(`${list}\n${lastId}`).digest('base64url').slice(0, 16);
