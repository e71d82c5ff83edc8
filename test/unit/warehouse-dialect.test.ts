import { expect, test } from 'vitest';
import { ofState } from '../../lib/analytics/warehouse/athena.gateway.ts';
import { cohortsOf } from '../../lib/analytics/warehouse/cohorts.sql.ts';
import { columnNames, tableNames } from '../../lib/analytics/warehouse/model.ts';
import { marginOf, productsOf, salesOf } from '../../lib/analytics/warehouse/sales.sql.ts';
import type { Statement } from '../../lib/analytics/warehouse/statement.ts';
import { groupings } from '../../lib/contract/api/reports.ts';

/** What statements may call and say: DuckDB and Athena (Trino) take all of it, and mean the same. */
const functions = ['cast', 'coalesce', 'count', 'date_trunc', 'min', 'sum', 'substr'];
const words = new Set(
  `select from where group by having order limit with as on join left using union all and or not in is null case when then else end
   distinct at time zone over desc asc nulls last date timestamp varchar bigint integer`.split(/\s+/),
);
const names = new Set([
  ...tableNames,
  ...tableNames.flatMap((table) => columnNames(table)),
  ...['month', 'state', 'e', 'discounts', 'cohorts', 'counterfoil'],
]);

/** What of a statement is not known to be understood by both engines. */
function strangersIn({ text }: Statement): string[] {
  // Texts and quoted names are the same to both.
  const bare = text.replaceAll(/'[^']*'/g, ' ').replaceAll(/"[^"]*"/g, ' ');
  const called = [...bare.matchAll(/\b([a-z_]+)\(/g)].map(([, name]) => name!);
  const said = [...bare.matchAll(/[a-z_][a-z_0-9]*/gi)].map(([word]) => word);
  const signs = [...bare.matchAll(/[^\sa-z_0-9(),.<>=*+?-]+/gi)].map(([sign]) => sign);
  return [
    ...called.filter((name) => !functions.includes(name) && !words.has(name) && !names.has(name)),
    ...said.filter((word) => !words.has(word) && !names.has(word) && !functions.includes(word)),
    ...signs,
  ];
}

/** Words that Athena takes for no name, of those that DuckDB does. */
const reserved = new Set(
  `alter and as between by case cast constraint create cross cube deallocate delete describe distinct drop else end escape except
   execute exists extract false for from full group grouping having in inner insert intersect into is join left like listagg natural
   normalize not null on or order outer prepare recursive right rollup select skip table then trim true uescape union unnest using
   values when where with`.split(/\s+/),
);

test('no column has a name that Athena takes for a word of its own', () => {
  expect(tableNames.flatMap((table) => columnNames(table)).filter((name) => reserved.has(name))).toEqual([]);
});

const moment = (text: string) => new Date(text);
const stretches = [
  { begins: moment('2025-11-01T00:00Z'), ends: moment('2026-11-30T00:00Z') },
  { begins: moment('2025-10-31T18:30Z'), ends: moment('2026-11-29T18:37:12.345Z') },
  { begins: moment('1960-01-01T00:00Z'), ends: moment('1961-01-01T00:00Z') },
];
const statements = stretches.flatMap((stretch) => [
  ...groupings.flatMap((groupBy) =>
    ['UTC', 'Asia/Kolkata'].flatMap((zone) => {
      const query = { stretch, zone, groupBy, currency: 'EUR' };
      return [salesOf(query, 10), marginOf({ ...query, currency: undefined }, 10)];
    }),
  ),
  productsOf({ stretch, currency: undefined }),
  cohortsOf({ stretch, firstCohort: '2025-01', zone: 'America/Havana' }),
]);

test('statements say nothing that DuckDB or Athena alone understands', () => {
  expect(statements.length).toBeGreaterThan(100);
  for (const one of statements) {
    expect(strangersIn(one), one.text).toEqual([]);
    expect(one.text.match(/\?/g)?.length ?? 0).toBe(one.parameters.length);
    // Athena takes no parameter for a zone.
    expect(one.text).not.toMatch(/time zone \?/);
  }
});

test.each([
  ['select total::double from fact_orders', ['double', '::']],
  ["select * from read_parquet('x')", ['read_parquet', 'read_parquet']],
  ['select order_id from fact_orders group by all qualify total > 1', ['qualify']],
  ['select arg_max(country, confirmed_at) from fact_orders', ['arg_max', 'arg_max']],
  ["select order_id from fact_orders where country ilike 'd%'", ['ilike']],
])('a word of one engine is found: %s', (text, strangers) => {
  expect(strangersIn({ text, parameters: [] })).toEqual(strangers);
});

test('a report of a year reads no facts, but for the ends of days in another zone', () => {
  const [year, kolkata] = stretches as [(typeof stretches)[0], (typeof stretches)[0]];
  const facts = (stretch: (typeof stretches)[0], zone: string) =>
    groupings.filter((groupBy) => salesOf({ stretch, zone, groupBy, currency: undefined }, 10).text.includes('fact_'));
  expect(facts(year, 'UTC')).toEqual([]);
  expect(facts({ ...kolkata, ends: moment('2026-11-29T18:30Z') }, 'Asia/Kolkata')).toEqual(
    groupings.filter((groupBy) => !['day', 'week', 'month'].includes(groupBy)),
  );
});

test('a zone cannot end the text that it is in', () => {
  const query = { stretch: stretches[1]!, groupBy: 'day', currency: undefined } as const;
  expect(() => salesOf({ ...query, zone: "UTC' or '" }, 10)).toThrow(RangeError);
});

test('a state is put in front of a statement, also of one that begins with names of its own', () => {
  expect(ofState('select date from dim_date', 'counterfoil', '7')).toMatch(
    /^with dim_date as \(select date, year, .* from "counterfoil"\.dim_date where state = '7'\) select date from dim_date$/,
  );
  expect(ofState(' with a as (select 1 from dim_date) select * from a', 'c', 'newest')).toMatch(
    /^with dim_date as \(.*state = 'newest'\), a as \(select 1 from dim_date\) select \* from a$/,
  );
});
