import { Problem } from '../contract/api/problems.ts';
import type { Clock } from '../kernel/clock.ts';

/** Whole days of a time zone: from the beginning of `from` up to the beginning of `to`, both as YYYY-MM-DD. */
export type Period = { from: string; to: string; zone: string };

const dayMs = 24 * 3600 * 1000;
const usualDays = 30;
const mostYears = 10;

/**
 * The period that a report is asked for. Without `to` it ends with today, without `from` it has thirty days.
 * @throws Problem period-reversed, period-too-long
 */
export function periodOf(
  query: { from?: string | undefined; to?: string | undefined; zone: string },
  clock: Clock,
): Period {
  const { zone } = query;
  const to = query.to ?? daysAfter(dayIn(zone, clock.now()), 1);
  const from = query.from ?? daysAfter(to, -usualDays);
  if (from >= to) {
    throw new Problem(
      'period-reversed',
      `from (${from}) must be before to (${to}), which is the first day after the period.`,
    );
  }
  if (from < yearsBefore(to, mostYears)) {
    throw new Problem('period-too-long', `A report has at most ${mostYears} years; ${from} to ${to} is more.`);
  }
  return { from, to, zone };
}

const usualMonths = mostYears * 12;

/**
 * The period of whole months, from the first up to the one after the last. Without `to` it ends with this month, without `from` it
 * is as long as a period may be.
 * @throws Problem period-reversed, period-too-long
 */
export function periodOfMonths(
  query: { from?: string | undefined; to?: string | undefined; zone: string },
  clock: Clock,
): { from: string; to: string; zone: string; period: Period } {
  const { zone } = query;
  const to = query.to ?? monthAfter(dayIn(zone, clock.now()).slice(0, 7), 1);
  const from = query.from ?? monthAfter(to, -usualMonths);
  return { from, to, zone, period: periodOf({ from: `${from}-01`, to: `${to}-01`, zone }, clock) };
}

/** A month, some months later, as YYYY-MM. */
export function monthAfter(month: string, months: number): string {
  const date = new Date(`${month}-01`);
  date.setUTCMonth(date.getUTCMonth() + months);
  return date.toISOString().slice(0, 7);
}

/** The day that it is in a time zone, as YYYY-MM-DD. */
export const dayIn = (zone: string, now: number): string => new Date(now).toLocaleDateString('sv', { timeZone: zone });

/** A day, some days later, as YYYY-MM-DD. */
export const daysAfter = (day: string, days: number): string =>
  new Date(Date.parse(day) + days * dayMs).toISOString().slice(0, 10);

function yearsBefore(day: string, years: number): string {
  const date = new Date(day);
  date.setUTCFullYear(date.getUTCFullYear() - years);
  return date.toISOString().slice(0, 10);
}

/** A stretch of time in which all days of a zone begin so many minutes after a full hour of UTC. Milliseconds since the epoch. */
export type DayStarts = { from: number; to: number; minutes: number | undefined };

const [weekMs, minuteMs] = [7 * dayMs, 60_000];

/**
 * Cuts a stretch of time where a zone's clocks move by a part of an hour, as on Lord Howe Island. `minutes` is undefined when the zone is not
 * known. No zone moved them so twice within a week since 1973.
 */
export function startsOfDays(zone: string, begins: number, ends: number): DayStarts[] {
  const offsets = offsetsOf(zone);
  if (offsets === undefined) return [{ from: begins, to: ends, minutes: undefined }];
  const starts: DayStarts[] = [{ from: begins, to: ends, minutes: minutesAt(begins, offsets) }];
  for (let at = begins; at < ends; at += weekMs) {
    const last = starts.at(-1)!;
    const next = Math.min(at + weekMs, ends);
    if (minutesAt(next, offsets) === last.minutes) continue;
    last.to = changeBetween(at, next, (moment) => minutesAt(moment, offsets) !== last.minutes);
    if (last.to < ends) starts.push({ from: last.to, to: ends, minutes: minutesAt(last.to, offsets) });
  }
  return starts;
}

/** The full minute from which something is so that is not at `before`, and is at `after`. */
function changeBetween(before: number, after: number, isSo: (moment: number) => boolean): number {
  let [no, yes] = [Math.floor(before / minuteMs), Math.ceil(after / minuteMs)];
  while (yes - no > 1) {
    const middle = Math.floor((no + yes) / 2);
    if (isSo(middle * minuteMs)) yes = middle;
    else no = middle;
  }
  return Math.min(yes * minuteMs, after);
}

function offsetsOf(timeZone: string): Intl.DateTimeFormat | undefined {
  try {
    return new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' });
  } catch {
    return undefined;
  }
}

/** The text ends like `GMT-03:30`, or `GMT`. */
function minutesAt(moment: number, offsets: Intl.DateTimeFormat): number {
  const [, sign, minutes] = /([+-])\d\d:(\d\d)/.exec(offsets.format(moment)) ?? [];
  return sign === '+' ? (60 - Number(minutes)) % 60 : Number(minutes ?? 0);
}
