import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { named, orderRows, type Sizes } from '../../infra/move-in/test-shop.ts';
import { verifyPassword } from '../../lib/accounts/customers/passwords.ts';
import type { Sql } from '../../lib/platform/sql.ts';
import { findOrder, listOrders, readTimeline } from '../../lib/shop/orders/read.sql.ts';
import { poolOptions } from '../support/handlers.ts';
import { asMigrator, moveInto } from '../support/move-in.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';

let folder: string;
let files: string;
let database: TestDatabase;
let owner: Sql;
const run = moveInto(() => database);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'move-in-'));
  files = join(folder, 'shop');
  database = await createDatabase();
  owner = asMigrator(database);
  expect(await run('test-shop', files, '--products', '40', '--customers', '30', '--orders', '600')).toMatchObject({
    code: 0,
  });
  expect((await run('load', files)).out.slice(-5)).toEqual([
    'products: 44 rows, 43 added, 0 changed, 0 as before, 1 rejected',
    'customers: 32 rows, 30 added, 0 changed, 0 as before, 2 rejected',
    'coupons: 5 rows, 2 added, 0 changed, 0 as before, 3 rejected',
    'orders: 603 rows, 600 added, 0 changed, 0 as before, 3 rejected',
    `See ${join(`${files}-report`, 'rejected.ndjson')} for the rows that were rejected.`,
  ]);
});

afterAll(async () => {
  await owner?.end();
  await database?.drop();
  await rm(folder, { recursive: true, force: true });
});

