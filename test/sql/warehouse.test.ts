import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Sql } from 'postgres';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { diskStore } from '../../infra/warehouse/disk-store.ts';
import { queryState } from '../../infra/warehouse/open.ts';
import { addFile, publish } from '../../lib/analytics/warehouse/files.ts';
import * as whole from '../../lib/analytics/warehouse/load.ts';
import { columnNames } from '../../lib/analytics/warehouse/model.ts';
import { readRows, toParquet } from '../../lib/analytics/warehouse/parquet.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { fillShop, ids } from '../support/shop-of-100k.ts';
import { check, depsOf, load, readManifest } from '../support/warehouse.ts';

let database: TestDatabase;
let admin: Sql;
let analyst: Sql;
let root: string;

beforeAll(async () => {
  database = await createDatabase();
  await fillShop(database, { customers: 20, products: 20, orders: 600 });
  [admin, analyst] = [database.connect('rdsadmin', { max: 1 }), database.connect('analyst', { max: 2 })];
  await admin.unsafe(`
    set session_replication_role = 'replica';
    update orders.lines set unit_cost = 60, brand = 'Brown' where position = 1;
    update orders.orders o set shipping_address = '{"country": "DE"}', created_at = at, confirmed_at = at, updated_at = at
      from (select id, timestamptz '2026-01-15Z' + row_number() over (order by id) % 10 * interval '1 month' as at from orders.orders) m
      where m.id = o.id and confirmed_at is not null;
    update payments.refunds r set created_at = o.updated_at, updated_at = o.updated_at from orders.orders o where o.id = r.order_id;
    update payments.payments p set refunded_at = o.updated_at from orders.orders o where o.id = p.order_id and p.status = 'refunded';`);
});
afterAll(async () => {
  await Promise.all([admin.end(), analyst.end()]);
  await database.drop();
});
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'warehouse-'));
});
afterEach(() => rm(root, { recursive: true }));

const query = async (statement: string, asOf?: Date) => (await queryState(root, asOf, statement)).rows;
/** Loads until nothing before is of a transaction that others of this server still hold open. */
const loadSettled = async () => {
  const [row] = await admin`select pg_current_xact_id()::text as last`;
  let loaded = await load(analyst, root);
  while (BigInt(loaded.manifest.watermark) <= BigInt(row!.last)) loaded = await load(analyst, root);
  return loaded;
};
const anOrder = async (): Promise<string> =>
  (
    await admin`select id from orders.orders where status = 'confirmed' and confirmed_at is not null order by id limit 1`
  )[0]!.id;

test('a full load adds up to what the tables say, and the summary to the facts', async () => {
  const { manifest } = await load(analyst, root);
  const [truth] = await admin`
    select count(*) as orders, sum(total) as sales, sum(shipping_amount) as shipping from orders.orders where confirmed_at is not null`;
  const [lines] = await admin`
    select count(*) as lines, sum(revenue) as net, sum(revenue - quantity * unit_cost) as margin
    from reporting.order_lines where confirmed_at is not null`;
  const [refunded] = await admin`select coalesce(sum(amount), 0) as refunds from reporting.refunds`;
  const [facts] = await query(`
    select (select count(*) from fact_sales) as lines, (select sum(net) from fact_sales) as net,
      (select sum(margin) from fact_sales) as margin, (select coalesce(sum(amount), 0) from fact_refunds) as refunds`);
  const asText = (row: object) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, String(value)]));
  expect(asText(facts!)).toEqual({ ...asText(lines!), ...asText(refunded!) });
  const [days] = await query(
    'select sum(orders) as orders, sum(sales) as sales, sum(shipping) as shipping from daily_sales_summary',
  );
  expect(asText(days!)).toEqual(asText(truth!));
  expect(Math.abs(Date.parse(manifest.asOf) - Date.now())).toBeLessThan(10 * 60_000);
  expect(Number(truth!.orders)).toBeGreaterThan(400);
  expect(Object.keys(manifest.tables.fact_sales!).length).toBeGreaterThan(1);
  expect(await check(analyst, root, manifest)).toMatchObject({ findings: [], skipped: [] });
});

