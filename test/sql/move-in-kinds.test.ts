import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { verifyPassword } from '../../lib/accounts/customers/passwords.ts';
import type { Sql } from '../../lib/platform/sql.ts';
import { asMigrator, moveInto } from '../support/move-in.ts';
import { createDatabase, type TestDatabase, testPostgres } from '../support/postgres.ts';

let folder: string;
let database: TestDatabase;
let owner: Sql;
const run = moveInto(() => database);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'move-in-kinds-'));
  database = await createDatabase();
  owner = asMigrator(database);
});
afterAll(async () => {
  await owner?.end();
  await database?.drop();
  await rm(folder, { recursive: true, force: true });
});

const sizes = ['--products', '12', '--customers', '12', '--orders', '120'];
const last = (lines: string[], n: number) => lines.filter((line) => !line.startsWith('·')).slice(-n);

test('a Shopify shop moves in: rows of a thing become one, its taxes and discounts find their lines, coupons keep what is left', async () => {
  const shop = join(folder, 'shopify');
  await run('test-shop', shop, '--kind', 'shopify', ...sizes);
  const { out } = await run('load', shop, '--mapping', 'shopify');
  expect(last(out, 5).slice(0, 4)).toEqual([
    'products: 18 rows, 18 added, 0 changed, 0 as before, 0 rejected',
    'customers: 13 rows, 12 added, 0 changed, 0 as before, 1 rejected',
    'coupons: 3 rows, 2 added, 0 changed, 0 as before, 1 rejected',
    'orders: 122 rows, 120 added, 0 changed, 0 as before, 2 rejected',
  ]);
  expect(await run('verify', shop, '--mapping', 'shopify')).toMatchObject({
    code: 0,
    out: ['18 products, 12 customers, 2 coupons, 120 orders compared, 0 differences.'],
  });
  // Customers without a hash follow the files, too, and are compared.
  await edit(shop, 'customers.csv', (text) => text.replace('3 Main Street', '33 Main Street'));
  const { err } = await run('verify', shop, '--mapping', 'shopify');
  expect(err).toEqual([
    'customers 7000003: has another address',
    'customers 7000003: keeps 1 addresses that are not the 1 of the file',
  ]);
  expect((await run('load', shop, '--mapping', 'shopify')).out).toContain(
    'customers: 13 rows, 0 added, 1 changed, 11 as before, 1 rejected',
  );
  // An export says how much was given back, and neither when nor for what: all of it is known by line.
  const refunds = await owner`
    select o.number, r.amount::integer, (r.refunded_at = o.changed_at) as dated, count(l.order_id)::integer as lines
    from reporting.refunds r join reporting.orders o on o.order_id = r.order_id
      left join reporting.refund_lines l on l.refund_id = r.refund_id
    where o.number in ('SH-1050', 'SH-1060') group by 1, 2, 3 order by 1`;
  expect(refunds.map((row) => ({ ...row }))).toEqual([
    { number: 'SH-1050', amount: 333, dated: true, lines: 0 },
    { number: 'SH-1060', amount: expect.any(Number), dated: true, lines: 1 },
  ]);
  const variants = await owner`
    select v.sku, v.option_values from catalog.products p join catalog.products v on v.parent_id = p.id
    where p.sku = 'SH-thing-4' order by 1`;
  expect(variants.map((row) => ({ ...row }))).toEqual([
    { sku: 'OLD-4-0', optionValues: { Size: 'S', Colour: 'red' } },
    { sku: 'OLD-4-1', optionValues: { Size: 'M, wide', Colour: 'red' } },
  ]);
  const orders = await owner`
    select k.number, d.value -> 'order' as order, d.value -> 'lines' as lines
    from archive.order_keys k join archive.pages p on p.id = k.page_id, jsonb_each(p.documents) d
    where d.key = k.id::text and k.number in ('SH-1010', 'SH-1015', 'SH-1041')`;
  type Document = { order: Record<string, number>; lines: Record<string, number>[] };
  const of = (number: string) => orders.find((one) => one.number === number) as unknown as Document;
  // Prices have the tax in them, and a tenth off goods.
  expect(of('SH-1010').order).toMatchObject({ tax_included: true, discount_reason: 'coupon', shipping_amount: 490 });
  // Free shipping by a code.
  expect(of('SH-1015').order).toMatchObject({ shipping_amount: 0, tax_included: false, discount_amount: 0 });
  const { order, lines } = of('SH-1041');
  const sum = (name: string) => lines.reduce((all, line) => all + line[name]!, 0);
  expect(lines).toHaveLength(3);
  expect(order.total).toBe(sum('total') + 490 + order.tax_amount!);
  expect(sum('tax') + order.shipping_tax!).toBe(order.tax_amount);
  expect(await owner`select usage_limit, used from pricing.coupons where code = 'TENNER'`).toEqual([
    { usageLimit: 30, used: 0 },
  ]);
});

