import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import postgres, { type Sql } from 'postgres';
import { openWarehouse } from '../../infra/warehouse/open.ts';
import type { Warehouse } from '../../lib/analytics/history.ts';
import type { PartsDeps } from '../../lib/analytics/parts.ts';
import { reportMargin, reportProducts, reportSales } from '../../lib/analytics/reports.ts';
import type { Grouping } from '../../lib/contract/api/reports.ts';
import { load } from '../support/warehouse.ts';
import { median } from './numbers.ts';
import { openShop } from './shop.ts';

/** What is measured, one after the other. A run may go on from what an earlier one has kept. */
export const warehouseSteps = ['fill', 'load', 'summary', 'reports', 'changes'] as const;
export type WarehouseStep = (typeof warehouseSteps)[number];

/**
 * What reports and loads take in a large shop, as far as it was measured. Ratios are the middle of those of turns that follow each
 * other.
 */
export type WarehouseFigures = {
  orders: number;
  first?: {
    /** Rows of facts that a first load writes in a second. */
    rowsPerSecond: number;
    /** Of all files of a state, for an order. */
    bytesPerOrder: number;
  };
  /** A year's daily sales from the summary, of the same from the table of orders. */
  summaryRatio?: number;
  /** Reports in this shop, of those in one with 10,000 orders. */
  growth?: { report: string; ratio: number; p50Ms: number }[];
  /** A load after 10,000 orders of a day have changed, and one after nothing has. */
  loads?: { changedSeconds: number; idleSeconds: number };
};

export type WarehouseOptions = {
  orders: number;
  turns: number;
  steps: readonly WarehouseStep[];
  /** The folder in which filled shops stay. */
  keep: string | undefined;
  say: (line: string) => void;
};

const small = 10_000;
const changed = 10_000;

export async function measureWarehouse(options: WarehouseOptions): Promise<WarehouseFigures> {
  const { orders, turns, steps, say } = options;
  const shops: Filled[] = [];
  try {
    for (const size of [small, orders]) shops.push(await openFilled(size, options));
    const [little, large] = shops as [Filled, Filled];
    const figures: WarehouseFigures = { orders };
    if (large.first !== undefined) figures.first = firstLoad(large.first, orders);
    if (steps.includes('summary')) {
      say('adding up a year, from the summary and from the orders');
      figures.summaryRatio = await compareSums(large, turns);
    }
    if (steps.includes('reports')) {
      say('asking for reports of both shops, turn by turn');
      figures.growth = await compareReports(little, large, turns);
    }
    if (steps.includes('changes')) {
      say(`loading after ${changed} orders have changed`);
      figures.loads = await loadChanges(large);
    }
    return figures;
  } finally {
    for (const shop of shops) await shop.close();
  }
}

function firstLoad({ rows, milliseconds, manifest }: Awaited<ReturnType<typeof load>>, orders: number) {
  const files = Object.values(manifest.tables).flatMap((parts) => Object.values(parts));
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  return { rowsPerSecond: Math.round((rows * 1000) / milliseconds), bytesPerOrder: Math.round(bytes / orders) };
}

async function compareSums(shop: Filled, turns: number): Promise<number> {
  const ratios: number[] = [];
  const state = (await shop.warehouse.newest())!;
  await compareDays(shop);
  for (let turn = -2; turn < turns; turn++) {
    const summary = await timed(() => shop.warehouse.query(state, { text: ofSummary, parameters: [] }));
    const table = await timed(() => shop.admin.unsafe(ofOrders));
    if (turn >= 0) ratios.push(summary / table);
  }
  return median(ratios);
}

/** In each turn every report is asked for, so that what else the machine does for a while reaches all of them. */
async function compareReports(little: Filled, large: Filled, turns: number) {
  const times = Object.entries(reports).map(([report, ask]) => ({
    report,
    ask,
    ratios: [] as number[],
    ms: [] as number[],
  }));
  for (let turn = -3; turn < turns; turn++) {
    for (const { ask, ratios, ms } of times) {
      const few = await timed(() => ask(little.deps));
      const many = await timed(() => ask(large.deps));
      if (turn < 0) continue;
      ratios.push(many / few);
      ms.push(many);
    }
  }
  return times.map(({ report, ratios, ms }) => ({ report, ratio: median(ratios), p50Ms: median(ms) }));
}