test('a late change rewrites its months alone, and a load without changes writes no new file', async () => {
  const first = await load(analyst, root);
  const files = async () =>
    (await readdir(join(root, 'data'), { recursive: true })).filter((name) => name.endsWith('.parquet'));
  const before = await files();
  const idle = await load(analyst, root);
  expect(idle.manifest.tables).toEqual(first.manifest.tables);
  expect(await files()).toEqual(before);

  const [order] = await admin`
    update orders.lines l set unit_cost = 61 from orders.orders o
    where o.id = l.order_id and l.position = 1 and o.id = ${await anOrder()} returning to_char(o.confirmed_at at time zone 'UTC', 'YYYY-MM') as month`;
  const late = await load(analyst, root);
  expect(late.months).toContain(order!.month);
  const changed = Object.keys(first.manifest.tables.fact_sales!).filter(
    (month) => first.manifest.tables.fact_sales![month]!.path !== late.manifest.tables.fact_sales![month]!.path,
  );
  expect(changed).toEqual([order!.month]);
  // The state before is still there.
  const costs = 'select sum(cost) as cost from fact_sales';
  const [[then], [now]] = [await query(costs, new Date(idle.manifest.asOf)), await query(costs)];
  expect(Number(now!.cost)).toBeGreaterThan(Number(then!.cost));
});

test('a backfill loads its months anew, whatever has changed, and no others', async () => {
  const { manifest } = await loadSettled();
  const [lost, kept] = Object.keys(manifest.tables.fact_sales!) as [string, string];
  const tables = Object.fromEntries(
    Object.entries(manifest.tables).map(([table, { [lost]: _, ...others }]) => [table, others]),
  );
  const hole = { ...manifest, number: manifest.number + 1, tables };
  await publish(diskStore(root), hole, manifest);
  // Nothing has changed in the database, so nothing tells a load of it.
  expect((await load(analyst, root)).manifest.tables.fact_sales).not.toHaveProperty(lost);
  expect((await load(analyst, root, { months: [kept] })).manifest.tables.fact_sales).not.toHaveProperty(lost);
  const filled = await load(analyst, root, { months: [lost] });
  expect(filled.months).toEqual([lost]);
  expect(filled.manifest.tables).toEqual(manifest.tables);
});

test('a sum in one currency does not stand in for one in another', async () => {
  const { manifest } = await loadSettled();
  const store = diskStore(root);
  const [month] = Object.keys(manifest.tables.fact_refunds!) as [string];
  const rows = await readRows(store, manifest.tables.fact_refunds![month], columnNames('fact_refunds'));
  const { amount } = rows[0]!;
  const file = await addFile(
    store,
    'fact_refunds',
    month,
    await toParquet('fact_refunds', [[{ ...rows[0], currency: 'JPY' }], rows.slice(1)]),
  );
  const tables = { ...manifest.tables, fact_refunds: { ...manifest.tables.fact_refunds, [month]: file! } };
  const { findings } = await check(analyst, root, { ...manifest, tables });
  expect(findings).toContain(`${month}: refunded in JPY are ${amount} here and 0 in the shop's tables`);
});

test('products keep what they were, and each sale has one version of its product', async () => {
  await load(analyst, root);
  await admin`update catalog.products set name = name || ' II' where id = ${ids.product(3)}`;
  const { manifest } = await load(analyst, root);
  const versions = await query(
    `select name, valid_from, valid_to from dim_product where product_id = '${ids.product(3)}' order by 2`,
  );
  const at = new Date(manifest.asOf);
  expect(versions).toMatchObject([
    { name: 'Product 3', valid_to: at },
    { name: 'Product 3 II', valid_from: at, valid_to: null },
  ]);
  const [joined] = await query(`
    select count(*) as joined, (select count(*) from fact_sales) as lines from fact_sales s join dim_product p
      on p.product_id = s.product_id and s.confirmed_at >= p.valid_from and (p.valid_to is null or s.confirmed_at < p.valid_to)`);
  expect(joined!.joined).toBe(joined!.lines);
});

