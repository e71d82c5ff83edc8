import { expect, test } from 'vitest';
import { statementsSince } from '../../lib/operations/health/statements.ts';

const totals = (queryId: string, calls: number, totalMs: number, role = 'saga') => ({
  queryId,
  role,
  calls,
  totalMs,
  statement: `select ${queryId}`,
});

test('statements are compared with the look before, by role', () => {
  const since = statementsSince();
  expect(since([totals('1', 1000, 9_000_000), totals('2', 5, 50)])).toEqual({ slow: 0, slowest: [] });
  const seen = since([totals('1', 1003, 9_003_000), totals('2', 5, 50), totals('2', 4, 40, 'jobs')]);
  expect(seen).toEqual({
    slow: 3,
    slowest: [
      { role: 'saga', calls: 3, meanMs: 1000, statement: 'select 1' },
      { role: 'jobs', calls: 4, meanMs: 10, statement: 'select 2' },
    ],
  });
});

test('statistics that began anew count from nothing', () => {
  const since = statementsSince();
  since([totals('1', 1000, 9_000_000)]);
  expect(since([totals('1', 2, 1200)])).toMatchObject({ slow: 2, slowest: [{ calls: 2, meanMs: 600 }] });
});
