import type { Money } from '../client.ts';
import { digitsOf, formatMoney } from '../money.ts';
import { element } from '../web-shop/dom.ts';

export type Content = Node | string;

/** What a place of the back office shows. `beside` stands in the line of the title. */
export type View = { title: string; beside?: Content[]; content: Content[] };

const dates = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });

export const time = (at: string): HTMLElement =>
  element('time', { dateTime: at, title: at }, dates.format(new Date(at)));

export const money = (amount: Money): string => formatMoney(amount);

export const link = (href: string, ...content: Content[]): HTMLAnchorElement => element('a', { href }, ...content);

export const card = (title: string, ...content: Content[]): HTMLElement =>
  element('section', { className: 'card' }, element('h2', {}, title), ...content);

export const quiet = (text: string): HTMLElement => element('p', { className: 'quiet' }, text);

const kinds: Readonly<Record<string, 'good' | 'wait' | 'bad'>> = {
  confirmed: 'good',
  captured: 'good',
  succeeded: 'good',
  in_stock: 'good',
  shipped: 'good',
  delivered: 'good',
  fulfilled: 'good',
  received: 'good',
  failed: 'bad',
  cancelled: 'bad',
  rejected: 'bad',
  needs_attention: 'bad',
  out_of_stock: 'bad',
};
const names: Readonly<Record<string, string>> = { needs_attention: 'manual review', pending_payment: 'awaits payment' };

export const words = (status: string): string => names[status] ?? status.replaceAll(/[_-]/g, ' ');

/** A status in words, in a colour that says the same. */
export const badge = (status: string): HTMLElement =>
  element('span', { className: `status ${kinds[status] ?? 'wait'}` }, words(status));

/** Names beside what they have. What is undefined is left out. */
export function facts(all: [name: string, value: Content | null | undefined][], className = ''): HTMLElement {
  const known = all.filter(([, value]) => value !== null && value !== undefined && value !== '');
  return element(
    'dl',
    { className },
    ...known.flatMap(([name, value]) => [element('dt', {}, name), element('dd', {}, value!)]),
  );
}

/** Columns whose name begins with `#` have figures. Narrow screens show each row as two columns. */
export function table(caption: string, columns: readonly string[], rows: readonly Content[][]): HTMLElement {
  const classOf = (column: string) => (column.startsWith('#') ? 'amount' : '');
  const head = columns.map((column) =>
    element('th', { scope: 'col', className: classOf(column) }, column.replace(/^#/, '')),
  );
  const body = rows.map((row) =>
    element('tr', {}, ...row.map((cell, index) => element('td', { className: classOf(columns[index] ?? '') }, cell))),
  );
  return element(
    'table',
    { className: 'cards' },
    element('caption', { className: 'hidden' }, caption),
    element('thead', {}, element('tr', {}, ...head)),
    element('tbody', {}, ...body),
  );
}

/** How many a list has, as its `count` says. */
export const counted = ({ value, exact }: { value: number; exact: boolean }, one: string, many: string): string =>
  `${exact ? '' : 'about '}${value.toLocaleString()} ${value === 1 ? one : many}`;

/** The way to the next page of a list, which keeps its filter. */
export function nextPage(place: string, query: Readonly<Record<string, string>>, cursor: string | null): Content[] {
  if (cursor === null) return [];
  return [link(`#/${place}?${new URLSearchParams({ ...query, cursor })}`, 'Next page')];
}

/** An amount as somebody types it, as `12.50`, in minor units. @throws Error that says what is wrong */
export function toMoney(text: string, currency: string): Money {
  const digits = digitsOf(currency);
  const [, whole = '', fraction = ''] = /^(\d{1,12})(?:[.,](\d+))?$/.exec(text.trim()) ?? [];
  if (whole === '' || fraction.length > digits) {
    throw new Error(`Type an amount of ${currency} with at most ${digits} digits after the point.`);
  }
  return { amount: Number(`${whole}${fraction.padEnd(digits, '0')}`), currency };
}

/** An amount as `toMoney` reads it. */
export function toText({ amount, currency }: Money): string {
  const digits = digitsOf(currency);
  return (amount / 10 ** digits).toFixed(digits);
}