test('the rows that do not fit are named with their reasons, and assessed before with the same', async () => {
  const rejected = (await readFile(join(`${files}-report`, 'rejected.ndjson'), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(rejected.map(({ kind, row, reason }) => `${kind} ${row} ${reason}`)).toEqual([
    'products 44 has no price',
    'customers 31 repeats customer-1@old-shop.example, which row 1 has',
    'customers 32 has an e-mail address that is not valid',
    'coupons 3 is used up',
    'coupons 4 is only for some orders (minimum_amount), which coupons here cannot be',
    'coupons 5 has ended',
    expect.stringMatching(
      /^orders 601 has a total of 9999900, and its lines and shipping add up to \d+ \(minor units\)$/,
    ),
    'orders 602 has the status "pending", which is none of a past order',
    'orders 603 is of customer 129, who is not here',
  ]);
  expect(JSON.stringify(rejected)).not.toContain('user_pass');
  expect((await run('assess', files)).out).toContain('orders: 603 rows, 2 of them do not fit');
  const report = JSON.parse(await readFile(join(`${files}-report`, 'assessment.json'), 'utf8'));
  expect(report.currencies.map(({ currency }: { currency: string }) => currency)).toEqual(['EUR', 'USD']);
  expect(report.orphans.map(({ what }: { what: string }) => what)).toContain(
    'orders of customers that are not there, which will not fit',
  );
  expect(report.emails).toEqual({ customers: 30, guests: 66, withPassword: 30 });
  expect(await readFile(join(`${files}-report`, 'assessment.html'), 'utf8')).toContain(
    '<strong>8 rows will not fit.</strong>',
  );
});

test('products have their categories and stock, whose ledger adds up; variants have their product', async () => {
  const [thing] = await owner`
    select p.price_amount, p.description, c.name as category, l.on_hand,
      (select sum(m.quantity)::integer from stock.movements m where m.product_id = p.id) as ledger
    from catalog.products p join catalog.categories c on c.id = p.category_id join stock.levels l on l.product_id = p.id
    where p.sku = 'OLD-5'`;
  expect(thing).toEqual({
    priceAmount: 5125,
    description: 'Thing 5, made & tested.',
    category: 'Garden',
    onHand: 5,
    ledger: 5,
  });
  const [shirt] = await owner`
    select parent.price_amount, jsonb_agg(v.option_values order by v.sku) as options from catalog.products parent
    join catalog.products v on v.parent_id = parent.id where parent.sku = 'OLD-SHIRT' group by parent.id`;
  expect(shirt).toEqual({ priceAmount: 1990, options: [{ Size: 'M' }, { Size: 'S' }] });
});

test('customers keep their old passwords, of every kind', async () => {
  const stored = async (n: number) =>
    (
      await owner`select password_hash, confirmed_at from customers.customers where email = ${`customer-${n}@old-shop.example`}`
    )[0]!;
  for (const n of [3, 10]) {
    const { passwordHash, confirmedAt } = await stored(n);
    expect(confirmedAt).not.toBeNull();
    expect(await verifyPassword(`old password ${n}`, passwordHash)).toBe(true);
    expect(await verifyPassword(`old password ${n + 1}`, passwordHash)).toBe(false);
  }
});

test('past orders are read, listed and reported, and nothing else follows from them', async () => {
  const sql = database.connect('orders_api', { ...poolOptions, max: 1 }) as unknown as Sql;
  try {
    const [{ customerId }] =
      (await owner`select id as customer_id from customers.customers where email = 'customer-3@old-shop.example'`) as [
        { customerId: string },
      ];
    const list = await listOrders(sql, { customerId, status: undefined, before: undefined, limit: 100 });
    expect(list.map(({ createdAt }) => createdAt)).toEqual(
      list
        .map(({ createdAt }) => createdAt)
        .toSorted()
        .reverse(),
    );
    const one = await findOrder(sql, { orderId: list.find(({ number }) => number === 'WC-1032')!.id, customerId });
    expect(one).toMatchObject({
      status: 'confirmed',
      fulfilmentStatus: 'delivered',
      archived: true,
      payment: null,
      lines: [{ sku: 'OLD-33', quantity: 3 }],
    });
    expect(await readTimeline(sql, { orderId: one!.id, customerId })).toHaveLength(2);
  } finally {
    await sql.end();
  }
  const [sums] = await owner`
    select (select count(*)::integer from reporting.orders) as reported, (select count(*)::integer from orders.orders) as live,
      (select count(*)::integer from payments.payments) as payments, (select count(*)::integer from customers.mails) as mails,
      (select count(*)::integer from outbox.events where type !~ '^(product|stock)[.]') as events,
      (select count(*)::integer from stock.movements where kind <> 'adjustment') as movements`;
  expect(sums).toEqual({ reported: 600, live: 0, payments: 0, mails: 0, events: 0, movements: 0 });
  // Net to the cent in every month: what was sold in it, and what was given back in it.
  const net = await owner`
    select currency, month, sum(amount)::integer as net from (
      select currency, to_char(confirmed_at at time zone 'UTC', 'YYYY-MM') as month, total as amount from reporting.orders
      where confirmed_at is not null
      union all
      select currency, to_char(refunded_at at time zone 'UTC', 'YYYY-MM'), -amount from reporting.refunds
    ) s group by 1, 2`;
  const reported = new Map(net.map((row) => [`${row.currency} ${row.month}`, row.net as number]));
  expect(reported).toEqual(netOf({ products: 40, customers: 30, orders: 600 }));
  // What went back whole is known by line, and customers have it off.
  const [lines] = await owner`
    select count(*)::integer as rows, sum(l.amount)::integer < sum(r.amount)::integer as less from reporting.refunds r
    join reporting.refund_lines l on l.refund_id = r.refund_id`;
  expect(lines).toEqual({ rows: 20, less: true });
  const [customers] = await owner`
    select sum(refunds)::integer as refunds, (select sum(amount)::integer from reporting.refunds) as given,
      (select sum(refunded)::integer from archive.order_keys) as keys
    from reporting.customer_summary`;
  expect(customers).toMatchObject({ refunds: customers!.given, keys: customers!.given });
  const [old] = await owner`select id from archive.order_keys where number = 'WC-1032'`;
  expect((await owner`select archive.unarchive_order(${old!.id}, now()) as done`)[0]).toEqual({ done: false });
});

test('a load that is repeated changes nothing, and follows what changed in the files', async () => {
  const again = await run('load', files);
  expect(again.out.filter((line) => !line.startsWith('·')).slice(0, 4)).toEqual([
    'products: 44 rows, 0 added, 0 changed, 43 as before, 1 rejected',
    'customers: 32 rows, 0 added, 0 changed, 30 as before, 2 rejected',
    'coupons: 5 rows, 0 added, 0 changed, 2 as before, 3 rejected',
    'orders: 603 rows, 0 added, 0 changed, 600 as before, 3 rejected',
  ]);
  await edit('products.csv', (text) =>
    text.replace('Thing 8', 'Thing eight').replace(/^(9,.*?),9,0\.25/m, '$1,90,0.25'),
  );
  await edit('orders.csv', (text) =>
    text
      .replace(/^(1007,1007,[^,]*),completed/m, '$1,cancelled')
      .replace(/^(1008,.*),$/m, '$1,id:8|date:2024-07-08 09:10:11|amount:2.00|reason:Late'),
  );
  await edit('customers.csv', (text) => text.replace('8 Work Lane', '88 Work Lane'));
  await edit('coupons.csv', (text) => text.replace(',100,1,40,', ',100,1,41,'));
  const delta = await run('load', files);
  expect(delta.out.filter((line) => !line.startsWith('·')).slice(0, 4)).toEqual([
    'products: 44 rows, 0 added, 2 changed, 41 as before, 1 rejected',
    'customers: 32 rows, 0 added, 1 changed, 29 as before, 2 rejected',
    'coupons: 5 rows, 0 added, 1 changed, 1 as before, 3 rejected',
    'orders: 603 rows, 0 added, 2 changed, 598 as before, 3 rejected',
  ]);
  expect(await owner`select refunded::integer from archive.order_keys where number = 'WC-1008'`).toEqual([
    { refunded: 200 },
  ]);
  // Another default to ship to; the billing address stays.
  const kept = await owner`
    select address ->> 'line1' as line, default_shipping as ships, default_billing as bills from customers.addresses
    where customer_id = (select id from customers.customers where email = 'customer-8@old-shop.example') order by 1`;
  expect(kept.map((row) => ({ ...row }))).toEqual([
    { line: '8 Main Street', ships: false, bills: true },
    { line: '88 Work Lane', ships: true, bills: false },
  ]);
  expect(await owner`select status from archive.order_keys where number = 'WC-1007'`).toEqual([
    { status: 'cancelled' },
  ]);
  expect(
    await owner`select l.on_hand from stock.levels l join catalog.products p on p.id = l.product_id where p.sku = 'OLD-9'`,
  ).toEqual([{ onHand: 90 }]);
});

test('verify finds a missing row, a wrong sum and a changed price, and nothing else', async () => {
  expect(await run('verify', files)).toEqual({
    code: 0,
    out: ['43 products, 30 customers, 3 coupons, 600 orders compared, 0 differences.'],
    err: [],
  });
  const before = new Set<string>();
  const finds = async (plant: () => PromiseLike<unknown>, found: RegExp) => {
    await plant();
    const { code, err } = await run('verify', files);
    expect({ code, err: err.filter((line) => !before.has(line)) }).toEqual({
      code: 1,
      err: expect.arrayContaining([expect.stringMatching(found)]),
    });
    for (const line of err) before.add(line);
  };
  await finds(() => owner`delete from archive.order_keys where number = 'WC-1100'`, /^orders 1100: is missing$/);
  await finds(
    () => owner`
      update archive.pages p set documents = jsonb_set(p.documents, array[k.id::text, 'order', 'total'], '1')
      from archive.order_keys k where k.page_id = p.id and k.number = 'WC-1200'`,
    /^orders (EUR|USD) \d{4}-\d\d: has \d+ orders of \d+ and not \d+ of \d+/,
  );
  await finds(
    () => owner`
      update archive.pages p set documents = jsonb_set(p.documents, array[k.id::text, 'refunds', '0', 'amount'], '1')
      from archive.order_keys k where k.page_id = p.id and k.number = 'WC-1008'`,
    /^orders EUR 2024-07: has \d+ refunds of \d+ and not \d+ of \d+ \(minor units\)$/,
  );
  await finds(
    () => owner`delete from customers.addresses where address ->> 'line1' = '12 Work Lane'`,
    /^customers 12: keeps 1 addresses that are not the 2 of the file$/,
  );
  await finds(
    () => owner`update catalog.products set price_amount = 1 where sku = 'OLD-12'`,
    /^products 12: has price .*"amount":1,?.* and not/,
  );
  await finds(
    () => owner`delete from stock.levels where product_id = (select id from catalog.products where sku = 'OLD-13')`,
    /^products 13: has 0 in stock and not 13$/,
  );
});

test('other files are read by a mapping, and bad input is refused in one sentence', async () => {
  const other = join(folder, 'other');
  await run('test-shop', other);
  await rm(other, { recursive: true });
  expect((await run('assess', other)).err[0]).toMatch(/has none of products, customers, coupons and orders/);
  const own = await mkdtemp(join(folder, 'own-'));
  await writeFile(
    join(own, 'customers.ndjson'),
    '{"nr":7,"mail":"Ada@Example.com","since":"2020-02-03","who":{"first":"Ada"}}\nnothing\n',
  );
  const mapping = join(folder, 'mapping.json');
  await writeFile(
    mapping,
    JSON.stringify({
      source: 'own',
      customers: { id: 'nr', email: 'mail', registered: 'since', firstName: 'who.first' },
    }),
  );
  expect((await run('load', own, '--mapping', mapping)).out).toContain(
    'customers: 2 rows, 1 added, 0 changed, 0 as before, 1 rejected',
  );
  await writeFile(mapping, '{"source":"own","customers":{"mail":"x"}}');
  expect((await run('load', own, '--mapping', mapping)).err[0]).toMatch(/is not valid\. customers: /);
  await writeFile(mapping, '{"prefix":"CF"}');
  expect((await run('load', own, '--mapping', mapping)).err[0]).toMatch(
    /The prefix CF is that of the numbers of new orders/,
  );
  await appendFile(join(own, 'customers.csv'), 'x');
  expect((await run('load', own)).err[0]).toMatch(/has customers twice/);
  expect((await run('lift', own)).code).toBe(2);
});

/** By currency and month, what the files say was sold less what was given back. */
function netOf(sizes: Sizes): Map<string, number> {
  const sums = new Map<string, number>();
  const add = (currency: string, at: string, amount: number) => {
    const month = `${currency} ${at.slice(0, 7)}`;
    sums.set(month, (sums.get(month) ?? 0) + amount);
  };
  const cents = (text: string) => Math.round(Number(text) * 100);
  for (const row of [...orderRows(sizes)].slice(0, sizes.orders).map((values) => named('orders', values))) {
    if (row.status !== 'failed') add(row.order_currency!, row.date!, cents(row.order_total!));
    const [, at, amount] = /date:([^|]*)\|amount:([^|]*)/.exec(row.refunds!) ?? [];
    if (amount !== undefined) add(row.order_currency!, at!, -cents(amount));
  }
  return sums;
}

async function edit(name: string, change: (text: string) => string): Promise<void> {
  const before = await readFile(join(files, name), 'utf8');
  const after = change(before);
  expect(after).not.toBe(before);
  await writeFile(join(files, name), after);
}