test('customers keep what they were, and each sale has its buyer as they were then', async () => {
  const joined = `
    from fact_orders o left join dim_customer c on c.customer_key = o.customer_key
      and o.confirmed_at >= c.valid_from and (c.valid_to is null or o.confirmed_at < c.valid_to)
    where o.customer_key is not null`;
  const wrong = `select o.order_id ${joined} and (c.customer_key is null or o.segment <> c.segment or o.country <> c.country)`;
  const versions = async (n: number) => {
    const [row] =
      await admin`select id from orders.orders where customer_id = ${ids.customer(n)} and confirmed_at is not null limit 1`;
    return query(`
      select segment, country, valid_from, valid_to from dim_customer
      where customer_key = (select customer_key from fact_orders where order_id = '${row!.id}') order by valid_from`);
  };
  await load(analyst, root);
  const sales = await admin`
    update orders.orders o set confirmed_at = at, updated_at = at, segment = case when n % 5 < 2 then 'premium' else 'standard' end,
      shipping_address = case when n % 7 > 0 then jsonb_build_object('country', case when n % 3 = 0 then 'FR' else 'DE' end) end
    from (
      select id, row_number() over w as n, created_at + row_number() over w * interval '1 second' as at
      from orders.orders where confirmed_at is not null and customer_id = ${ids.customer(3)} window w as (order by created_at, id)
    ) r
    where o.id = r.id returning n::int, segment, shipping_address ->> 'country' as country`;
  expect(sales.length).toBeGreaterThan(7);
  // As the first load found them, before their first sale.
  const expected = ['standard DE'];
  let country = 'DE';
  for (const sale of sales.toSorted((a, b) => a.n - b.n)) {
    country = sale.country ?? country;
    const version = `${sale.segment} ${country}`;
    if (expected.at(-1) !== version) expected.push(version);
  }
  await load(analyst, root);
  const sold = await versions(3);
  const named = sold.map(({ segment, country }) => `${segment} ${country}`);
  // They are standard now, whatever they were at their last sale.
  expect(named).toEqual(expected.at(-1)!.startsWith('standard') ? expected : [...expected, `standard ${country}`]);
  expect(sold[0]!.valid_from).toEqual(new Date(0));
  for (const [n, { valid_to }] of sold.entries()) expect(valid_to).toEqual(sold[n + 1]?.valid_from ?? null);
  expect(await query(wrong)).toEqual([]);

  // What changes without a sale is found by a load, and stays when the next sale says otherwise.
  await admin`update customers.customers set premium = true where id = ${ids.customer(3)}`;
  const { manifest } = await load(analyst, root);
  expect((await versions(3)).slice(sold.length - 1)).toMatchObject([
    { segment: 'standard', valid_to: new Date(manifest.asOf) },
    { segment: 'premium', country, valid_from: new Date(manifest.asOf), valid_to: null },
  ]);
  await admin`update customers.customers set premium = false where id = ${ids.customer(3)}`;
  await load(analyst, root);
  await load(analyst, root, { full: true });
  expect(await versions(3)).toHaveLength(sold.length + 2);
  expect(await query(wrong)).toEqual([]);
  await admin`update orders.orders set segment = null, shipping_address = '{"country": "DE"}' where segment is not null`;
});

