import { Problem } from '../contract/api/problems.ts';
import type { Grouping, MarginRow, SalesRow } from '../contract/api/reports.ts';
import type { Clock } from '../kernel/clock.ts';
import { idAt } from '../kernel/ids.ts';
import { type CustomersQuery, readCustomer, readCustomers, readFeeds } from './customers.sql.ts';
import { readLive } from './live.sql.ts';
import { readMargin } from './margin.sql.ts';
import { ageOfParts, answerOf, mostRowsOf, openHistory, type PartsDeps, partsOf, readParts } from './parts.ts';
import { dayIn, type Period } from './period.ts';
import { type ProductSales, readProducts } from './products.sql.ts';
import { type ReadDeps, readReport } from './read.ts';
import { readSales } from './sales.sql.ts';
import { readStock } from './stock.sql.ts';
import { marginOf, productsOf, salesOf } from './warehouse/sales.sql.ts';

/*
 * Each report reads from where its policy says, and answers with its age. All throw Problem report-too-large when the database
 * cuts them off, and reader-behind where their policy refuses old data.
 */

type Grouped = { groupBy: Grouping; currency: string | undefined };

/** What was sold and given back in a period, by group and currency. */
export async function reportSales(
  period: Period,
  query: Grouped,
  deps: PartsDeps,
  policy: 'sales' | 'books' = 'sales',
) {
  const most = mostRowsOf(deps);
  const { history, parts } = await readParts(policy, period, deps, {
    database: (sql, stretch) => readSales(sql, { ...query, stretch, zone: period.zone }, most + 1),
    warehouse: (stretch) => salesOf({ ...query, stretch, zone: period.zone }, most + 1),
  });
  return { history, ...answerOf<SalesRow>(parts, salesAmounts, most) };
}

export const salesAmounts = [
  'orders',
  'units',
  'gross',
  'discounts',
  'shipping',
  'tax',
  'sales',
  'refunds',
  'net',
] as const satisfies (keyof SalesRow)[];

/** What was earned in a period, by group and currency, with costs as they were at the sale. */
export async function reportMargin(period: Period, query: Grouped, deps: PartsDeps) {
  const most = mostRowsOf(deps);
  const { history, parts } = await readParts('margin', period, deps, {
    database: (sql, stretch) => readMargin(sql, { ...query, stretch, zone: period.zone }, most + 1),
    warehouse: (stretch) => marginOf({ ...query, stretch, zone: period.zone }, most + 1),
  });
  const { data, ...answer } = answerOf<MarginRow>(parts, marginAmounts, most);
  return { history, ...answer, data: data.map((row) => ({ ...row, marginPercent: percent(row.margin, row.revenue) })) };
}

const marginAmounts = [
  'units',
  'revenue',
  'cost',
  'margin',
  'unitsWithoutCost',
  'revenueWithoutCost',
] as const satisfies (keyof MarginRow)[];

/** With one decimal; null of nothing. */
const percent = (part: number, whole: number): number | null =>
  whole === 0 ? null : Math.round((part * 1000) / whole) / 10;

type Ranked = {
  by: 'sales' | 'units' | 'refunds';
  order: 'best' | 'worst';
  currency: string | undefined;
  limit: number;
};

/** The products that sold best or worst in a period. Each currency has its own row. */
export async function reportProducts(period: Period, query: Ranked, deps: PartsDeps) {
  const known = await openHistory(deps);
  const { data, age } = await readReport('products', deps, async (sql) => {
    const cut = await known.cut(sql, period);
    // Both parts are ranked together, with the products as they are now.
    const history =
      cut.history === undefined ? [] : await cut.ask<ProductSales>(productsOf({ ...query, stretch: cut.history }));
    return { cut, rows: await readProducts(sql, { ...query, stretch: cut.database, history }) };
  });
  const { source } = age;
  return { source, history: data.cut.use, ...ageOfParts(partsOf(data.cut, age)), data: data.rows };
}

/** A customer with what they bought in each currency. @throws Problem not-found */
export async function reportCustomer(customerId: string, deps: ReadDeps) {
  const { data, age } = await readReport('customers', deps, (sql) => readCustomer(sql, customerId));
  if (data === undefined) throw new Problem('not-found', 'There is no such customer.');
  const purchases = data.purchases.map((row) => ({ ...row, average: Math.round(row.sales / row.orders) }));
  const { profile, contact, entries, feeds } = data;
  return { ...profile, ...contact, entries, sources: agesOf(feeds, deps.clock), ...ageOf(age), data: purchases };
}

type Listed = Omit<CustomersQuery, 'lastBefore'> & { inactiveDays?: number | undefined };

/** Customers who bought something, by what they bought or when. */
export async function reportCustomers({ inactiveDays, ...query }: Listed, deps: ReadDeps) {
  const lastBefore = inactiveDays === undefined ? undefined : new Date(deps.clock.now() - inactiveDays * dayMs);
  const { data, age } = await readReport('customers', deps, async (sql) => ({
    rows: await readCustomers(sql, { ...query, lastBefore }),
    feeds: await readFeeds(sql),
  }));
  return {
    sources: agesOf(data.feeds, deps.clock),
    ...ageOf(age),
    data: data.rows.map((row) => ({ ...row, average: Math.round(row.sales / row.orders) })),
  };
}

/** How old what each feed said is, by the shop's clock. */
const agesOf = (feeds: Awaited<ReturnType<typeof readFeeds>>, clock: Clock) =>
  feeds.map((feed) => ({
    ...feed,
    ageSeconds: Math.max(0, Math.round((clock.now() - feed.receivedAt.getTime()) / 1000)),
  }));

const dayMs = 24 * 3600 * 1000;

/** How fast the stock sells and how long it lasts, by the sales of so many days until now. */
export async function reportStock({ days, limit }: { days: number; limit: number }, deps: ReadDeps) {
  const since = deps.clock.now() - days * dayMs;
  const query = { days, limit, begins: new Date(since), firstMovement: idAt('movement', since) };
  const { data, age } = await readReport('stock', deps, (sql) => readStock(sql, query));
  return { ...ageOf(age), days, data };
}

/** How the shop is doing now. Today is a day of the zone. */
export async function reportLive(zone: string, deps: ReadDeps) {
  const now = deps.clock.now();
  const hourAgo = now - 3600 * 1000;
  const query = { hourAgo: new Date(hourAgo), firstOrder: idAt('order', hourAgo), day: dayIn(zone, now), zone };
  const { data, age } = await readReport('live', deps, (sql) => readLive(sql, query));
  return { ...data, ...ageOf(age), zone };
}

const ageOf = ({
  source,
  asOf,
  lagSeconds,
  stale,
}: {
  source: 'reader' | 'writer';
  asOf: string;
  lagSeconds: number;
  stale: boolean;
}) => ({
  source,
  asOf,
  lagSeconds,
  stale,
});
