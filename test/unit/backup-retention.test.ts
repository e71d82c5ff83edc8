import { expect, test } from 'vitest';
import type { Manifest } from '../../infra/local/backup/repository.ts';
import { choose } from '../../infra/local/backup/retention.ts';

const day = 24 * 3600_000;
const backupAt = (at: number): Manifest =>
  ({ id: new Date(at).toISOString(), endedAt: new Date(at).toISOString() }) as Manifest;
const idsOf = (backups: readonly Manifest[]) => backups.map(({ id }) => id.slice(0, 13));

/** Two backups a day for 400 days, the last on Sunday 2026-11-29 at 18:00. */
const daily = Array.from({ length: 800 }, (_, n) => backupAt(Date.UTC(2026, 10, 29, 18) - (799 - n) * (day / 2)));

test('of two backups a day for 400 days, the last of 7 days, 5 weeks and 12 months are kept', () => {
  const { keep, remove, days } = choose(daily);
  expect(idsOf(days)).toEqual(['23', '24', '25', '26', '27', '28', '29'].map((date) => `2026-11-${date}T18`));
  // Weeks end on Sunday: the newest is kept as a day already.
  const weeks = ['2026-11-01T18', '2026-11-08T18', '2026-11-15T18', '2026-11-22T18'];
  const months = ['2025-12-31', '2026-01-31', '2026-02-28', '2026-03-31', '2026-04-30', '2026-05-31', '2026-06-30'];
  const later = ['2026-07-31', '2026-08-31', '2026-09-30', '2026-10-31'];
  expect(idsOf(keep)).toEqual([...[...months, ...later].map((date) => `${date}T18`), ...weeks, ...idsOf(days)]);
  expect(keep.length + remove.length).toBe(daily.length);
});

test('days without a backup do not count, so a shop that was closed keeps what it has', () => {
  const sparse = [0, 40, 41, 300].map((days) => backupAt(Date.UTC(2026, 0, 1) + days * day));
  expect(choose(sparse)).toEqual({ keep: sparse, remove: [], days: sparse });
});

test('the newest backup is always kept', () => {
  const { keep } = choose(daily, { daily: 1, weekly: 1, monthly: 1 });
  expect(idsOf(keep)).toEqual(['2026-11-29T18']);
});
