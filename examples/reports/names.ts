import { digitsOf, formatMoney } from '../money.ts';

/** What rows of a report can be. */
export const groupings = [
  ['day', 'day'],
  ['week', 'week'],
  ['month', 'month'],
  ['product', 'product'],
  ['category', 'category'],
  ['brand', 'brand'],
  ['country', 'country'],
  ['application', 'application'],
  ['customerSegment', 'customer segment'],
] as const;

/** How the keys of a grouping read. */
export type KeyNames = {
  title: string;
  full(key: string | null): string;
  /** For the axis of a chart. */
  short(key: string | null): string;
  /** Sorts as a reader expects: days by time, names by the alphabet. */
  sortable(key: string | null): string | null;
};

const none: Readonly<Record<string, string>> = {
  product: 'unknown product',
  category: 'no category',
  brand: 'no brand',
  country: 'country not said',
  application: 'unknown application',
  customerSegment: 'not known',
};

const utc = { timeZone: 'UTC' } as const;
const dayFormat = new Intl.DateTimeFormat(undefined, { ...utc, dateStyle: 'medium' });
const shortDay = new Intl.DateTimeFormat(undefined, { ...utc, day: 'numeric', month: 'short' });
const monthFormat = new Intl.DateTimeFormat(undefined, { ...utc, month: 'long', year: 'numeric' });
const shortMonth = new Intl.DateTimeFormat(undefined, { ...utc, month: 'short', year: '2-digit' });
const regions = new Intl.DisplayNames(undefined, { type: 'region', fallback: 'code' });

/** @param names of the keys that have one */
export function keyNames(groupBy: string, names: ReadonlyMap<string, string>): KeyNames {
  const name = groupings.find(([grouping]) => grouping === groupBy)?.[1] ?? groupBy;
  const title = name[0]!.toUpperCase() + name.slice(1);
  const ofTime: Record<string, [Intl.DateTimeFormat, Intl.DateTimeFormat, string]> = {
    day: [dayFormat, shortDay, ''],
    week: [dayFormat, shortDay, 'Week from '],
    month: [monthFormat, shortMonth, ''],
  };
  const time = ofTime[groupBy];
  if (time !== undefined) {
    const [full, short, before] = time;
    return {
      title,
      full: (key) => `${before}${full.format(new Date(key!))}`,
      short: (key) => short.format(new Date(key!)),
      sortable: (key) => key,
    };
  }
  const nameOf = (key: string | null) =>
    key === null
      ? (none[groupBy] ?? 'none')
      : (names.get(key) ?? (groupBy === 'country' ? (regions.of(key) ?? key) : key));
  return { title, full: nameOf, short: nameOf, sortable: nameOf };
}

/** A figure as a reader expects it; what is not known is a dash. Money is in minor units. */
export function amount(kind: 'money' | 'count' | 'percent', value: number | null, currency: string): string {
  if (value === null) return '–';
  if (kind === 'money') return formatMoney({ amount: value, currency });
  return kind === 'count' ? value.toLocaleString() : `${value.toLocaleString()} %`;
}

/** A figure with few digits, for the axis of a chart. */
export function amountShort(kind: 'money' | 'count' | 'percent', value: number, currency: string): string {
  const few = { notation: 'compact', maximumFractionDigits: 1 } as const;
  if (kind !== 'money')
    return `${new Intl.NumberFormat(undefined, few).format(value)}${kind === 'percent' ? ' %' : ''}`;
  const format = new Intl.NumberFormat(undefined, { ...few, style: 'currency', currency, minimumFractionDigits: 0 });
  return format.format(value / 10 ** digitsOf(currency));
}

/** What the parameters of a report are called here. */
const names: Readonly<Record<string, string>> = {
  from: 'From',
  to: 'Up to, and without',
  zone: 'Days of',
  groupBy: 'By',
  by: 'By',
  currency: 'Currency',
};

/** What a report is asked with, for people. */
export const named = (parameters: Readonly<Record<string, string | number>>): [string, string][] =>
  Object.entries(parameters).map(([name, value]) => [names[name] ?? name, String(value)]);