test('a Medusa shop moves in with its hashes of scrypt, and a coupon that was used up since does not follow', async () => {
  const shop = join(folder, 'medusa');
  await run('test-shop', shop, '--kind', 'medusa', ...sizes);
  // The SKUs, addresses and coupons of the other shop are there already.
  const products = (await readFile(join(shop, 'products.csv'), 'utf8')).replaceAll('OLD-', 'MED-');
  await writeFile(join(shop, 'products.csv'), products);
  for (const name of ['customers', 'orders']) await edit(shop, name, (text) => text.replaceAll('old-shop', 'medusa'));
  await edit(shop, 'coupons', (text) => text.replaceAll('SPRING', 'SUMMER'));
  const { out } = await run('load', shop, '--mapping', 'medusa');
  expect(last(out, 5).slice(0, 4)).toEqual([
    'products: 18 rows, 18 added, 0 changed, 0 as before, 0 rejected',
    'customers: 13 rows, 12 added, 0 changed, 0 as before, 1 rejected',
    'coupons: 3 rows, 1 added, 0 changed, 0 as before, 2 rejected',
    'orders: 122 rows, 120 added, 0 changed, 0 as before, 2 rejected',
  ]);
  const [customer] = await owner`
    select password_hash, address from customers.customers where email = 'customer-3@medusa.example'`;
  expect(customer!.address).toMatchObject({ line1: '3 Main Street', country: 'DE' });
  const addresses = await owner`
    select a.address ->> 'line1' as line, a.default_shipping as ships, a.default_billing as bills
    from customers.addresses a join customers.customers c on c.id = a.customer_id
    where c.email = 'customer-4@medusa.example' order by 1`;
  expect(addresses.map((row) => ({ ...row }))).toEqual([
    { line: '4 Main Street', ships: false, bills: true },
    { line: '4 Work Lane', ships: true, bills: false },
    { line: 'Old Lane', ships: false, bills: false },
  ]);
  expect(await verifyPassword('old password 3', customer!.passwordHash)).toBe(true);
  expect(await verifyPassword('old password 4', customer!.passwordHash)).toBe(false);
  expect(
    await owner`
      select o.number, r.amount::integer, r.reason, r.refunded_at from reporting.refunds r
      join reporting.orders o on o.order_id = r.order_id where o.number like 'MD-%' order by 1`,
  ).toMatchObject([
    { number: 'MD-100', amount: 333, reason: 'Scratched', refundedAt: new Date('2021-12-01T12:00:00Z') },
    { number: 'MD-50', amount: 333 },
  ]);
  const rejected = await readFile(join(`${shop}-report`, 'rejected.ndjson'), 'utf8');
  expect(rejected).toContain('has the code TENNER, which stands for something else here');
  await edit(shop, 'coupons', (text) =>
    text.replace('"type":"percentage","value":15', '"type":"percentage","value":25'),
  );
  const { err } = await run('verify', shop, '--mapping', 'medusa');
  expect(err).toEqual(['coupons SUMMER: stands for something else', 'coupons TENNER: stands for something else']);
});

