import { createHash } from 'node:crypto';
import { Problem } from './problems.ts';

/**
 * A cursor for keyset pagination: the last id of a page, bound to the list (operation, owner and filter) that gave it.
 * A list that is not ordered by id alone gives what it is ordered by, with the id. It opens nothing by itself; the checksum makes a changed or borrowed cursor a clear 400 instead of a strange page.
 */
export const encodeCursor = (list: string, lastId: string): string =>
  Buffer.from(`${lastId}.${checksum(list, lastId)}`).toString('base64url');

/** @throws Problem invalid-cursor when this list did not give it */
export function decodeCursor(list: string, cursor: string, form: RegExp = anyId): string {
  const text = Buffer.from(cursor, 'base64url').toString();
  const at = text.lastIndexOf('.');
  const lastId = text.slice(0, at);
  // The checksum is no secret: what it cannot vouch for is that this is an id, fit to be asked a database for.
  if (!form.test(lastId) || encodeCursor(list, lastId) !== cursor) {
    throw new Problem('invalid-cursor', 'Use nextCursor as it came, with the same filter.', {
      errors: [{ pointer: '?cursor', detail: 'is not one that this list gave' }],
    });
  }
  return lastId;
}

/** A page out of rows that were read with one more than the limit; `keyOf` says what a cursor holds of a row. */
export function toPage<T extends { id: string }>(
  list: string,
  rows: T[],
  limit: number,
  keyOf: (row: T) => string = ({ id }) => id,
) {
  const data = rows.slice(0, limit);
  const last = data.at(-1);
  const hasMore = rows.length > limit;
  return { data, hasMore, nextCursor: hasMore && last !== undefined ? encodeCursor(list, keyOf(last)) : null };
}

const anyId = /^[a-z]{3}_[0-9a-f]{32}$/;

const checksum = (list: string, lastId: string): string =>
  createHash('sha256').update(`${list}\n${lastId}`).digest('base64url').slice(0, 16);
