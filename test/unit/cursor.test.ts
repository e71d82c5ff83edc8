import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeCursor, encodeCursor, toPage } from '../../lib/contract/api/cursor.ts';
import { Problem } from '../../lib/contract/api/problems.ts';

const id = `prd_${'0'.repeat(31)}1`;

function refusal(work: () => unknown): Problem {
  try {
    work();
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

describe('a cursor', () => {
  test('gives back the id, for whatever list and id', () => {
    fc.assert(
      fc.property(fc.string(), fc.stringMatching(/^[a-z]{3}_[0-9a-f]{32}$/), (list, lastId) => {
        expect(decodeCursor(list, encodeCursor(list, lastId))).toBe(lastId);
      }),
    );
  });

  test('is fit for a query string', () => {
    expect(encodeCursor('list-orders cus_1 pending', id)).toMatch(/^[A-Za-z0-9_-]+$/);
  });

  test('of another list is refused, naming the parameter', () => {
    const problem = refusal(() => decodeCursor('list-orders b', encodeCursor('list-orders a', id)));
    expect([problem.code, problem.status]).toEqual(['invalid-cursor', 400]);
    expect(problem.errors?.map((error) => error.pointer)).toEqual(['?cursor']);
  });

  test('with any one character changed is refused', () => {
    const cursor = encodeCursor('list', id);
    fc.assert(
      fc.property(fc.nat(cursor.length - 1), fc.stringMatching(/^[\x21-\x7e]$/), (at, character) => {
        fc.pre(cursor[at] !== character);
        const altered = cursor.slice(0, at) + character + cursor.slice(at + 1);
        expect(refusal(() => decodeCursor('list', altered)).code).toBe('invalid-cursor');
      }),
    );
  });

  test.each([
    ['cut short', encodeCursor('list', id).slice(0, -1)],
    ['with something after it', `${encodeCursor('list', id)}A`],
    ['padded', `${encodeCursor('list', id)}=`],
    ['an id in the clear', id],
    ['an id encoded without its checksum', Buffer.from(id).toString('base64url')],
    ['an empty id with an empty checksum', Buffer.from('.').toString('base64url')],
    ['something else than an id, with its checksum', encodeCursor('list', "' or true")],
    ['text that PostgreSQL does not take, with its checksum', encodeCursor('list', 'prd_\0')],
    ['nothing', ''],
    ['not base64', '%00'],
  ])('%s is refused', (_, cursor) => {
    expect(refusal(() => decodeCursor('list', cursor)).code).toBe('invalid-cursor');
  });

  test('whatever else is refused too', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(refusal(() => decodeCursor('list', text)).code).toBe('invalid-cursor');
      }),
    );
  });
});

describe('a page', () => {
  const rows = (count: number) =>
    Array.from({ length: count }, (_, n) => ({ id: `prd_${String(n).padStart(32, '0')}` }));

  test('of fewer rows than the limit is the last', () => {
    expect(toPage('list', rows(2), 3)).toEqual({ data: rows(2), hasMore: false, nextCursor: null });
  });

  test('of exactly as many rows as the limit is the last', () => {
    expect(toPage('list', rows(3), 3)).toEqual({ data: rows(3), hasMore: false, nextCursor: null });
  });

  test('of one row more shows the limit and goes on after its last one', () => {
    const page = toPage('list', rows(4), 3);
    expect(page).toMatchObject({ data: rows(3), hasMore: true });
    expect(decodeCursor('list', page.nextCursor!)).toBe(rows(3).at(-1)?.id);
  });

  test('of nothing is empty', () => {
    expect(toPage('list', [], 3)).toEqual({ data: [], hasMore: false, nextCursor: null });
  });
});
