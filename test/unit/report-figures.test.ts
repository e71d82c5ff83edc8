import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ageOf, daysOf, keysOf, later, percentOf, ranges, sumOf } from '../../examples/reports/figures.ts';

const day = fc
  .date({ min: new Date('2000-01-01'), max: new Date('2050-12-31'), noInvalidDate: true })
  .map((date) => date.toISOString().slice(0, 10));

describe('the figures of the page of reports', () => {
  test('a range ends with today, but for the last month, and has no day twice', () => {
    expect(daysOf('7', '2026-03-02')).toEqual({ from: '2026-02-24', to: '2026-03-03' });
    expect(daysOf('month', '2026-03-31')).toEqual({ from: '2026-03-01', to: '2026-04-01' });
    expect(daysOf('last-month', '2026-03-31')).toEqual({ from: '2026-02-01', to: '2026-03-01' });
    expect(daysOf('last-month', '2026-01-01')).toEqual({ from: '2025-12-01', to: '2026-01-01' });
    expect(daysOf('year', '2024-02-29')).toEqual({ from: '2024-01-01', to: '2024-03-01' });
    const names = fc.constantFrom(...ranges.map(([name]) => name));
    fc.assert(
      fc.property(names, day, (name, today) => {
        const { from, to } = daysOf(name, today);
        expect(from < to && to <= later(today, 1)).toBe(true);
      }),
    );
  });

  test('days, weeks and months without a sale have a key too, and the days are in them', () => {
    expect(keysOf('week', { from: '2026-11-01', to: '2026-11-10' })).toEqual([
      '2026-10-26',
      '2026-11-02',
      '2026-11-09',
    ]);
    expect(keysOf('month', { from: '2026-01-31', to: '2026-03-02' })).toEqual(['2026-01', '2026-02', '2026-03']);
    fc.assert(
      fc.property(day, fc.integer({ min: 1, max: 400 }), (from, length) => {
        const days = { from, to: later(from, length) };
        expect(keysOf('day', days)).toHaveLength(length);
        for (const monday of keysOf('week', days)) expect(new Date(monday).getUTCDay()).toBe(1);
      }),
    );
  });

  test('a sum of what is not known is not known', () => {
    expect([sumOf([1, 2]), sumOf([1, null]), sumOf([])]).toEqual([3, null, 0]);
  });

  test('a share of sums is not the sum of shares, and of nothing it is not known', () => {
    expect(percentOf(1, 3)).toBe(33.3);
    expect(percentOf(-250, 1000)).toBe(-25);
    expect([percentOf(0, 0), percentOf(null, 5), percentOf(5, null)]).toEqual([null, null, null]);
  });

  test.each([
    [0.4, 'less than a second'],
    [12, '12 s'],
    [600, '10 minutes'],
    [26 * 3600, '26 hours'],
    [72 * 3600, '3 days'],
  ])('%d s are “%s”', (seconds, words) => {
    expect(ageOf(seconds)).toBe(words);
  });
});