test('a country that is put right in an old month changes that sale alone: those of later months keep theirs', async () => {
  const [first] = await admin`
    select id, customer_id from orders.orders where confirmed_at is not null and customer_id = ${ids.customer(7)}
    order by confirmed_at, id limit 1`;
  // Alone in its month, of this customer.
  await admin`update orders.orders set created_at = created_at - interval '31 days', confirmed_at = confirmed_at - interval '31 days' where id = ${first!.id}`;
  await load(analyst, root);
  const shipTo = (country: string) =>
    admin`update orders.orders set shipping_address = ${JSON.stringify({ country })}::text::jsonb where id = ${first!.id}`;
  const wrong = `
    select o.order_id from fact_orders o join dim_customer c on c.customer_key = o.customer_key
      and o.confirmed_at >= c.valid_from and (c.valid_to is null or o.confirmed_at < c.valid_to) where o.country <> c.country`;
  const countries = `
    select distinct country from fact_orders
    where customer_key = (select customer_key from fact_orders where order_id = '${first!.id}') order by 1`;
  expect(await query(countries)).toEqual([{ country: 'DE' }]);
  await shipTo('FR');
  const { manifest, months } = await load(analyst, root);
  expect(months).toHaveLength(1);
  expect(await query(countries)).toEqual([{ country: 'DE' }, { country: 'FR' }]);
  expect(await query(wrong)).toEqual([]);
  expect(await check(analyst, root, manifest)).toMatchObject({ findings: [] });
  await shipTo('DE');
  await load(analyst, root);
  expect(await query(wrong)).toEqual([]);
  await admin`update orders.orders set created_at = created_at + interval '31 days', confirmed_at = confirmed_at + interval '31 days' where id = ${first!.id}`;
});

test('an erased customer leaves the warehouse, and the totals stay', async () => {
  await load(analyst, root);
  const ofCustomers =
    'select customer_key is null as erased, count(*) as orders, sum(total) as sales from fact_orders group by 1';
  const [before] = await query(ofCustomers);
  const [{ n } = { n: 0 }] = await admin`
    select count(*)::int as n from orders.orders where confirmed_at is not null and customer_id = ${ids.customer(5)}`;
  expect(n).toBeGreaterThan(3);
  const [order] = await admin`
    select id from orders.orders where confirmed_at is not null and customer_id = ${ids.customer(5)} limit 1`;
  const [found] = await query(`select customer_key as key from fact_orders where order_id = '${order!.id}'`);
  /** The tables in which anything names the customer. */
  const namedIn = async () => {
    const named: string[] = [];
    for (const table of Object.keys((await readManifest(root)).tables)) {
      const rows = await query(`select * from ${table}`);
      const marks = [found!.key as string, ids.customer(5), 'customer5@example.com', 'Customer 5'];
      if (rows.some((row) => marks.some((mark) => Object.values(row).some((value) => String(value).includes(mark)))))
        named.push(table);
    }
    return named.toSorted();
  };
  expect(await namedIn()).toEqual(['dim_customer', 'fact_orders', 'fact_sales']);
  await admin`update customers.customers set erased_at = now(), email = null, name = null, password_hash = null where id = ${ids.customer(5)}`;
  await load(analyst, root);
  expect(await namedIn()).toEqual([]);
  const after = await query(`${ofCustomers} order by 1`);
  expect(after[1]).toMatchObject({ erased: true, orders: BigInt(n) });
  expect(after.reduce((sum, { sales }) => sum + Number(sales), 0)).toBe(Number(before!.sales));
  expect(await query('select count(distinct customer_key) as n from dim_customer')).toEqual([{ n: 19n }]);
  await admin`update customers.customers set erased_at = null, email = 'customer5@example.com', name = 'Customer 5', password_hash = 'hash' where id = ${ids.customer(5)}`;
});

