import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { Sql } from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openWarehouse } from '../../infra/warehouse/open.ts';
import { reportCohorts } from '../../lib/analytics/cohorts.ts';
import { columnsOf, namesOf } from '../../lib/analytics/files/columns.ts';
import { toCsv } from '../../lib/analytics/files/csv.ts';
import type { Warehouse } from '../../lib/analytics/history.ts';
import type { PartsDeps } from '../../lib/analytics/parts.ts';
import type { Reads } from '../../lib/analytics/read.ts';
import { reportCustomers, reportMargin, reportProducts, reportSales } from '../../lib/analytics/reports.ts';
import { groupings, salesRow } from '../../lib/contract/api/reports.ts';
import type { TestDatabase } from '../support/postgres.ts';
import { poolOptions } from '../support/saga.ts';
import { ids } from '../support/shop-of-100k.ts';
import { load, readManifest } from '../support/warehouse.ts';
import { createYearOfSales, zones } from '../support/year-of-sales.ts';

let database: TestDatabase;
let admin: Sql;
let analyst: Sql;
let reporting: Sql;
let root: string;
let warehouse: ReturnType<typeof openWarehouse>;

beforeAll(async () => {
  database = await createYearOfSales();
  [admin, analyst] = [database.connect('rdsadmin', { max: 2 }), database.connect('analyst', { max: 2 })];
  reporting = database.connect('reporting', poolOptions);
  for (let n = 0; n < 10; n++) await admin`select archive.move_orders('2029-01-01', '2029-01-01', 40)`;
  root = await mkdtemp(join(tmpdir(), 'warehouse-'));
  await load(analyst, root);
  warehouse = openWarehouse(root);
});
afterAll(async () => {
  warehouse.close();
  await Promise.all([admin, analyst, reporting].map((sql) => sql.end()));
  await database.drop();
  await rm(root, { recursive: true });
});

const reads: Reads = (work) => reporting.begin('read only', work) as never;
const depsWith = (history: Warehouse | null): PartsDeps => ({
  databases: { reader: undefined, writer: reads },
  clock: { now: () => Date.now() },
  meter: { count: () => {}, flush: () => {} },
  sleep: async () => {},
  warehouse: history,
});
/** As if the warehouse were complete until another moment. */
const until = (completeUntil: string): Warehouse => ({
  ...warehouse,
  newest: async () => ({ ...(await warehouse.newest())!, completeUntil }),
});
const year = { from: '2025-11-01', to: '2026-12-15', zone: 'UTC' };
const [minuteMs, hourMs, dayMs] = [60_000, 3600_000, 24 * 3600_000];

