import type { Values } from '../back-office/forms.ts';
import { card, quiet, type View } from '../back-office/parts.ts';
import { element } from '../web-shop/dom.ts';
import { ageCard, asOf } from './age.ts';
import { chart } from './chart.ts';
import { fileButtons } from './csv.ts';
import { browserZone, filterForm } from './filters.ts';
import { tilesOf } from './grouped.ts';
import { amount, keyNames } from './names.ts';
import { reportView } from './refusals.ts';
import type { CohortRow, CohortsQuery, Reports } from './reports.ts';
import { type Column, counts, figureTable } from './table.ts';

type Again = () => Promise<void>;

/** A cohort, with its months by how many they are after the first. */
export type Cohort = { cohort: string; size: number; months: readonly CohortRow[] };

/** What a cell of the table says. */
const figures = {
  retention: { title: 'Came back', of: (row: CohortRow) => row.retentionPercent, unit: ' %' },
  change: {
    title: 'Percentage points more than a year before',
    of: ({ retentionPercent, yearBeforePercent }: CohortRow) =>
      retentionPercent === null || yearBeforePercent === null
        ? null
        : Math.round((retentionPercent - yearBeforePercent) * 10) / 10,
    unit: '',
  },
  before: { title: 'Came back, a year before', of: (row: CohortRow) => row.yearBeforePercent, unit: ' %' },
  customers: { title: 'Customers', of: (row: CohortRow) => row.customers, unit: '' },
  orders: { title: 'Orders', of: (row: CohortRow) => row.orders, unit: '' },
} as const;
type Figure = keyof typeof figures;

/** The months of a report, each cohort with its own. */
export function cohortsOf(rows: readonly CohortRow[]): Cohort[] {
  const byCohort = Map.groupBy(rows, ({ cohort }) => cohort);
  return [...byCohort].map(([cohort, all]) => {
    const months = all.toSorted((a, b) => a.age - b.age);
    return { cohort, size: months[0]?.customers ?? 0, months };
  });
}

/** How many of all who could have come back so many months later did, in percent; null when nobody could. */
export function averageAt(cohorts: readonly Cohort[], age: number): number | null {
  const old = cohorts.filter(({ months }) => months[age] !== undefined);
  const size = old.reduce((sum, cohort) => sum + cohort.size, 0);
  if (size === 0) return null;
  const back = old.reduce((sum, { months }) => sum + months[age]!.customers, 0);
  return Math.round((back * 1000) / size) / 10;
}

/** How many customers of each month come back, and how that compares with the year before. */
export async function cohortsView(api: Reports, query: Values, again: Again): Promise<View> {
  const { months = '12', figure = 'retention', ages = '12', zone = browserZone() } = query;
  const request: CohortsQuery = {
    zone,
    ...(months === 'all' ? {} : { from: monthsBefore(api.today(zone), Number(months)) }),
  };
  const filter = filterForm(
    'cohorts',
    [
      {
        name: 'months',
        label: 'First orders of',
        value: months,
        options: [
          ['12', 'the last 12 months'],
          ['24', 'the last 24 months'],
          ['all', 'all the time'],
        ],
      },
      {
        name: 'figure',
        label: 'Show',
        value: figure,
        options: Object.entries(figures).map(([name, { title }]) => [name, title] as const),
      },
      {
        name: 'ages',
        label: 'Months after',
        value: ages,
        options: [
          ['12', '12'],
          ['24', '24'],
          ['120', 'all'],
        ],
      },
      {
        name: 'zone',
        label: 'Months of',
        value: zone,
        options: [...new Set([zone, browserZone(), 'UTC'])].map((name) => [name, name]),
      },
    ],
    api,
    again,
  );
  const of = { report: 'cohorts', query: request } as const;
  const show = async () => {
    const answer = await api.cohorts(request);
    const cohorts = cohortsOf(answer.data);
    const content =
      cohorts.length === 0
        ? [card('Nobody', quiet('Nobody bought for the first time in these months.'))]
        : [overview(cohorts), tableCard(cohorts, figure as Figure, Number(ages))];
    return { beside: [...asOf(answer), ...fileButtons(api, of)], content: [...content, ageCard(answer)] };
  };
  return reportView('Cohorts', [card('What to show', filter)], show(), again, of);
}

const monthsBefore = (day: string, months: number): string => {
  const date = new Date(`${day.slice(0, 7)}-01`);
  date.setUTCMonth(date.getUTCMonth() - months + 1);
  return date.toISOString().slice(0, 7);
};

const percent = (value: number | null): string => amount('percent', value, 'EUR');

/** All cohorts together: who came back after some months, and a chart of it. */
function overview(cohorts: readonly Cohort[]): HTMLElement {
  const oldest = Math.max(...cohorts.map(({ months }) => months.length));
  const tiles = [1, 3, 6, 12].map((age): [string, string] => [
    `Came back after ${age} ${age === 1 ? 'month' : 'months'}`,
    percent(averageAt(cohorts, age)),
  ]);
  const people = cohorts.reduce((sum, { size }) => sum + size, 0);
  const ages = Array.from({ length: Math.max(0, Math.min(oldest, 37) - 1) }, (_, n) => n + 1);
  const drawn = chart({
    title: 'Customers who came back, in percent, by months after their first order',
    labels: ages.map((age) => ({ full: `${age} ${age === 1 ? 'month' : 'months'} after`, short: String(age) })),
    values: ages.map((age) => averageAt(cohorts, age) ?? 0),
    format: percent,
    formatShort: percent,
  });
  return card(
    'All cohorts together',
    tilesOf([['Customers', people.toLocaleString()], ...tiles]),
    ...(ages.length === 0 ? [] : [drawn]),
  );
}

/** A row for each cohort, a column for each month after: the stronger the colour, the more came back. */
function tableCard(cohorts: readonly Cohort[], figure: Figure, mostAges: number): HTMLElement {
  const { title, of, unit } = figures[figure];
  const names = keyNames('month', new Map());
  const cell = ({ months }: Cohort, age: number): number | null => (months[age] === undefined ? null : of(months[age]));
  const oldest = Math.min(mostAges + 1, Math.max(...cohorts.map(({ months }) => months.length)));
  const later = cohorts.flatMap((cohort) => cohort.months.slice(1).map((_, n) => Math.abs(cell(cohort, n + 1) ?? 0)));
  const most = Math.max(1, ...later);
  const columns: Column<Cohort>[] = [
    { title: 'First order', value: ({ cohort }) => cohort, text: ({ cohort }) => names.full(cohort) },
    counts('Customers', ({ size }) => size),
    ...Array.from(
      { length: oldest },
      (_, age): Column<Cohort> => ({
        title: `+${age}`,
        value: (row) => cell(row, age),
        text: (row) => {
          const value = cell(row, age);
          if (value === null) return row.months[age] === undefined ? '' : '–';
          const made = element(
            'span',
            { className: value < 0 ? 'heat less' : 'heat' },
            `${value.toLocaleString()}${unit}`,
          );
          made.style.setProperty('--heat', `${Math.round(Math.min(1, Math.abs(value) / most) * 35)}%`);
          return made;
        },
      }),
    ),
  ];
  return card(
    title,
    figureTable(`${title}, by month of the first order and months after it`, columns, cohorts.toReversed()),
    quiet('+1 is the month after that of the first order. The present month is not over.'),
  );
}
