import fc from 'fast-check';
import { expect, test } from 'vitest';
import { added, percentile, percentileError, placeOf, places } from '../../lib/operations/usage/histogram.ts';

const histogramOf = (times: readonly number[]): number[] =>
  times.reduce<number[]>((sum, time) => added(sum, [...Array<number>(placeOf(time)).fill(0), 1]), []);

test('a percentile is off by no more than is promised', () => {
  expect(percentileError).toBeLessThan(0.091);
  const time = fc.double({ min: 1.01, max: 29_000, noNaN: true });
  fc.assert(
    fc.property(fc.array(time, { minLength: 1, maxLength: 200 }), fc.constantFrom(0.5, 0.99, 1), (times, part) => {
      const exact = times.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(times.length * part) - 1)]!;
      // Told with one decimal.
      expect(Math.abs(percentile(histogramOf(times), part)! - exact)).toBeLessThanOrEqual(
        exact * percentileError + 0.05,
      );
    }),
  );
});

test('what takes no time and what takes for ever have their places', () => {
  expect([0, 0.5, 1].map(placeOf)).toEqual([0, 0, 0]);
  expect(placeOf(1.01)).toBe(1);
  expect(placeOf(29_000)).toBeLessThan(places - 1);
  expect(placeOf(1e9)).toBe(places - 1);
  expect(percentile(histogramOf([0, 0.2]), 0.99)).toBe(1);
});

test('of nothing there is no percentile', () => {
  expect(percentile([], 0.5)).toBeNull();
  expect(percentile([0, 0], 0.5)).toBeNull();
});

test('adding histograms of different lengths adds place by place', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(1000), { maxLength: places }),
      fc.array(fc.nat(1000), { maxLength: places }),
      (a, b) => {
        const sum = added(a, b);
        expect(sum).toEqual(added(b, a));
        expect(sum).toHaveLength(Math.max(a.length, b.length));
        for (const [place, count] of sum.entries()) expect(count).toBe((a[place] ?? 0) + (b[place] ?? 0));
      },
    ),
  );
});