test('history and today have the sums of one query over all orders, at any boundary, in any zone and grouping', async () => {
  const moment = { min: Date.parse('2025-11-14'), max: Date.parse('2026-12-10') };
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...zones),
      fc.constantFrom(...groupings),
      fc.constantFrom(undefined, 'EUR', 'JPY', 'KWD'),
      fc.tuple(fc.integer(moment), fc.integer(moment)),
      fc.integer(moment),
      fc.boolean(),
      async (zone, groupBy, currency, days, boundary, midnight) => {
        const [from, to] = days.toSorted((a, b) => a - b).map((day) => new Date(day).toISOString().slice(0, 10));
        const period = { from: from!, to: from === to ? '2026-12-31' : to!, zone };
        const end = new Date(midnight ? boundary - (boundary % dayMs) : boundary).toISOString();
        for (const report of [reportSales, reportMargin]) {
          const whole = await report(period, { groupBy, currency }, depsWith(null));
          const merged = await report(period, { groupBy, currency }, depsWith(until(end)));
          expect(merged.data).toEqual(whole.data);
          // The parts follow each other, and are the period.
          const edges = merged.parts.flatMap((part) => [part.from, part.to]);
          expect([edges[0], edges.at(-1)]).toEqual([whole.parts[0]!.from, whole.parts[0]!.to]);
          if (merged.parts.length === 2) expect([edges[1], edges[2]]).toEqual([end, end]);
        }
        const ranked = { by: 'refunds', order: 'best', currency, limit: 1000 } as const;
        const [whole, merged] = await Promise.all(
          [null, until(end)].map((history) => reportProducts(period, ranked, depsWith(history))),
        );
        expect(merged!.data).toEqual(whole!.data);
      },
    ),
    {
      numRuns: 25,
      examples: [
        // The clocks change at this midnight, and the boundary is in the hour that comes twice or not at all.
        ['America/Havana', 'day', undefined, [moment.min, moment.max], Date.parse('2026-11-01T04:30Z'), false],
        ['America/Havana', 'day', undefined, [moment.min, moment.max], Date.parse('2026-03-08T05:00Z'), false],
        ['Africa/Cairo', 'day', 'EUR', [moment.min, moment.max], Date.parse('2026-04-23T22:00Z'), false],
        // Its days begin at half hours, the boundary at none; and here they begin to.
        ['Asia/Kolkata', 'day', undefined, [moment.min, moment.max], Date.parse('2026-11-30'), true],
        ['Australia/Lord_Howe', 'day', 'EUR', [moment.min, moment.max], Date.parse('2026-10-04'), true],
        ['UTC', 'month', undefined, [moment.min, moment.max], Date.parse('2026-06-15'), true],
        ['UTC', 'month', undefined, [moment.min, moment.max], Date.parse('2026-06-15T09:00Z'), false],
        ['UTC', 'product', undefined, [moment.min, moment.max], Date.parse('2026-06-15T09:00Z'), false],
        ['UTC', 'week', undefined, [moment.min, moment.max], Date.parse('2026-06-15T12:00Z'), false],
      ],
    },
  );
});

test('yen and dinars are whole numbers of their smallest unit, each by itself, with margins that the lines add up to', async () => {
  const lines = await admin<{ currency: string; units: number; revenue: number; cost: number }[]>`
    select o.currency, sum(l.quantity)::int as units, sum(l.quantity * l.unit_cost)::int as cost,
      sum(l.total - l.discount - case when o.tax_included then l.tax else 0 end)::int as revenue
    from (
      select id, currency, tax_included, confirmed_at from orders.orders
      union all
      select o.id, o.currency, o.tax_included, o.confirmed_at
      from archive.documents d, jsonb_populate_record(null::orders.orders, d.document -> 'order') o
    ) o join (
      select order_id, quantity, unit_cost, total, discount, tax from orders.lines
      union all
      select l.order_id, l.quantity, l.unit_cost, l.total, l.discount, l.tax
      from archive.documents d, jsonb_populate_recordset(null::orders.lines, d.document -> 'lines') l
    ) l on l.order_id = o.id
    where o.confirmed_at is not null group by 1 order by 1`;
  expect(lines.map(({ currency }) => currency)).toEqual(['EUR', 'JPY', 'KWD', 'USD']);
  const period = { from: '2025-11-01', to: '2031-01-01', zone: 'Asia/Kuwait' };
  const query = { groupBy: 'country', currency: undefined } as const;
  const merged = depsWith(until('2026-06-17T09:00:00.000Z'));
  const margin = await reportMargin(period, query, merged);
  expect(margin.parts.map(({ source }) => source)).toEqual(['warehouse', 'writer']);
  for (const { currency, units, revenue, cost } of lines) {
    const rows = margin.data.filter((row) => row.currency === currency);
    const sum = (name: 'units' | 'revenue' | 'cost' | 'margin') => rows.reduce((all, row) => all + row[name], 0);
    expect([sum('units'), sum('revenue'), sum('cost'), sum('margin')], currency).toEqual([
      units,
      revenue,
      cost,
      revenue - cost,
    ]);
  }
  const { data } = await reportSales(period, { ...query, currency: 'KWD' }, merged);
  const csv = toCsv(namesOf(columnsOf(salesRow)), data)
    .trim()
    .split('\r\n')
    .slice(1);
  expect(csv.length).toBeGreaterThan(2);
  for (const [n, { key, sales }] of data.entries())
    expect(csv[n]).toMatch(new RegExp(`^${key ?? ''},KWD,(\\d+,)*${sales},`));
});

