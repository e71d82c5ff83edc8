import type { Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { views } from '../../lib/analytics/views.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { poolOptions } from '../support/saga.ts';
import { fillShop, ids } from '../support/shop-of-100k.ts';

let database: TestDatabase;
let owner: Sql;
let analyst: Sql;

beforeAll(async () => {
  database = await createDatabase();
  await fillShop(database, { customers: 20, products: 20, orders: 300 });
  [owner, analyst] = ['migrator', 'analyst'].map((role) => database.connect(role, { ...poolOptions, max: 2 })) as [
    Sql,
    Sql,
  ];
});
afterAll(async () => {
  await Promise.all([owner.end(), analyst.end()]);
  await database.drop();
});

test('the views have exactly the columns of their contract, in its order and with its types', async () => {
  const rows = await owner`
    select v.relname as view, a.attname as column, format_type(coalesce(nullif(t.typbasetype, 0), t.oid), null) as type
    from pg_class v join pg_attribute a on a.attrelid = v.oid and a.attnum > 0 join pg_type t on t.oid = a.atttypid
    where v.relnamespace = 'reporting'::regnamespace and v.relkind = 'v'
    order by v.relname, a.attnum`;
  const found: Record<string, Record<string, string>> = {};
  for (const { view, column, type } of rows) {
    found[view] = { ...found[view], [column]: type.replace('timestamp with time zone', 'timestamptz') };
  }
  const promised = Object.fromEntries(
    Object.entries(views).map(([name, { columns }]) => [
      name,
      Object.fromEntries(Object.entries(columns).map(([column, [type]]) => [column, type])),
    ]),
  );
  expect(found).toEqual(promised);
  for (const [name, columns] of Object.entries(promised))
    expect(Object.keys(found[name]!)).toEqual(Object.keys(columns));
});

test('a renamed column of a table does not reach who reads the summary', async () => {
  const before = await analyst`select * from reporting.customer_summary order by customer_id`;
  expect(before.length).toBeGreaterThan(5);
  await owner`alter table customers.customers rename column premium to is_premium`;
  try {
    expect(await analyst`select * from reporting.customer_summary order by customer_id`).toEqual(before);
  } finally {
    await owner`alter table customers.customers rename column is_premium to premium`;
  }
});

test('figures by country stay when the addresses of customers and of old guest orders are forgotten', async () => {
  const byCountry = () => owner`
    select l.country, count(*)::int as lines, sum(l.revenue)::text as revenue, count(distinct o.order_id)::int as orders
    from reporting.order_lines l join reporting.orders o on o.order_id = l.order_id and o.country is not distinct from l.country
    group by l.country order by l.country`;
  const addressed = () => owner`
    select count(*)::int as orders from orders.orders where shipping_address is not null or contact is not null`;
  await owner`
    update orders.orders set contact = '{"email": "guest@example.com"}',
      shipping_address = jsonb_build_object('name', 'Ada', 'country', case when total % 2 = 0 then 'DE' else 'FR' end)`;
  await owner`update orders.orders set customer_id = null where customer_id = ${ids.customer(3)}`;
  const before = await byCountry();
  expect(before.map(({ country }) => country)).toEqual(['DE', 'FR']);

  await owner`select orders.forget_customer(${ids.customer(1)})`;
  for (let n = 0; n < 10; n++) await owner`select archive.move_orders('2029-01-01', '2029-01-01', 40)`;
  await owner`select orders.forget_customer(${ids.customer(1)}), orders.forget_customer(${ids.customer(2)})`;
  const [{ orders }] = (await owner`
    select count(*)::int as orders from archive.documents
    where (customer_id is null or customer_id in ${owner([ids.customer(1), ids.customer(2)])})
      and document #> '{order,shipping_address}' <> 'null'`) as unknown as [{ orders: number }];
  expect(orders).toBe(0);
  expect((await addressed())[0]!.orders).toBeLessThan(300);
  expect(await byCountry()).toEqual(before);
});

describe('an analyst', () => {
  const customer = () =>
    analyst`select name, email from reporting.customers_masked where customer_id = ${ids.customer(7)}`;

  test('sees no name and no address, until somebody grants it', async () => {
    expect(await customer()).toEqual([{ name: 'C…', email: 'c…@example.com' }]);
    await owner`grant reads_personal_data to analyst`;
    try {
      expect(await customer()).toEqual([{ name: 'Customer 7', email: 'customer7@example.com' }]);
    } finally {
      await owner`revoke reads_personal_data from analyst`;
    }
    expect(await customer()).toEqual([{ name: 'C…', email: 'c…@example.com' }]);
  });

  test('reads no table, and writes nothing', async () => {
    await expect(analyst`select * from customers.customers`).rejects.toMatchObject({ code: '42501' });
    await expect(analyst`update reporting.stock set on_hand = 5`).rejects.toMatchObject({ code: '42501' });
  });

  test('only reads, and has so many connections', async () => {
    const [row] = await analyst`
      select rolconnlimit as connections, current_setting('transaction_read_only') as reads_only
      from pg_roles where rolname = current_user`;
    expect(row).toEqual({ connections: 5, readsOnly: 'on' });
  });
});
