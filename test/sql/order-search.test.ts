import type { Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { OrderSort } from '../../lib/contract/api/order-search.ts';
import type { Order } from '../../lib/contract/api/orders.ts';
import { moveOrders } from '../../lib/operations/archive/move.sql.ts';
import { countOrders, type OrderFilter, searchOrders } from '../../lib/shop/orders/search.sql.ts';
import { readCustomerOrders } from '../../lib/shop/orders/totals.sql.ts';
import { fillOldShop } from '../support/old-shop.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { poolOptions } from '../support/saga.ts';
import { bestCustomer, ids } from '../support/shop-of-100k.ts';

/* A shop of which a third of the orders is in the archive. What is found is compared with what all orders say of themselves. */

const size = { customers: 10, products: 20, orders: 600 };
let database: TestDatabase;
let sql: Sql;
let all: Order[];
let archived = 0;

beforeAll(async () => {
  database = await createDatabase();
  await fillOldShop(database, size);
  const admin = database.connect('rdsadmin', { max: 1 });
  await admin.unsafe(`
    set session_replication_role = 'replica';
    update orders.orders set fulfilment_status = 'delivered' where status = 'confirmed' and right(id, 1) in ('1', '7')`);
  await admin.end();
  // The owner has more time for it than the job.
  const owner = database.connect('migrator', { ...poolOptions, max: 1 }) as unknown as Sql;
  while (archived < 200) archived += await moveOrders(owner, { before: new Date(), now: new Date(), limit: 100 });
  await owner.end();
  sql = database.connect('back_office_api', { ...poolOptions, max: 2 }) as unknown as Sql;
  all = await everything({});
});
afterAll(async () => {
  await sql?.end();
  await database?.drop();
});

/** All pages of a list. */
async function everything(filter: OrderFilter, sort?: OrderSort, limit = 37): Promise<Order[]> {
  const found: Order[] = [];
  let cursor: string | undefined;
  do {
    const page = await searchOrders(sql, filter, { sort, limit, cursor });
    found.push(...page.data);
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  return found;
}

const idsOf = (orders: readonly Order[]) => orders.map(({ id }) => id);

test('without a filter every order is found once, newest first, from before and after the archive', () => {
  expect(idsOf(all)).toEqual(Array.from({ length: size.orders }, (_, n) => ids.order(size.orders - n)));
  expect(all.filter(({ archived }) => archived)).toHaveLength(archived);
});

const product = ids.product(7);
const filters: [name: string, filter: OrderFilter, meets: (order: Order) => boolean][] = [
  ['a status', { status: 'confirmed' }, ({ status }) => status === 'confirmed'],
  [
    'a fulfilment status',
    { fulfilmentStatus: 'delivered' },
    ({ fulfilmentStatus }) => fulfilmentStatus === 'delivered',
  ],
  [
    'what is to be shipped',
    { status: 'confirmed', fulfilmentStatus: 'unfulfilled' },
    ({ status, fulfilmentStatus }) => status === 'confirmed' && fulfilmentStatus === 'unfulfilled',
  ],
  ['a customer', { customerId: bestCustomer }, ({ customerId }) => customerId === bestCustomer],
  ['a product', { productId: product }, ({ lines }) => lines.some(({ productId }) => productId === product)],
  ['a least total', { currency: 'EUR', totalFrom: 110 }, ({ total }) => total.amount >= 110],
  ['a greatest total', { currency: 'EUR', totalTo: 110 }, ({ total }) => total.amount <= 110],
  [
    'everything at once',
    { status: 'confirmed', productId: product, currency: 'EUR', totalFrom: 100, totalTo: 150 },
    ({ status, lines, total }) =>
      status === 'confirmed' &&
      lines.some(({ productId }) => productId === product) &&
      total.amount >= 100 &&
      total.amount <= 150,
  ],
];

describe.each(filters)('%s', (_, filter, meets) => {
  test('finds all orders that meet it, and no other', async () => {
    const expected = all.filter(meets);
    expect(expected.some(({ archived }) => archived)).toBe(true);
    expect(expected.some(({ archived }) => !archived)).toBe(true);
    expect(await everything(filter)).toEqual(expected);
    expect(await countOrders(sql, filter)).toEqual({ value: expected.length, exact: true });
  });

  test('comes in any order, page by page', async () => {
    const expected = all.filter(meets);
    const byTotal = expected.toSorted((a, b) => a.total.amount - b.total.amount || (a.id < b.id ? -1 : 1));
    expect(idsOf(await everything(filter, 'createdAt', 13))).toEqual(idsOf(expected.toReversed()));
    expect(idsOf(await everything(filter, 'total', 13))).toEqual(idsOf(byTotal));
    expect(idsOf(await everything(filter, '-total', 13))).toEqual(idsOf(byTotal.toReversed()));
  });
});

test('what nothing meets is empty', async () => {
  for (const filter of [
    { currency: 'USD' },
    { customerId: ids.customer(999) },
    { productId: ids.product(999) },
    { from: Date.now() },
  ]) {
    expect(await searchOrders(sql, filter, { limit: 10 })).toEqual({ data: [], hasMore: false, nextCursor: null });
    expect(await countOrders(sql, filter)).toEqual({ value: 0, exact: true });
  }
});

test('a cursor leads on in its own list alone', async () => {
  const { nextCursor } = await searchOrders(sql, { status: 'confirmed' }, { limit: 1 });
  const cursor = nextCursor!;
  const refusal = { code: 'invalid-cursor' };
  await expect(searchOrders(sql, { status: 'failed' }, { limit: 1, cursor })).rejects.toMatchObject(refusal);
  await expect(searchOrders(sql, {}, { limit: 1, cursor })).rejects.toMatchObject(refusal);
  const other = searchOrders(sql, { status: 'confirmed' }, { limit: 1, cursor, sort: 'createdAt' });
  await expect(other).rejects.toMatchObject(refusal);
});

test('the orders of a customer add up, refunds included, whether they are archived or not', async () => {
  const own = all.filter(({ customerId }) => customerId === bestCustomer);
  const confirmed = own.filter(({ status }) => status === 'confirmed');
  const sum = (amounts: (number | undefined)[]) => amounts.reduce<number>((left, right) => left + (right ?? 0), 0);
  const { count, totals, latest } = await readCustomerOrders(sql, bestCustomer);
  expect(count).toEqual({ value: own.length, exact: true });
  expect(totals).toEqual([
    {
      currency: 'EUR',
      orders: own.length,
      confirmed: confirmed.length,
      total: { amount: sum(confirmed.map(({ total }) => total.amount)), currency: 'EUR' },
      refunded: { amount: sum(confirmed.map(({ payment }) => payment?.refunded.amount)), currency: 'EUR' },
    },
  ]);
  expect(latest).toEqual(own.slice(0, 10));
  expect(confirmed.some(({ archived }) => archived)).toBe(true);
  expect(await readCustomerOrders(sql, ids.customer(999))).toEqual({
    count: { value: 0, exact: true },
    totals: [],
    latest: [],
  });
});