test('what came back is known by product, as far as refunds name lines', async () => {
  const [row] = await admin`
    with by_order as (
      select r.order_id, sum(r.amount) as refunds, (select sum(l.amount) from reporting.refund_lines l where l.order_id = r.order_id) as named,
        bool_or(r.refund_id is null) as whole, count(*) as parts
      from reporting.refunds r group by 1
    )
    select count(*) filter (where whole and parts = 1 and named = refunds)::int as whole,
      count(*) filter (where whole and parts = 2 and named = refunds)::int as "wholeAfterLine",
      count(*) filter (where whole and parts = 2 and named between refunds - 32 and refunds - 30)::int as "wholeAfterAmount",
      count(*) filter (where not whole and named = 30)::int as line, count(*) filter (where not whole and named is null)::int as amount,
      count(*)::int as all from by_order`;
  const { all, ...kinds } = row!;
  expect(Object.values(kinds).reduce((sum: number, n) => sum + n, 0)).toBe(all);
  for (const [kind, n] of Object.entries(kinds)) expect(n, kind).toBeGreaterThan(0);
  const { data } = await reportProducts(
    year,
    { by: 'refunds', order: 'best', currency: 'EUR', limit: 3 },
    depsWith(warehouse),
  );
  expect(data[0]!.refunds).toBeGreaterThanOrEqual(data[1]!.refunds);
  expect(data[0]!.returnedUnits).toBeGreaterThan(0);
});

test('cohorts are the same from either source, at any boundary between them, and count each customer who came back', async () => {
  const deps = (history: Warehouse | null) => ({
    ...depsWith(history),
    clock: { now: () => Date.parse('2026-11-29T12:00Z') },
  });
  const moment = { min: Date.parse('2025-11-14'), max: Date.parse('2026-12-10') };
  const months = { from: '2025-11-01', to: '2026-12-01' };
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...zones), fc.integer(moment), async (zone, boundary) => {
      const whole = await reportCohorts({ ...months, zone }, deps(null));
      const merged = await reportCohorts({ ...months, zone }, deps(until(new Date(boundary).toISOString())));
      expect(merged.data).toEqual(whole.data);
    }),
    { numRuns: 12 },
  );
  // Cohorts of this month alone need all of the history.
  const [some, all] = await Promise.all(
    [until('2026-11-01T00:00:00.000Z'), null].map((history) =>
      reportCohorts({ from: '2026-11-01', to: '2026-12-01', zone: 'UTC' }, deps(history)),
    ),
  );
  expect(some!.data).toEqual(all!.data);
  expect(some!.parts.map(({ source }) => source)).toEqual(['warehouse', 'writer']);
  const fromDatabase = await reportCohorts({ ...months, zone: 'Europe/Berlin' }, deps(null));

  const rows = await admin`
    select customer_id as customer, to_char(confirmed_at at time zone 'Europe/Berlin', 'YYYY-MM') as month
    from reporting.orders where confirmed_at is not null and customer_id is not null order by confirmed_at`;
  const first = new Map<string, string>();
  for (const { customer, month } of rows) if (!first.has(customer)) first.set(customer, month);
  expect(new Set(fromDatabase.data.map(({ cohort }) => cohort)).size).toBeGreaterThan(2);
  for (const { cohort, month, customers, orders, retentionPercent } of fromDatabase.data) {
    const mine = rows.filter((row) => row.month === month && first.get(row.customer) === cohort);
    expect([orders, customers]).toEqual([mine.length, new Set(mine.map(({ customer }) => customer)).size]);
    const size = [...first.values()].filter((each) => each === cohort).length;
    expect(retentionPercent).toBe(Math.round((customers * 1000) / size) / 10);
  }
});