test('a mapping is drafted for a shop that nobody has described, and most of it fits', async () => {
  const shop = join(folder, 'own shop');
  await mkdir(shop);
  const customers = ['Kundennr;EMail;Vorname;Nachname;created_on;Strasse;PLZ;Ort;Land'];
  const orders = ['bestellnr;order_number;Order Status;Waehrung;order_date;Kundennummer;Grand Total;items'];
  for (let n = 1; n <= 30; n++) {
    customers.push(`${n};kunde${n}@own.example;Eva;Brandt;2022-01-0${1 + (n % 9)};Weg ${n};10115;Berlin;DE`);
    const items = JSON.stringify([{ article_number: `A-${n}`, title: 'Ding', qty: 2, unit_price: '5.00' }]);
    const status = ['shipped', 'cancelled', 'open', 'payment failed'][n % 4];
    orders.push(
      `${n};${900 + n};${status};CHF;2023-04-05 10:00:0${n % 10};${n};10.00;"${items.replaceAll('"', '""')}"`,
    );
  }
  await writeFile(join(shop, 'customers.csv'), customers.join('\n'));
  await writeFile(join(shop, 'orders.csv'), orders.join('\n'));
  await writeFile(
    join(shop, 'products.ndjson'),
    '{"nr":"A-1","Bezeichnung":"Ding","Preis":"5.00","Bestand":7,"x":1}\n',
  );
  const { out } = await run('map', shop);
  expect(out).toEqual(
    expect.arrayContaining([
      'customers.email: EMail',
      'orders.date: order_date',
      'Statuses of orders that are not past, or not known: open',
      'Not used of products: x',
    ]),
  );
  const mapping = join(`${shop}-report`, 'mapping.json');
  expect(JSON.parse(await readFile(mapping, 'utf8'))).toMatchObject({
    source: 'own-shop',
    products: { id: 'nr', name: 'Bezeichnung', price: 'Preis', stock: 'Bestand' },
    customers: { id: 'Kundennr', firstName: 'Vorname', address: { postalCode: 'PLZ', city: 'Ort' } },
    orders: {
      currency: 'Waehrung',
      line: { sku: 'article_number', price: 'unit_price' },
      statuses: { shipped: 'delivered', cancelled: 'cancelled', 'payment failed': 'failed' },
    },
  });
  expect((await run('assess', shop, '--mapping', mapping)).out.slice(0, 3)).toEqual([
    'products: 1 rows, 0 of them do not fit',
    'customers: 30 rows, 0 of them do not fit',
    'orders: 30 rows, 8 of them do not fit',
  ]);
  await writeFile(mapping, '{"basedOn":"magento"}');
  expect((await run('assess', shop, '--mapping', mapping)).err[0]).toMatch(
    /is based on "magento", which is no mapping/,
  );
});

test('a mapping is drafted for exports with a row for each line of an order and each address of a customer', async () => {
  const shop = join(folder, 'rows');
  await mkdir(shop);
  const customers = ['customer_id,email,first_name,last_name,created_at,street,zip,city,country'];
  const orders = [
    'order_id,status,currency,created_at,customer_id,order_total,shipping,sku,product_name,qty,line_total',
  ];
  for (let n = 1; n <= 20; n++) {
    const customer = `${n},rows-${n}@own.example,Eva,Brandt,2022-01-02`;
    // The first address of every third has no postal code.
    customers.push(
      `${customer},Weg ${n},${n % 3 === 0 ? '' : '10115'},Berlin,DE`,
      `${customer},Gasse ${n},20095,Hamburg,DE`,
    );
    const order = `B-${n},shipped,EUR,2023-04-05 10:00:00,${n},17.00,2.00`;
    orders.push(`${order},A,Thing A,2,10.00`, `${order},B,Thing B,1,5.00`);
  }
  await writeFile(join(shop, 'customers.csv'), customers.join('\n'));
  await writeFile(join(shop, 'orders.csv'), orders.join('\n'));
  await run('map', shop);
  const mapping = join(`${shop}-report`, 'mapping.json');
  expect(JSON.parse(await readFile(mapping, 'utf8'))).toMatchObject({
    customers: { groupedBy: 'customer_id' },
    orders: { groupedBy: 'order_id', total: 'order_total', lines: '(rows)', line: { sku: 'sku', total: 'line_total' } },
  });
  expect(last((await run('load', shop, '--mapping', mapping)).out, 2)).toEqual([
    'customers: 20 rows, 20 added, 0 changed, 0 as before, 0 rejected',
    'orders: 20 rows, 20 added, 0 changed, 0 as before, 0 rejected',
  ]);
  const addresses = await owner`
    select address ->> 'line1' as line from customers.customers where email in ('rows-1@own.example', 'rows-3@own.example')
    order by email`;
  expect(addresses.map(({ line }) => line)).toEqual(['Weg 1', 'Gasse 3']);
  await run('assess', shop, '--mapping', mapping);
  const { files } = JSON.parse(await readFile(join(`${shop}-report`, 'assessment.json'), 'utf8'));
  const kept = await owner`
    select c.email, count(*)::integer as addresses, count(*) filter (where default_shipping and default_billing)::integer as defaults
    from customers.addresses a join customers.customers c on c.id = a.customer_id
    where c.email in ('rows-1@own.example', 'rows-3@own.example') group by 1 order by 1`;
  expect(kept.map((row) => ({ ...row }))).toEqual([
    { email: 'rows-1@own.example', addresses: 2, defaults: 1 },
    { email: 'rows-3@own.example', addresses: 2, defaults: 1 },
  ]);
  expect(files[0].notes.slice(1)).toMatchObject([
    { what: 'addresses of customers that orders refuse until they are corrected', rows: 6 },
  ]);
});