describe('a load is not published', () => {
  const refused = async (what: RegExp) => {
    const { number } = await readManifest(root);
    await expect(load(analyst, root)).rejects.toThrow(what);
    expect((await readManifest(root)).number).toBe(number);
  };

  test('when a line was deleted', async () => {
    await load(analyst, root);
    const order = await anOrder();
    const lines = await admin`select * from orders.lines where order_id = ${order}`;
    await admin`delete from orders.lines where order_id = ${order} and position = 1`;
    await admin`update orders.orders set version = version where id = ${order}`;
    await refused(new RegExp(`(has no lines|do not add up to the order): ${order}`));
    await admin`delete from orders.lines where order_id = ${order}`;
    await admin`insert into orders.lines ${admin(lines as never)}`;
    await load(analyst, root);
  });

  test('when an order was deleted, which a whole check finds in any month', async () => {
    const { manifest } = await loadSettled();
    const order = await anOrder();
    await admin.unsafe(`
      create temporary table kept as select * from orders.orders where id = '${order}';
      create temporary table kept_lines as select * from orders.lines where order_id = '${order}';
      delete from orders.lines where order_id = '${order}';
      delete from orders.orders where id = '${order}';`);
    try {
      const { findings } = await check(analyst, root, manifest);
      expect(findings.join('\n')).toContain(`order is not in the shop's tables: ${order}`);
      await admin`update orders.orders set version = version`;
      await refused(new RegExp(`order was in the load before and is gone: ${order}`));
    } finally {
      await admin.unsafe(
        'insert into orders.orders select * from kept; insert into orders.lines select * from kept_lines; drop table kept, kept_lines',
      );
    }
  });

  test('when the stock of a product is there twice, or is of no product', async () => {
    const { manifest } = await load(analyst, root);
    const strange = `prd_${'f'.repeat(32)}`;
    await admin.unsafe(`
      create temporary table view_of_stock as select pg_get_viewdef('reporting.stock'::regclass) as text;
      insert into stock.levels (product_id, on_hand, reserved, moved_at) values ('${strange}', 1, 0, now());
      create or replace view reporting.stock as
        with s as (select l.product_id, l.on_hand, l.reserved, l.on_hand - l.reserved as available, l.low_at, l.moved_at from stock.levels l)
        select * from s union all select * from s where product_id = '${ids.product(4)}'`);
    try {
      await refused(
        new RegExp(`stock of a product is there twice: ${ids.product(4)} on ${manifest.asOf.slice(0, 10)}`),
      );
      await refused(new RegExp(`product of the stock is not in dim_product: ${strange}`));
    } finally {
      const [view] = await admin`select text from view_of_stock`;
      await admin.unsafe(`create or replace view reporting.stock as ${view!.text}`);
      await admin`delete from stock.levels where product_id = ${strange}`;
    }
  });

  test('when an order is live and also in the archive', async () => {
    await load(analyst, root);
    const order = await anOrder();
    await admin.unsafe(`
      insert into archive.pages (month, orders, first_at, last_at, documents)
      select date_trunc('month', o.created_at)::date, 1, o.created_at, greatest(o.updated_at, o.confirmed_at), jsonb_build_object(o.id, jsonb_build_object('order', to_jsonb(o),
        'lines', (select jsonb_agg(l) from orders.lines l where l.order_id = o.id), 'payments', '[]'::jsonb, 'refunds', '[]'::jsonb))
      from orders.orders o where o.id = '${order}'`);
    await refused(new RegExp(`order is there twice: ${order}\\n(.*\\n)*.*line is there twice: ${order} line 1`));
    await admin`delete from archive.pages`;
  });
});

test('a load takes no data that are older than an hour, and waits for a reader that catches up', async () => {
  const [found] = await admin`select pg_get_functiondef('reporting.get_freshness()'::regprocedure) as text`;
  const behind = (seconds: number) =>
    admin.unsafe(`create or replace function reporting.get_freshness(out source text, out lag_ms bigint)
      language sql as $$ select 'reader', ${seconds * 1000} $$`);
  let pauses = 0;
  const impatient = (until = Number.POSITIVE_INFINITY) => ({
    ...depsOf(analyst, diskStore(root)),
    sleep: async () => {
      pauses += 1;
      if (pauses === until) await behind(3600);
    },
  });
  try {
    await behind(3601);
    await expect(whole.load(impatient())).rejects.toThrow(/reader is 3601 s behind/);
    await expect(readManifest(root)).rejects.toThrow();
    pauses = 0;
    const { manifest } = await whole.load(impatient(3));
    expect(Date.now() - Date.parse(manifest.asOf)).toBeGreaterThanOrEqual(3600_000);
  } finally {
    await admin.unsafe(found!.text);
  }
});

test('the archive changes nothing', async () => {
  const first = await load(analyst, root);
  for (let n = 0; n < 10; n++) await admin`select archive.move_orders('2029-01-01', '2029-01-01', 40)`;
  const [row] = await admin`select count(*)::int as archived from archive.order_keys`;
  expect(row!.archived).toBeGreaterThan(100);
  const second = await load(analyst, root);
  expect(second.months.length).toBeGreaterThan(1);
  expect(second.manifest.tables).toEqual(first.manifest.tables);
});