test('customers are listed by what they bought, without their names', async () => {
  const all = await reportCustomers({ by: 'sales', currency: 'EUR', limit: 100 }, depsWith(null));
  const sales = all.data.map((row) => row.sales);
  expect(sales).toEqual(sales.toSorted((a, b) => b - a));
  expect(all.data[0]).toMatchObject({ name: 'C…', email: 'c…@example.com', currency: 'EUR', suspended: false });
  const last = all.data.map(({ lastOrderAt }) => lastOrderAt.getTime()).toSorted((a, b) => a - b);
  const inactiveDays = Math.floor((Date.now() - last[2]!) / dayMs) + 1;
  const gone = await reportCustomers({ by: 'lastOrder', currency: 'EUR', inactiveDays, limit: 100 }, depsWith(null));
  expect(gone.data.length).toBe(last.filter((at) => at < Date.now() - inactiveDays * dayMs).length);
  const premium = await reportCustomers({ by: 'orders', segment: 'premium', limit: 100 }, depsWith(null));
  expect(premium.data.every(({ segment }) => segment === 'premium')).toBe(true);
});

test('lists by amounts have the first of each currency first, and compare none with another', async () => {
  const ofProducts = { order: 'best', limit: 8 } as const;
  const currencies = ['EUR', 'JPY', 'KWD', 'USD'];
  for (const by of ['sales', 'refunds'] as const) {
    const { data } = await reportProducts(year, { ...ofProducts, by, currency: undefined }, depsWith(warehouse));
    expect(data.map(({ currency }) => currency)).toEqual([...currencies, ...currencies]);
    for (const currency of currencies) {
      const alone = await reportProducts(year, { ...ofProducts, by, currency }, depsWith(warehouse));
      expect(data.filter((row) => row.currency === currency)).toEqual(alone.data.slice(0, 2));
    }
  }
  const { data } = await reportCustomers({ by: 'sales', limit: 8 }, depsWith(null));
  expect(data.map(({ currency }) => currency)).toEqual([...currencies, ...currencies]);
  const { data: dollars } = await reportCustomers({ by: 'sales', currency: 'USD', limit: 2 }, depsWith(null));
  expect(data.filter(({ currency }) => currency === 'USD')).toEqual(dollars);
  // Counts are the same in every currency.
  const units = await reportProducts(year, { ...ofProducts, by: 'units', currency: undefined }, depsWith(warehouse));
  expect(units.data.map((row) => row.units)).toEqual(units.data.map((row) => row.units).toSorted((a, b) => b - a));
});

test('each part says where it comes from and how old it is', async () => {
  const { asOf } = await readManifest(root);
  const answer = await reportSales(
    year,
    { groupBy: 'month', currency: undefined },
    depsWith(until('2026-06-01T00:00:00.000Z')),
  );
  expect(answer).toMatchObject({
    history: 'used',
    stale: false,
    parts: [
      { source: 'warehouse', from: '2025-11-01T00:00:00.000Z', to: '2026-06-01T00:00:00.000Z' },
      { source: 'writer', from: '2026-06-01T00:00:00.000Z', lagSeconds: 0 },
    ],
  });
  expect(Math.abs(Date.parse(answer.parts[0]!.asOf) - Date.parse(asOf))).toBeLessThan(1500);
  expect(answer.asOf).toBe(answer.parts[0]!.asOf);
});

test('what was never loaded, or loaded from another database, comes from the database alone, and the answer says so', async () => {
  const never: Warehouse = { ...warehouse, newest: async () => undefined };
  const other: Warehouse = { ...warehouse, newest: async () => ({ ...(await warehouse.newest())!, epoch: 'other/1' }) };
  const query = { groupBy: 'day', currency: undefined } as const;
  for (const [history, use] of [
    [null, 'no-warehouse'],
    [never, 'never-loaded'],
    [other, 'other-database'],
    [until('2025-10-01T00:00:00.000Z'), 'not-needed'],
  ] as const) {
    const answer = await reportSales(year, query, depsWith(history));
    expect(answer).toMatchObject({ history: use, parts: [{ source: 'writer' }] });
  }
});

