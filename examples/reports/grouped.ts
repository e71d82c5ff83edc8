import { fields, type Values } from '../back-office/forms.ts';
import { type Content, card, quiet, type View } from '../back-office/parts.ts';
import { element } from '../web-shop/dom.ts';
import { type Aged, ageCard, asOf } from './age.ts';
import { chart } from './chart.ts';
import { fileButtons } from './csv.ts';
import { isOfTime, keysOf, percentOf, sumOf } from './figures.ts';
import { askedOf, filterForm, periodFields } from './filters.ts';
import { amount, amountShort, groupings, type KeyNames, keyNames } from './names.ts';
import { reportView } from './refusals.ts';
import type { GroupedQuery, Reports } from './reports.ts';
import { type Column, figureTable } from './table.ts';

/** A figure of each row: money in the row's currency, a count, or a share in percent. */
export type Figure<R> = {
  name: keyof R & string;
  title: string;
  kind: 'money' | 'count' | 'percent';
  /** What has more than one product counts for each of them, so rows do not add up. */
  addsUp: 'always' | 'by-order' | 'never';
  /** The figures that this one is the share of, one in the other: of all rows, it is that of their sums. */
  share?: readonly [part: keyof R & string, whole: keyof R & string];
  /** Says nothing where this other figure is not known. */
  needs?: keyof R & string;
};

type Row = { key: string | null; currency: string };

/** A report that adds up by groups. */
export type Grouped<R extends Row> = {
  place: 'sales' | 'margin';
  title: string;
  figures: readonly Figure<R>[];
  /** The names of those that stand above all. */
  main: readonly (keyof R & string)[];
  ask(api: Reports, query: GroupedQuery): Promise<Aged & { from: string; to: string; data: R[] }>;
};

/** The report that the address asks for, with the form that asks for another one. */
export async function groupedView<R extends Row>(
  report: Grouped<R>,
  api: Reports,
  query: Values,
  again: () => Promise<void>,
): Promise<View> {
  const asked = askedOf(query, api);
  const groupBy = (query.groupBy ?? 'day') as NonNullable<GroupedQuery['groupBy']>;
  const request = { ...asked, groupBy };
  const period = periodFields(query, asked);
  const by = { name: 'groupBy', label: 'By', value: groupBy, options: groupings };
  const filter = filterForm(report.place, [...period.slice(0, 3), by, ...period.slice(3)], api, again);
  const show = async () => {
    const [answer, names] = await Promise.all([report.ask(api, request), api.names(request)]);
    const currencies = [...new Set(answer.data.map(({ currency }) => currency))].toSorted();
    const parts = currencies.map((currency) => {
      const rows = answer.data.filter((row) => row.currency === currency);
      return currencyCard(report, { rows, currency, groupBy, days: answer, names: keyNames(groupBy, names) });
    });
    const none = card('Nothing', quiet('Nothing was sold or given back on these days.'));
    return {
      beside: [...asOf(answer), ...fileButtons(api, { report: report.place, query: request })],
      content: [...(parts.length === 0 ? [none] : parts), ageCard(answer)],
    };
  };
  const of = { report: report.place, query: request };
  return reportView(report.title, [card('What to show', filter)], show(), again, of);
}

type OfCurrency<R> = {
  rows: R[];
  currency: string;
  groupBy: string;
  days: { from: string; to: string };
  names: KeyNames;
};

/** Amounts of one currency: sums, chart and table. Currencies are never added. */
function currencyCard<R extends Row>(report: Grouped<R>, of: OfCurrency<R>): HTMLElement {
  const { rows, currency, groupBy, names } = of;
  const { figures, main } = report;
  const known = figures.filter(({ name, needs = name }) => rows.some((row) => row[needs] !== null));
  const totals = new Map(known.map((figure) => [figure.name, totalOf(figure, rows, groupBy)]));
  const text = ({ kind }: Figure<R>, value: number | null) => amount(kind, value, currency);
  const tiles = known
    .filter(({ name }) => main.includes(name) && totals.get(name) !== null)
    .map((figure) => [figure.title, text(figure, totals.get(figure.name)!)] as [string, Content]);
  const columns: Column<R>[] = [
    { title: names.title, value: ({ key }) => names.sortable(key), text: ({ key }) => names.full(key), total: 'All' },
    ...known.map((figure) => ({
      title: figure.title,
      value: (row: R) => row[figure.name] as number | null,
      text: (row: R) => text(figure, row[figure.name] as number | null),
      total: text(figure, totals.get(figure.name) ?? null),
    })),
  ];
  const drawn = figures.find(({ name }) => name === main[0])!;
  const most = Math.max(1, ...rows.map((row) => Number(row[drawn.name])));
  const table = isOfTime(groupBy)
    ? figureTable(`${report.title} in ${currency}`, columns, rows.toReversed())
    : figureTable(
        `${report.title} in ${currency}`,
        columns,
        rows.toSorted((a, b) => Number(b[drawn.name]) - Number(a[drawn.name])),
        (row) => Number(row[drawn.name]) / most,
      );
  return card(currency, tilesOf(tiles), ...(isOfTime(groupBy) ? [drawing(report, known, of)] : []), table);
}

export function tilesOf(all: [string, Content][]): HTMLElement {
  const tiles = all.map(([name, value]) => element('div', {}, element('dt', {}, name), element('dd', {}, value)));
  return element('dl', { className: 'tiles' }, ...tiles);
}

function totalOf<R extends Row>(
  { name, addsUp, share }: Figure<R>,
  rows: readonly R[],
  groupBy: string,
): number | null {
  const sum = (of: keyof R) => sumOf(rows.map((row) => row[of] as number | null));
  if (share !== undefined) return percentOf(sum(share[0]), sum(share[1]));
  const adds = addsUp === 'always' || (addsUp === 'by-order' && !['product', 'category', 'brand'].includes(groupBy));
  return adds ? sum(name) : null;
}

/** A chart of one figure. Another one can be chosen, which asks nobody. */
function drawing<R extends Row>(report: Grouped<R>, figures: readonly Figure<R>[], of: OfCurrency<R>): HTMLElement {
  const { rows, currency, groupBy, days, names } = of;
  const byKey = new Map(rows.map((row) => [row.key, row]));
  const keys = keysOf(groupBy as 'day', days);
  const labels = keys.map((key) => ({ full: names.full(key), short: names.short(key) }));
  const draw = (figure: Figure<R>) =>
    chart({
      title: `${figure.title} in ${currency} by ${groupBy}`,
      labels,
      values: keys.map((key) => Number(byKey.get(key)?.[figure.name] ?? 0)),
      format: (value) => amount(figure.kind, value, currency),
      formatShort: (value) => amountShort(figure.kind, value, currency),
    });
  const options = figures.map(({ name, title }) => [name, title] as const);
  const [choice] = fields([{ name: 'figure', label: 'Chart', value: report.main[0]!, options }]);
  const place = element('div', {}, draw(figures.find(({ name }) => name === report.main[0])!));
  choice!.querySelector('select')!.addEventListener('change', ({ target }) => {
    const chosen = figures.find(({ name }) => name === (target as HTMLSelectElement).value);
    if (chosen !== undefined) place.replaceChildren(draw(chosen));
  });
  return element('div', {}, element('div', { className: 'inline' }, choice!), place);
}
