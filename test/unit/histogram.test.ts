import fc from 'fast-check';
import { expect, test } from 'vitest';
import { added, bucketCount, bucketOf, percentile, percentileError } from '../../lib/operations/usage/histogram.ts';

const histogramOf = (times: readonly number[]): number[] =>
  times.reduce<number[]>((sum, time) => added(sum, [...Array<number>(bucketOf(time)).fill(0), 1]), []);

test('a percentile is within its documented error', () => {
  expect(percentileError).toBeLessThan(0.091);
  const time = fc.double({ min: 1.01, max: 29_000, noNaN: true });
  fc.assert(
    fc.property(fc.array(time, { minLength: 1, maxLength: 200 }), fc.constantFrom(0.5, 0.99, 1), (times, share) => {
      const exact = times.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(times.length * share) - 1)]!;
      // The result has one decimal.
      expect(Math.abs(percentile(histogramOf(times), share)! - exact)).toBeLessThanOrEqual(
        exact * percentileError + 0.05,
      );
    }),
  );
});

test('the shortest and the longest latencies have a bucket', () => {
  expect([0, 0.5, 1].map(bucketOf)).toEqual([0, 0, 0]);
  expect(bucketOf(1.01)).toBe(1);
  expect(bucketOf(29_000)).toBeLessThan(bucketCount - 1);
  expect(bucketOf(1e9)).toBe(bucketCount - 1);
  expect(percentile(histogramOf([0, 0.2]), 0.99)).toBe(1);
});

test('without requests there is no percentile', () => {
  expect(percentile([], 0.5)).toBeNull();
  expect(percentile([0, 0], 0.5)).toBeNull();
});

test('adding histograms of different lengths adds them bucket by bucket', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(1000), { maxLength: bucketCount }),
      fc.array(fc.nat(1000), { maxLength: bucketCount }),
      (a, b) => {
        const sum = added(a, b);
        expect(sum).toEqual(added(b, a));
        expect(sum).toHaveLength(Math.max(a.length, b.length));
        for (const [bucket, count] of sum.entries()) expect(count).toBe((a[bucket] ?? 0) + (b[bucket] ?? 0));
      },
    ),
  );
});