test('a PostgreSQL database of another shop is read in batches, by its own reader, and changes of it are seen', async () => {
  await owner`create schema old_shop`;
  await owner`
    create table old_shop.clients as
    select n as id, 'client-' || n || '@pg.example' as email, 'Ada' as first_name, 'Archer' as last_name,
      timestamp '2022-03-04 05:06:07' as created_at, jsonb_build_object('line1', 'Way ' || n, 'city', 'Bern', 'zip', '3000', 'country', 'CH') as home
    from generate_series(1, 1200) n`;
  await owner`
    create table old_shop.sales as
    select n as id, n as client, 12.5::numeric(10, 2) as total, timestamptz '2023-03-04 05:06:07+02' as at,
      jsonb_build_array(jsonb_build_object('sku', 'X', 'name', 'Thing', 'quantity', 1, 'total', 12.5)) as lines
    from generate_series(1, 50) n`;
  const mapping = join(folder, 'pg.json');
  const home = {
    firstName: 'first_name',
    line1: 'home.line1',
    city: 'home.city',
    postalCode: 'home.zip',
    country: 'home.country',
  };
  await writeFile(
    mapping,
    JSON.stringify({
      basedOn: 'nothing',
      ...{ source: 'pg', currency: 'CHF', prefix: 'PG' },
      queries: {
        customers: 'select * from old_shop.clients order by id;',
        orders: "select *, 'done' as status from old_shop.sales order by id",
      },
      customers: {
        id: 'id',
        email: 'email',
        firstName: 'first_name',
        lastName: 'last_name',
        registered: 'created_at',
        address: home,
      },
      orders: {
        ...{ id: 'id', status: 'status', date: 'at', customerId: 'client', total: 'total', lines: 'lines' },
        line: { sku: 'sku', name: 'name', quantity: 'quantity', total: 'total' },
        statuses: { done: 'delivered' },
      },
    }),
  );
  const address = `postgres://migrator@localhost/${database.name}?host=${encodeURIComponent(testPostgres().socketDir)}`;
  const options = ['--mapping', mapping, '--out', join(folder, 'pg-report')];
  const loaded = await run('load', address, ...options);
  expect(loaded.err).toEqual([]);
  expect(last(loaded.out, 2)).toEqual([
    'customers: 1200 rows, 1200 added, 0 changed, 0 as before, 0 rejected',
    'orders: 50 rows, 50 added, 0 changed, 0 as before, 0 rejected',
  ]);
  const [order] = await owner`
    select k.total, d.value #>> '{order,created_at}' as at
    from archive.order_keys k join archive.pages p on p.id = k.page_id, jsonb_each(p.documents) d
    where d.key = k.id::text and k.number = 'PG-7'`;
  expect(order).toEqual({ total: 1250, at: '2023-03-04T03:06:07.000Z' });
  expect((await run('verify', address, ...options)).out).toEqual([
    '1200 customers, 50 orders compared, 0 differences.',
  ]);
  // Whoever writes into the database that is read shows that it is not closed.
  const writes = `node -e "0"`;
  expect((await run('cut-over', address, ...options, '--frozen', '--switch', writes)).code).toBe(0);
  const evil = JSON.parse(await readFile(mapping, 'utf8'));
  evil.queries.customers = 'delete from old_shop.clients returning *';
  await writeFile(mapping, JSON.stringify(evil));
  expect((await run('assess', address, ...options)).err[0]).toMatch(
    /^The database did not give customers: cannot execute DELETE in a read-only transaction\.$/,
  );
  const drafted = await run('map', address, '--out', join(folder, 'pg-draft'));
  // Of the database that has this shop, too.
  expect(drafted).toMatchObject({ code: 0, err: [] });
  expect(drafted.out).toContainEqual(
    expect.stringMatching(
      /^orders: select t\.\*, \(select json_agg\(to_json\(l\) order by l\."\w+"\) from "\w+"\."\w+" l where l\."order_id" = t\."\w+"\) as "\(lines\)" from "\w+"\."\w+" t order by t\."\w+"$/,
    ),
  );
  expect((await run('assess', 'postgres://nobody@localhost:1/x', '--mapping', mapping)).err[0]).toMatch(
    /^The database did not give customers: connect ECONNREFUSED/,
  );
});

async function edit(shop: string, name: string, change: (text: string) => string): Promise<void> {
  const file = join(shop, name.includes('.') ? name : `${name}.ndjson`);
  const before = await readFile(file, 'utf8');
  const after = change(before);
  expect(after).not.toBe(before);
  await writeFile(file, after);
}