test('a load that was killed leaves the state before it, and the next one carries on', async () => {
  const first = await load(analyst, root);
  // What is there after a kill in the middle: a lease of a process that is gone, and a file of no manifest.
  const until = new Date(Date.now() + 600_000).toISOString();
  await writeFile(join(root, 'lease.json'), JSON.stringify({ host: hostname(), pid: 999999999, until }));
  await writeFile(join(root, 'data/dim_date/0123.parquet'), 'PAR1');
  expect((await readManifest(root)).number).toBe(1);
  const next = await load(analyst, root);
  expect(next.manifest.tables).toEqual(first.manifest.tables);
  // One that runs elsewhere is let be, until its time is over.
  await writeFile(join(root, 'lease.json'), JSON.stringify({ host: 'elsewhere', pid: 1, until }));
  await expect(load(analyst, root)).rejects.toThrow('Another load is running (process 1 of elsewhere).');
  await writeFile(join(root, 'lease.json'), JSON.stringify({ host: 'elsewhere', pid: 1, until: '2026-01-01T00:00Z' }));
  await load(analyst, root);
});

test('a missing or changed file is named', async () => {
  const { manifest } = await load(analyst, root);
  const { path, bytes } = Object.values(manifest.tables.fact_sales!)[0]!;
  const written = await readFile(join(root, path));
  // One bit, which the engine would read as another amount.
  written[bytes >> 1]! ^= 1;
  await writeFile(join(root, path), written);
  await expect(query('select sum(net) from fact_sales')).rejects.toThrow(`${path} is not what was written`);
  expect(await query('select count(*)::integer as n from dim_product')).toEqual([{ n: 20 }]);
  await expect(check(analyst, root, manifest)).rejects.toThrow(`${path} is not what was written`);
  await rm(join(root, path));
  await expect(load(analyst, root)).rejects.toThrow(`${path} is missing`);
  await load(analyst, root, { full: true });
  expect(await check(analyst, root, await readManifest(root))).toMatchObject({ findings: [] });
});

test('a statement reads no file but those of the warehouse', async () => {
  await load(analyst, root);
  await expect(query(`select * from read_text('/etc/hostname')`)).rejects.toThrow(/disabled/);
  await expect(query(`select * from read_blob('${join(root, 'key')}')`)).rejects.toThrow(/disabled/);
});

test('each day keeps its stock, and a full load does not forget it', async () => {
  const { manifest } = await load(analyst, root);
  const stock = `select date::varchar as date, count(*)::integer as products, sum(available)::integer as available
    from fact_stock group by 1 order by 1`;
  const [first] = await query(stock);
  expect(first).toMatchObject({ date: manifest.asOf.slice(0, 10), products: 20 });
  await admin`update stock.levels set on_hand = on_hand + 5 where product_id = ${ids.product(3)}`;
  const { manifest: now } = await load(analyst, root);
  expect(await query(stock)).toEqual([{ ...first, available: (first!.available as number) + 5 }]);

  // A month that nothing but the warehouse knows.
  const store = diskStore(root);
  const row = { date: '2026-01-31', product_id: ids.product(3), on_hand: 9, reserved: 2, available: 7 };
  const past = await addFile(store, 'fact_stock', '2026-01', await toParquet('fact_stock', [[row]]));
  const kept = { ...now.tables.fact_stock, '2026-01': past! };
  await publish(store, { ...now, number: now.number + 1, tables: { ...now.tables, fact_stock: kept } }, now);
  await load(analyst, root, { full: true });
  expect((await query(stock))[0]).toEqual({ date: '2026-01-31', products: 1, available: 7 });

  // What is damaged is given up by a full load alone.
  const { tables } = await readManifest(root);
  for (const file of [past!, tables.dim_product!.all!]) await writeFile(join(root, file.path), 'damaged');
  await expect(load(analyst, root)).rejects.toThrow('is not what was written');
  await load(analyst, root, { full: true });
  expect(await query(stock)).toHaveLength(1);
  expect(await query('select count(*)::integer as n from dim_product')).toEqual([{ n: 20 }]);
});
