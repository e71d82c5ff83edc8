import { expect, test } from 'vitest';
import { minutesOfDays } from '../../lib/analytics/period.ts';
import { salesOf } from '../../lib/analytics/warehouse/sales.sql.ts';
import { floorOf, nextOf } from '../../lib/analytics/warehouse/summary.ts';

const at = (text: string) => new Date(text);
const year = [at('2025-11-01'), at('2026-11-01')] as const;

test.each([
  ['UTC', 0],
  ['Europe/Berlin', 0],
  ['Asia/Kolkata', 30],
  ['America/St_Johns', 30],
  ['Asia/Kathmandu', 15],
  ['Pacific/Chatham', 15],
  // Its clocks move by half an hour.
  ['Australia/Lord_Howe', undefined],
  ['Nowhere/At_All', undefined],
])('days of %s begin so many minutes after a full hour of UTC', (zone, minutes) => {
  expect(minutesOfDays(zone, ...year)).toBe(minutes);
});

test('the minutes are known where a zone does not change them, and not beyond', () => {
  expect(minutesOfDays('Australia/Lord_Howe', at('2026-01-01'), at('2026-03-01'))).toBe(0);
  // North Korea took half an hour back on 5 May 2018.
  expect(minutesOfDays('Asia/Pyongyang', at('2018-01-01'), at('2018-05-01'))).toBe(30);
  expect(minutesOfDays('Asia/Pyongyang', at('2018-01-01'), at('2018-06-01'))).toBeUndefined();
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
  expect(readBy('Europe/Berlin', '2025-10-31T23:00Z', '2026-10-31T23:00Z')).toEqual(['hour']);
  expect(readBy('Australia/Lord_Howe', '2025-10-31T13:00Z', '2026-10-31T13:00Z')).toEqual(['quarter']);
});

test('an hour that begins past the hour may begin in the month before', () => {
  const midnight = at('2026-03-01').getTime();
  expect(floorOf(midnight, 'hour:45')).toBe(at('2026-02-28T23:45Z').getTime());
  expect(nextOf(midnight, 'hour:45')).toBe(at('2026-03-01T00:45Z').getTime());
  expect(floorOf(at('1969-12-31T23:40Z').getTime(), 'hour:15')).toBe(at('1969-12-31T23:15Z').getTime());
});
