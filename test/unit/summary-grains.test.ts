import { expect, test } from 'vitest';
import { startsOfDays } from '../../lib/analytics/period.ts';
import { salesOf } from '../../lib/analytics/warehouse/sales.sql.ts';
import { floorOf, nextOf } from '../../lib/analytics/warehouse/summary.ts';

const at = (text: string) => new Date(text);
/** How many minutes after a full hour of UTC the days of a zone begin, each with from when on. */
const startsIn = (zone: string, begins: string, ends: string) => {
  const starts = startsOfDays(zone, at(begins).getTime(), at(ends).getTime());
  // They follow each other, and are the stretch.
  expect(starts.flatMap(({ from, to }) => [from, to])).toEqual([
    at(begins).getTime(),
    ...starts.slice(1).flatMap(({ from }) => [from, from]),
    at(ends).getTime(),
  ]);
  return starts.map(({ from, minutes }) => [new Date(from).toISOString().replace(':00.000Z', 'Z'), minutes]);
};

test.each([
  ['UTC', 0],
  ['Europe/Berlin', 0],
  ['Asia/Kolkata', 30],
  ['America/St_Johns', 30],
  ['Asia/Kathmandu', 15],
  ['Pacific/Chatham', 15],
  ['Nowhere/At_All', undefined],
])('days of %s begin so many minutes after a full hour of UTC', (zone, minutes) => {
  expect(startsIn(zone, '2025-11-01T00:00Z', '2026-11-01T00:00Z')).toEqual([['2025-11-01T00:00Z', minutes]]);
});

test('a stretch of time is cut where clocks move by a part of an hour', () => {
  expect(startsIn('Australia/Lord_Howe', '2025-11-01T00:00Z', '2026-11-01T00:00Z')).toEqual([
    ['2025-11-01T00:00Z', 0],
    ['2026-04-04T15:00Z', 30],
    ['2026-10-03T15:30Z', 0],
  ]);
  // The change is at the end, or after it.
  expect(startsIn('Australia/Lord_Howe', '2026-03-01T00:00Z', '2026-04-04T15:00Z')).toHaveLength(1);
  expect(startsIn('Australia/Lord_Howe', '2026-04-04T15:00Z', '2026-04-04T15:15Z')).toEqual([
    ['2026-04-04T15:00Z', 30],
  ]);
  // North Korea took half an hour back on 5 May 2018.
  expect(startsIn('Asia/Pyongyang', '2018-01-01T00:00Z', '2018-06-01T00:00Z')).toEqual([
    ['2018-01-01T00:00Z', 30],
    ['2018-05-04T15:00Z', 0],
  ]);
});

/** Which rows of the summary, and which facts, a report by day reads. */
function readBy(zone: string, begins: string, ends: string): string[] {
  const stretch = { begins: at(begins), ends: at(ends) };
  const { text, parameters } = salesOf({ stretch, zone, groupBy: 'day', currency: undefined }, 10);
  const grains = parameters.filter((value) => /^(month|day|quarter|hour(:\d\d)?)$/.test(value));
  return [...grains, ...(text.match(/\bfact_\w+/g) ?? [])];
}

test('a report by day reads hours that its days are made of, and quarters where the warehouse ends', () => {
  expect(readBy('Asia/Kolkata', '2025-10-31T18:30Z', '2026-10-31T18:30Z')).toEqual(['hour:30']);
  expect(readBy('Asia/Kolkata', '2025-10-31T18:30Z', '2026-11-01T00:00Z')).toEqual(['hour:30', 'quarter']);
  expect(readBy('Asia/Kathmandu', '2025-10-31T18:15Z', '2026-10-31T18:15Z')).toEqual(['hour:15']);
  // Days of UTC are rows of their own, and the warehouse ends with an hour.
  expect(readBy('UTC', '2025-10-31T00:00Z', '2026-10-31T13:00Z')).toEqual(['hour']);
  expect(readBy('Europe/Berlin', '2025-10-31T23:00Z', '2026-10-31T23:00Z')).toEqual(['hour']);
  // Its clocks move by half an hour.
  expect(readBy('Australia/Lord_Howe', '2025-10-31T13:00Z', '2026-10-31T13:00Z')).toEqual([
    'hour',
    'quarter',
    'hour:30',
    'quarter',
    'hour',
  ]);
  expect(readBy('Nowhere/At_All', '2025-10-31T13:00Z', '2026-10-31T13:00Z')).toEqual(['quarter']);
});

test('an hour that begins past the hour may begin in the month before', () => {
  const midnight = at('2026-03-01').getTime();
  expect(floorOf(midnight, 'hour:45')).toBe(at('2026-02-28T23:45Z').getTime());
  expect(nextOf(midnight, 'hour:45')).toBe(at('2026-03-01T00:45Z').getTime());
  expect(floorOf(at('1969-12-31T23:40Z').getTime(), 'hour:15')).toBe(at('1969-12-31T23:15Z').getTime());
});
