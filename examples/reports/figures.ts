/** Whole days, as YYYY-MM-DD: from `from` up to, and without, `to`. */
export type Days = { from: string; to: string };

/** What a range picker offers. `own` is what somebody typed. */
export const ranges = [
  ['today', 'Today'],
  ['7', 'Last 7 days'],
  ['30', 'Last 30 days'],
  ['90', 'Last 90 days'],
  ['month', 'This month'],
  ['last-month', 'Last month'],
  ['year', 'This year'],
  ['365', 'Last 365 days'],
  ['own', 'Other days'],
] as const;

const dayMs = 24 * 3600 * 1000;

export const later = (day: string, days: number): string =>
  new Date(Date.parse(day) + days * dayMs).toISOString().slice(0, 10);

/** The days of a range that has a name. Ranges end with today, but for the last month. */
export function daysOf(range: string, today: string): Days {
  const to = later(today, 1);
  const month = `${today.slice(0, 7)}-01`;
  switch (range) {
    case 'today':
      return { from: today, to };
    case 'month':
      return { from: month, to };
    case 'last-month':
      return { from: `${later(month, -1).slice(0, 7)}-01`, to: month };
    case 'year':
      return { from: `${today.slice(0, 4)}-01-01`, to };
    default:
      return { from: later(to, -(Number(range) || 30)), to };
  }
}

export const isOfTime = (groupBy: string): groupBy is 'day' | 'week' | 'month' =>
  ['day', 'week', 'month'].includes(groupBy);

/** The key of every day, week (its Monday) or month of these days, also of those without a sale. */
export function keysOf(groupBy: 'day' | 'week' | 'month', { from, to }: Days): string[] {
  const keys = new Set<string>();
  for (let day = from; day < to; day = later(day, 1)) {
    const sinceMonday = (new Date(day).getUTCDay() + 6) % 7;
    keys.add({ day, week: later(day, -sinceMonday), month: day.slice(0, 7) }[groupBy]);
  }
  return [...keys];
}

/** A sum of what is known; null when one of them is not. */
export const sumOf = (values: readonly (number | null)[]): number | null =>
  values.reduce<number | null>((sum, value) => (sum === null || value === null ? null : sum + value), 0);

/** A part of a whole in percent, with one decimal as in the rows of the API; null of nothing. */
export const percentOf = (part: number | null, whole: number | null): number | null =>
  part === null || !whole ? null : Math.round((part * 1000) / whole) / 10;

/** How long ago something was, in words. */
export function ageOf(seconds: number): string {
  if (seconds < 1) return 'less than a second';
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} minutes`;
  if (seconds < 48 * 3600) return `${Math.round(seconds / 3600)} hours`;
  return `${Math.round(seconds / (24 * 3600))} days`;
}
