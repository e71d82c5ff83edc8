import { expect, test } from 'vitest';
import { inBatches } from '../../lib/database/batches.ts';
import { monthsBefore } from '../../lib/operations/archive/archive.ts';

/** A table of so many rows, each of which takes so many milliseconds; only the work moves the time. */
function table(rows: number, msEach: number) {
  let [time, left] = [0, rows];
  const batches: number[] = [];
  const pauses: number[] = [];
  return {
    batches,
    pauses,
    left: () => left,
    batching: (untilMs: number) => ({
      stopwatch: { elapsed: () => time },
      untilMs,
      sleep: async (milliseconds: number) => {
        pauses.push(milliseconds);
        time += milliseconds;
      },
    }),
    work: async (limit: number) => {
      const count = Math.min(limit, left);
      left -= count;
      time += count * msEach;
      batches.push(count);
      return count;
    },
  };
}

test('batches grow until one takes about 25 ms, and none takes 100', async () => {
  const { batches, batching, work } = table(5000, 0.1);
  const { rows, done, longestMs } = await inBatches(batching(60_000), work);
  expect({ rows, done }).toEqual({ rows: 5000, done: true });
  expect(longestMs).toBeLessThan(100);
  expect(Math.max(...batches)).toBeGreaterThan(200);
});

test('batches shrink where rows are slow, down to one', async () => {
  const { batches, batching, work } = table(30, 20);
  await inBatches(batching(60_000), work);
  expect(batches.slice(1, -1).every((count) => count === 1)).toBe(true);
});

test('others get twice the time that a batch took, and nothing begins when time is over', async () => {
  const { batches, pauses, batching, work, left } = table(1_000_000, 1);
  const { done, rows, longestMs } = await inBatches(batching(1000), work);
  expect(done).toBe(false);
  expect(left()).toBe(1_000_000 - rows);
  expect(pauses).toEqual(batches.map((took) => 2 * took));
  expect(rows).toBeLessThanOrEqual(500 + longestMs);
});

test('a batch that the database ends is tried again, smaller; only when none gets through the work fails', async () => {
  const { batches, batching, work } = table(300, 1);
  const tooLong = Object.assign(new Error('canceling statement due to statement timeout'), { code: '57014' });
  const limited = async (limit: number) => {
    if (limit > 8) throw tooLong;
    return await work(limit);
  };
  expect(await inBatches(batching(60_000), limited)).toMatchObject({ rows: 300, done: true });
  expect(Math.max(...batches)).toBe(8);
  await expect(inBatches(batching(60_000), () => Promise.reject(tooLong))).rejects.toBe(tooLong);
  const other = new Error('something else');
  await expect(inBatches(batching(60_000), () => Promise.reject(other))).rejects.toBe(other);
});

test('a batch is never larger than the most that is allowed', async () => {
  const { batches, batching, work } = table(1000, 0);
  await inBatches(batching(60_000), work, 100);
  expect(Math.max(...batches)).toBe(100);
});

test.each([
  ['2026-11-29T12:00:00.000Z', 24, '2024-11-29T12:00:00.000Z'],
  ['2026-03-31T12:00:00.000Z', 1, '2026-02-28T12:00:00.000Z'],
  ['2024-02-29T00:00:00.000Z', 12, '2023-02-28T00:00:00.000Z'],
])('%s, %i months earlier, is %s', (now, months, earlier) => {
  expect(monthsBefore(new Date(now), months).toISOString()).toBe(earlier);
});