async function loadChanges({ admin, analyst, root }: Filled) {
  const loads = { changed: [] as number[], idle: [] as number[] };
  for (let turn = 0; turn < 3; turn++) {
    await admin`
      update orders.orders set version = version + 1, updated_at = updated_at
      where id in (select id from orders.orders order by id desc limit ${changed})`;
    loads.changed.push((await load(analyst, root)).milliseconds / 1000);
    loads.idle.push((await load(analyst, root)).milliseconds / 1000);
  }
  return { changedSeconds: median(loads.changed), idleSeconds: median(loads.idle) };
}

export const ofSummary = 'select date, currency, orders, sales from daily_sales_summary';
export const ofOrders = `
  select (confirmed_at at time zone 'UTC')::date as date, currency, count(*) as orders, sum(total) as sales
  from orders.orders where confirmed_at is not null group by 1, 2`;

const sales =
  (groupBy: Grouping, zone = 'UTC') =>
  (deps: PartsDeps) =>
    reportSales({ ...yearUntil(deps), zone }, { groupBy, currency: undefined }, deps);
const bestProducts = (zone: string) => (deps: PartsDeps) =>
  reportProducts({ ...yearUntil(deps), zone }, { by: 'sales', order: 'best', currency: undefined, limit: 20 }, deps);
const yearUntil = ({ clock }: PartsDeps) => {
  const day = (ago: number) => new Date(clock.now() - ago * 24 * 3600_000).toISOString().slice(0, 10);
  return { from: day(360), to: day(-1), zone: 'UTC' };
};
export const reports: Record<string, (deps: PartsDeps) => Promise<unknown>> = {
  'sales by day': sales('day'),
  'sales by month': sales('month'),
  'sales by day in Berlin': sales('day', 'Europe/Berlin'),
  'sales by country': sales('country'),
  'sales by country in Berlin': sales('country', 'Europe/Berlin'),
  'sales by day in Kolkata': sales('day', 'Asia/Kolkata'),
  'sales by day on Lord Howe Island': sales('day', 'Australia/Lord_Howe'),
  'sales by country in Kolkata': sales('country', 'Asia/Kolkata'),
  'margin by day': (deps) => reportMargin(yearUntil(deps), { groupBy: 'day', currency: undefined }, deps),
  'best products': bestProducts('UTC'),
  'best products in Kolkata': bestProducts('Asia/Kolkata'),
};

type Day = { date: Date | string; currency: string; orders: number; sales: number };

/** Both say the same of every day: as clients that are connected get it, from files and tables that are in memory. */
export async function compareDays({ warehouse, admin }: Pick<Filled, 'warehouse' | 'admin'>): Promise<void> {
  const sorted = (days: readonly Day[]) =>
    days
      .map(({ date, currency, orders, sales }) =>
        JSON.stringify([new Date(date).toISOString(), currency, Number(orders), Number(sales)]),
      )
      .toSorted();
  const state = (await warehouse.newest())!;
  const summary = await warehouse.query<Day>(state, { text: ofSummary, parameters: [] });
  if (!isDeepStrictEqual(sorted(summary), sorted(await admin.unsafe<Day[]>(ofOrders))))
    throw new Error('The summary is not what the orders add up to.');
}

type Filled = Awaited<ReturnType<typeof openFilled>>;