test('an order of yesterday that commits after the load is in the answer once', async () => {
  const root = await mkdtemp(join(tmpdir(), 'warehouse-'));
  const history = openWarehouse(root);
  const [written, end] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const to = new Date(Date.now() + 2 * dayMs).toISOString().slice(0, 10);
  const sold = async (from: Warehouse | null) => {
    const period = { from: '2025-12-01', to, zone: 'UTC' };
    const { data } = await reportSales(period, { groupBy: 'day', currency: undefined }, depsWith(from));
    return data.reduce((sum, { orders }) => sum + orders, 0);
  };
  try {
    const before = await sold(null);
    const yesterday = new Date(Date.now() - dayMs).toISOString();
    const open = admin.begin(async (sql) => {
      await sql`
        set local session_replication_role = 'replica'`;
      await sql`
        insert into orders.orders select n.* from orders.orders o,
          jsonb_populate_record(o, jsonb_build_object('id', ${ids.order(5_000_000)}::text, 'number', 'CF-LATE',
            'confirmed_at', ${yesterday}::text, 'created_at', ${yesterday}::text, 'updated_at', ${yesterday}::text)) n
        where o.id = (select min(id) from orders.orders where status = 'confirmed')`;
      await sql`
        insert into orders.lines (order_id, position, product_id, sku, name, quantity, unit_price, total)
        select id, 1, ${ids.product(1)}, 'S', 'N', 1, subtotal, subtotal from orders.orders where number = 'CF-LATE'`;
      await sql`update orders.lines l set discount = o.discount_amount from orders.orders o where o.id = l.order_id and number = 'CF-LATE'`;
      written.resolve();
      await end.promise;
    });
    await Promise.race([written.promise, open]);
    // Whatever was open while it loaded may be of any day.
    expect((await load(analyst, root, { patienceMs: 300 })).manifest.completeUntil).toBeNull();
    end.resolve();
    await open;
    expect([await sold(history), await sold(null)]).toEqual([before + 1, before + 1]);

    const { manifest } = await load(analyst, root);
    // A function may write for two minutes after the moment that its row has.
    const complete = Date.parse(manifest.completeUntil!);
    const age = Date.parse(manifest.asOf) - complete;
    expect(complete % hourMs).toBe(0);
    expect(age).toBeGreaterThanOrEqual(2 * minuteMs);
    expect(age).toBeLessThan(hourMs + 5 * minuteMs);
    expect([await sold(history), await sold(null)]).toEqual([before + 1, before + 1]);
  } finally {
    end.resolve();
    history.close();
    await rm(root, { recursive: true });
  }
});

test('a missing file of a table that no report reads keeps no history back', async () => {
  const { manifest } = await load(analyst, root, { full: true });
  await rm(join(root, manifest.tables.fact_stock![manifest.asOf.slice(0, 7)]!.path));
  const query = { groupBy: 'country', currency: undefined } as const;
  await expect(reportSales(year, query, depsWith(warehouse))).resolves.toMatchObject({ history: 'used' });
  await load(analyst, root, { full: true });
});

test('a file that is missing or damaged is named, and its history refused', async () => {
  const manifest = (await load(analyst, root, { full: true })).manifest;
  const { path } = manifest.tables.sales_summary!['2026-03']!;
  const query = { groupBy: 'country', currency: undefined } as const;
  await expect(reportSales(year, query, depsWith(warehouse))).resolves.toMatchObject({ history: 'used' });
  await truncate(join(root, path), 100);
  const refused = { code: 'history-broken', status: 503, message: expect.stringContaining(path) };
  await expect(reportSales(year, query, depsWith(warehouse))).rejects.toMatchObject(refused);
  await rm(join(root, path));
  await expect(reportSales(year, query, depsWith(warehouse))).rejects.toMatchObject(refused);
  const tomorrow = new Date(Date.parse(manifest.completeUntil!) + dayMs).toISOString().slice(0, 10);
  const today = { from: tomorrow, to: '2040-01-01', zone: 'UTC' };
  expect(await reportSales(today, query, depsWith(warehouse))).toMatchObject({ history: 'not-needed' });

  await load(analyst, root, { full: true });
  expect(await reportSales(year, query, depsWith(warehouse))).toMatchObject({ history: 'used' });
  await writeFile(join(root, 'manifests', '99999999.json'), '{"half');
  await expect(reportSales(year, query, depsWith(warehouse))).rejects.toMatchObject({
    code: 'history-broken',
    message: expect.stringContaining('manifests/99999999.json'),
  });
});
