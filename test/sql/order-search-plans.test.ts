import type { Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { countCustomers, searchCustomers } from '../../lib/accounts/customers/search.sql.ts';
import { mostCounted } from '../../lib/contract/api/order-search.ts';
import { countOrders, type OrderFilter, searchOrders } from '../../lib/shop/orders/search.sql.ts';
import { readCustomerOrders } from '../../lib/shop/orders/totals.sql.ts';
import { archiveHalf } from '../support/archived-half.ts';
import { complaints, plansOf, tablesAbove, tellPlans } from '../support/explain.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { poolOptions } from '../support/saga.ts';
import { bestCustomer, fillShop, ids, sizes } from '../support/shop-of-100k.ts';

let database: TestDatabase;
let big: Set<string>;

beforeAll(async () => {
  database = await createDatabase();
  await fillShop(database);
  await fulfil();
  await archiveHalf(database);
  await withContacts();
  await tellPlans(database);
  const owner = database.connect('migrator', { max: 1 });
  big = await tablesAbove(owner, 400);
  await owner.end();
});
afterAll(() => database?.drop());

/** Most confirmed orders have arrived, a few are on their way, and the newest are not packed. */
async function fulfil() {
  const admin = database.connect('rdsadmin', { max: 1 });
  await admin.unsafe(`
    set session_replication_role = 'replica';
    update orders.orders o set fulfilment_status =
      case n % 500 when 3 then 'partially_fulfilled' when 4 then 'fulfilled' else 'delivered' end
    from (select id, row_number() over (order by id) as n from orders.orders) s
    where s.id = o.id and o.status = 'confirmed' and n < 99000`);
  await admin.end();
}

/** Every tenth order has a contact of its own. */
async function withContacts() {
  const admin = database.connect('rdsadmin', { max: 1 });
  await admin.unsafe(`
    set session_replication_role = 'replica';
    update orders.orders set contact = jsonb_build_object('email', 'guest' || right(number, 4) || '@example.com') where number like '%7'`);
  await admin.unsafe('vacuum analyze orders.orders');
  await admin.end();
}

/** Of what is run: an `explain` reads nothing. */
const plans = async (role: 'back_office_api' | 'profiles_api', work: (sql: Sql) => Promise<unknown>) =>
  (await plansOf(database, { role, mode: 'custom', options: poolOptions }, work)).filter(
    ({ query }) => !/^\s*explain/.test(query),
  );

const eur = { currency: 'EUR' } as const;

/** How many rows a scan may read. */
const lists: [name: string, filter: OrderFilter, atMost: number][] = [
  ['all', {}, 200],
  ['a common status', { status: 'confirmed' }, 200],
  ['a status that is done', { status: 'failed' }, 200],
  ['a rare status', { status: 'needs_attention' }, 200],
  ['an open status', { status: 'pending' }, 200],
  ['what is to be packed', { status: 'confirmed', fulfilmentStatus: 'unfulfilled' }, 200],
  ['what is packed in part', { fulfilmentStatus: 'partially_fulfilled' }, 200],
  // A walk past the newest, which have not.
  ['what has arrived', { fulfilmentStatus: 'delivered' }, 1200],
  ['what has not shipped', { fulfilmentStatus: 'unfulfilled' }, 1000],
  ['the best customer', { customerId: bestCustomer }, 200],
  ['some customer', { customerId: ids.customer(777) }, 200],
  ['a status of the best customer', { customerId: bestCustomer, status: 'failed' }, 2500],
  ['a number', { number: 'CF-77777' }, 60],
  ['a person', { person: { email: 'customer777@example.com', customerId: ids.customer(777) } }, 200],
  ['a contact', { person: { email: 'guest7@example.com', customerId: undefined } }, 200],
  ['a product', { productId: ids.product(77) }, 200],
  ['a product and a status', { productId: ids.product(77), status: 'confirmed' }, 200],
  ['a range of totals', { ...eur, totalFrom: 5000, totalTo: 5050 }, 2500],
  ['high totals', { ...eur, totalFrom: 8000 }, 2500],
  ['a status and high totals', { ...eur, status: 'confirmed', totalFrom: 8000 }, 2500],
  ['another currency', { currency: 'USD' }, 200],
];

describe.each(lists)('the orders of %s', (_, filter, atMost) => {
  test.each(['-createdAt', 'createdAt'] as const)('by %s read no more rows than they need', async (sort) => {
    const read = await plans('back_office_api', (sql) => searchOrders(sql, filter, { sort, limit: 20 }));
    expect(complaints(read, big, atMost)).toEqual([]);
  });
});

test.each(['total', '-total'] as const)('the orders by %s are read in the order of an index', async (sort) => {
  for (const filter of [eur, { ...eur, totalFrom: 5000 }, { ...eur, status: 'confirmed' as const }]) {
    const read = await plans('back_office_api', (sql) => searchOrders(sql, filter, { sort, limit: 20 }));
    expect(complaints(read, big, 200)).toEqual([]);
  }
});

test('a page from the middle is read like the first', async () => {
  const read = await plans('back_office_api', async (sql) => {
    const page = async (filter: OrderFilter) => {
      const { nextCursor } = await searchOrders(sql, filter, { limit: 1 });
      await searchOrders(sql, filter, { limit: 20, cursor: nextCursor! });
    };
    await page({ to: Date.now() });
    await page({ status: 'failed' });
    await page({ customerId: bestCustomer });
  });
  expect(complaints(read, big, 200)).toEqual([]);
});

test('counting reads no more than it counts, and says when it does not', async () => {
  const counts: object[] = [];
  const read = await plans('back_office_api', async (sql) => {
    for (const [, filter] of lists) counts.push(await countOrders(sql, filter));
  });
  // Both parts, and what is looked up of each order of a product.
  expect(complaints(read, big, mostCounted + 2500)).toEqual([]);
  const [all, confirmed, failed] = counts as [object, object, object];
  expect(all).toEqual({ value: expect.closeTo(sizes.orders, -4), exact: false });
  expect(confirmed).toMatchObject({ exact: false });
  expect(failed).toEqual({ value: 4987, exact: true });
});

test('a customer’s orders and totals are read by their index', async () => {
  for (const customer of [bestCustomer, ids.customer(777)]) {
    const read = await plans('back_office_api', (sql) => readCustomerOrders(sql, customer));
    expect(complaints(read, big, 3000)).toEqual([]);
  }
});

test('customers are found through an index', async () => {
  const filters = [
    [{}, 60],
    [{ email: 'customer777@example.com' }, 60],
    [{ q: 'customer 777' }, 200],
    [{ q: 'example' }, 200],
    [{ q: 'customer77' }, 300],
    [{ q: 'nobody' }, 60],
  ] as const;
  for (const [filter, atMost] of filters) {
    const read = await plans('profiles_api', (sql) => searchCustomers(sql, filter, { limit: 20 }));
    expect(complaints(read, big, atMost)).toEqual([]);
  }
  const counted = await plans('profiles_api', async (sql) => {
    expect(await countCustomers(sql, { q: 'customer777' })).toEqual({ value: 11, exact: true });
    expect(await countCustomers(sql, {})).toEqual({ value: expect.closeTo(sizes.customers, -3), exact: false });
  });
  expect(complaints(counted, big, mostCounted + 1)).toEqual([]);
});

test.each(['back_office_api', 'profiles_api'] as const)('%s plans each list for its values', async (role) => {
  const sql = database.connect(role, { ...poolOptions, max: 1 });
  try {
    expect(await sql`show plan_cache_mode`).toMatchObject([{ planCacheMode: 'force_custom_plan' }]);
  } finally {
    await sql.end();
  }
});
