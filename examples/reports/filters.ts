import { type Field, fields, form, type Values } from '../back-office/forms.ts';
import { daysOf, later, ranges } from './figures.ts';
import type { Reports } from './reports.ts';

/** The days that are asked for, in a time zone. */
export type Asked = { from: string; to: string; zone: string; currency?: string };

export const browserZone = (): string => new Intl.DateTimeFormat().resolvedOptions().timeZone;

/** What the address asks for. Without dates, it is a range that ends today. Its last day is included. */
export function askedOf(
  { range = '30', from = '', to = '', zone = browserZone(), currency = '' }: Values,
  api: Reports,
) {
  const typed = range === 'own' && from !== '' && to !== '';
  const days = typed ? { from, to: later(to, 1) } : daysOf(range, api.today(zone));
  return { ...days, zone, ...(currency === '' ? {} : { currency }) } satisfies Asked;
}

/** Period, time zone and currency, as the address has them. */
export function periodFields(query: Values, asked: Asked): Field[] {
  return [
    { name: 'range', label: 'Period', value: query.range ?? '30', options: ranges },
    { name: 'from', label: 'First day', type: 'date', value: asked.from },
    { name: 'to', label: 'Last day', type: 'date', value: later(asked.to, -1) },
    {
      name: 'currency',
      label: 'Currency',
      value: asked.currency ?? '',
      options: [['', 'each by itself'], ...Intl.supportedValuesOf('currency').map((code) => [code, code] as const)],
    },
    { name: 'zone', label: 'Days of', value: asked.zone, options: zones(asked.zone).map((name) => [name, name]) },
  ];
}

/** Every time zone, with those first that matter to this reader. */
export const zones = (chosen: string): string[] =>
  [...new Set(['UTC', browserZone(), chosen, ...Intl.supportedValuesOf('timeZone')])].filter((name) => name !== '');

/** A form whose values are the query of the address. Asked the same again, the report is made anew. */
export function filterForm(place: string, all: readonly Field[], api: Reports, again: () => Promise<void>) {
  const made = form(
    fields(all),
    'Show',
    async ({ range = '', from = '', to = '', ...rest }) => {
      const days: Values = range === 'own' ? { range, from, to } : range === '' ? {} : { range };
      const query = new URLSearchParams(Object.entries({ ...days, ...rest }).filter(([, value]) => value !== ''));
      const hash = `#/${place}?${query}`;
      if (location.hash === hash) await again();
      else location.hash = hash;
    },
    'filters',
  );
  const control = (name: string) => made.elements.namedItem(name) as HTMLInputElement | HTMLSelectElement | null;
  const [range, from, to, zone] = ['range', 'from', 'to', 'zone'].map(control);
  range?.addEventListener('change', () => {
    if (range.value === 'own') return;
    const days = daysOf(range.value, api.today(zone!.value));
    from!.value = days.from;
    to!.value = later(days.to, -1);
  });
  for (const date of [from, to]) date?.addEventListener('input', () => (range!.value = 'own'));
  return made;
}