/** A shop with so many orders in a year, the last of them now, and its warehouse. */
async function openFilled(orders: number, { steps, keep, say }: WarehouseOptions) {
  const directory = keep === undefined ? undefined : resolve(keep, String(orders));
  const shop = await openShop({ products: 0, customers: 0, directory });
  const path = shop.stack.inside.socketPath;
  const connect = (user: string, options = {}): Sql =>
    postgres({ path, user, database: 'counterfoil', max: 1, types: { bigint }, ...options });
  const [admin, analyst] = [connect('rdsadmin'), connect('analyst', patient)];
  const reporting = connect('reporting', { transform: postgres.camel });
  await shop.stack.inside.stopSchedule();
  const root = join(shop.directory, 'loaded');
  const warehouse = openWarehouse(root);
  const close = async () => {
    warehouse.close();
    await Promise.all([admin, analyst, reporting].map((sql) => sql.end({ timeout: 1 })));
    await shop.close();
  };
  try {
    const [there] = await admin`select exists (select from orders.orders) as filled`;
    if (!there!.filled && steps.includes('fill')) {
      say(`filling a shop with ${orders} orders`);
      await fill(admin, orders);
    }
    let first: Awaited<ReturnType<typeof load>> | undefined;
    if (steps.includes('load')) {
      say(`loading the warehouse of ${orders} orders`);
      await rm(root, { recursive: true, force: true });
      first = await load(analyst, root);
    }
    const deps: PartsDeps = {
      databases: { reader: undefined, writer: (work) => reporting.begin('read only', work) as never },
      clock: { now: () => Date.now() },
      meter: { count: () => {}, flush: () => {} },
      sleep: async () => {},
      warehouse: loadedBefore(warehouse, await lastSale(admin)),
    };
    return { admin, analyst, root, first, warehouse, deps, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function lastSale(admin: Sql): Promise<number> {
  const [row] = await admin`select max(confirmed_at) as at from orders.orders`;
  return (row!.at as Date | null)?.getTime() ?? 0;
}

/** As with a load each hour, at its oldest: one to two hours of sales are the database's. */
const loadedBefore = (warehouse: Warehouse, last: number): Warehouse => ({
  ...warehouse,
  newest: async () => {
    const state = await warehouse.newest();
    const completeUntil = new Date(Math.floor(last / hourMs - 1) * hourMs).toISOString();
    return state && { ...state, completeUntil };
  },
});
const hourMs = 3600_000;

/** As `npm run warehouse -- load`: a load writes a month between two statements. */
const patient = { connection: { idle_in_transaction_session_timeout: 300_000 } };
const bigint = { to: 20, from: [20], parse: Number, serialize: String };

export async function fill(admin: Sql, orders: number): Promise<void> {
  await admin.unsafe(`
    set session_replication_role = 'replica';
    set synchronous_commit = 'off';
    create function pg_temp.id(prefix text, n bigint) returns text language sql immutable return prefix || lpad(to_hex(n), 32, '0');
    insert into customers.customers (id, email, name, password_hash, premium, created_at, updated_at)
      select pg_temp.id('cus_', n), 'customer' || n || '@example.com', 'Customer ' || n, 'hash', n % 20 = 0, now(), now()
      from generate_series(1, 5000) n;
    insert into catalog.products (id, sku, name, price_amount, price_currency, active, created_at, updated_at)
      select pg_temp.id('prd_', n), 'SKU-' || n, 'Product ' || n, 100 + n, 'EUR', true, now(), now() from generate_series(1, 1000) n;
    create temporary table placed as
      select n, pg_temp.id('ord_', n) as id, now() - (${orders} - n) * interval '1 year' / ${orders} as at, 100 + n % 1000 as price
      from generate_series(1, ${orders}) n;
    insert into orders.orders (id, number, customer_id, status, currency, subtotal, discount_amount, total, payment_method, confirmed_at,
        shipping_address, application_id, segment, created_at, updated_at)
      select id, 'CF-' || n, pg_temp.id('cus_', 1 + n % 5000), 'confirmed', 'EUR', price, 0, price, 'pm_card_visa', at,
        jsonb_build_object('country', (array['DE', 'FR', 'AT'])[1 + (n % 5000 + (n % 23 = 0)::int) % 3]), 'app_shop', 'standard', at, at
      from placed;
    insert into orders.lines (order_id, position, product_id, sku, name, quantity, unit_price, total, unit_cost)
      select id, 1, pg_temp.id('prd_', 1 + n % 1000), 'SKU', 'Product', 1, price, price, 50 from placed;
    insert into payments.payments (id, order_id, provider, reference, status, amount, currency, captured_at)
      select pg_temp.id('pay_', n), id, 'simulated', 'ch_' || n, 'captured', price, 'EUR', at from placed;
    reset session_replication_role;`);
  await admin.unsafe('vacuum analyze');
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}
