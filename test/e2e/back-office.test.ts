import { beforeAll, describe, inject, test } from 'vitest';
import type { Product } from '../../lib/contract/api/catalog.ts';
import type { Order } from '../../lib/contract/api/orders.ts';
import { refused, succeed } from './client.ts';
import { type Buyer, basket, newBuyer, newProduct, order, timelineOf, unique } from './shop.ts';

const { appKey } = inject('target');
const app = { token: appKey };

let buyer: Buyer;
let other: Buyer;
let product: Product;
let cheap: Product;
let placed: Order[];

beforeAll(async () => {
  [buyer, other, product, cheap] = await Promise.all([
    newBuyer(),
    newBuyer(),
    newProduct({ amount: 7700 }),
    newProduct({ amount: 300 }),
  ]);
  placed = [];
  for (const [who, what] of [
    [buyer, product],
    [buyer, cheap],
    [other, product],
  ] as const) {
    placed.push(await order(who, { ...basket(what), contact: { email: `till-${who.email}` } }));
  }
  placed.push(await order(buyer, { ...basket(product), paymentMethod: 'pm_card_chargeDeclined' }));
});

/** The places in `placed` of the orders that a list of the back office has. */
async function found(query: Record<string, string | number>): Promise<number[]> {
  const { body } = await succeed('list-orders', 200, { ...app, query: { limit: 100, ...query } });
  return body.data.map(({ id }) => placed.findIndex((each) => each.id === id)).filter((place) => place >= 0);
}

describe('a back office', () => {
  test('finds orders of all customers by what it knows of them', async ({ expect }) => {
    expect(await found({})).toEqual([3, 2, 1, 0]);
    expect(await found({ customerId: buyer.id })).toEqual([3, 1, 0]);
    expect(await found({ email: ` ${other.email.toUpperCase()} ` })).toEqual([2]);
    expect(await found({ productId: product.id })).toEqual([3, 2, 0]);
    expect(await found({ productId: product.id, status: 'confirmed' })).toEqual([2, 0]);
    expect(await found({ customerId: buyer.id, currency: 'EUR', totalFrom: 301 })).toEqual([3, 0]);
    expect(await found({ customerId: buyer.id, currency: 'EUR', totalTo: 300 })).toEqual([1]);
    expect(await found({ customerId: buyer.id, currency: 'EUR', sort: 'total' })).toEqual([1, 0, 3]);
    expect(await found({ customerId: buyer.id, sort: 'createdAt' })).toEqual([0, 1, 3]);
    expect(await found({ customerId: buyer.id, currency: 'USD' })).toEqual([]);
    expect(await found({ customerId: other.id, email: buyer.email })).toEqual([]);
    expect(await found({ email: `till-${buyer.email}` })).toEqual([1, 0]);
    expect(await found({ number: ` ${placed[1]!.number.toLowerCase()} ` })).toEqual([1]);
    expect(await found({ number: 'CF-999999999999' })).toEqual([]);
    expect(await found({ email: 'nobody@example.com' })).toEqual([]);
  });

  test('finds what is to be packed, and how far the rest has come', async ({ expect }) => {
    const by = (fulfilmentStatus: string, rest: object = {}) =>
      found({ customerId: buyer.id, fulfilmentStatus, ...rest });
    const toPack = () => by('unfulfilled', { status: 'confirmed' });
    expect(await toPack()).toEqual([1, 0]);
    expect(await by('unfulfilled')).toEqual([3, 1, 0]);
    const path = { orderId: placed[0]!.id };
    const { body: parcel } = await succeed('create-fulfilment', 201, { ...app, key: unique('pack'), path, body: {} });
    expect(await toPack()).toEqual([1, 0]);
    const shipping = { ...app, path: { ...path, fulfilmentId: parcel.id } };
    await succeed('ship-fulfilment', 200, { ...shipping, body: {} });
    expect(await toPack()).toEqual([1]);
    expect(await by('fulfilled')).toEqual([0]);
    expect(await by('delivered')).toEqual([]);
    await succeed('deliver-fulfilment', 200, shipping);
    expect(await by('delivered')).toEqual([0]);
    await refused('list-orders', 400, 'invalid-input', { ...app, query: { fulfilmentStatus: 'shipped' } });
    const own = { token: buyer.token, query: { fulfilmentStatus: 'delivered' } };
    await refused('list-orders', 403, 'forbidden', own);
  });

  test('finds orders by the time at which they say they were placed', async ({ expect }) => {
    const at = placed[1]!.createdAt;
    const before = await found({ customerId: buyer.id, to: at });
    const since = await found({ customerId: buyer.id, from: at });
    expect([before, since]).toEqual([[0], [3, 1]]);
  });

  test('counts what it lists', async ({ expect }) => {
    const query = { customerId: buyer.id, limit: 1, include: 'count' };
    const { body } = await succeed('list-orders', 200, { ...app, query });
    expect(body).toMatchObject({ hasMore: true, count: { value: 3, exact: true } });
    const { body: nobody } = await succeed('list-orders', 200, {
      ...app,
      query: { email: 'nobody@example.com', include: 'count' },
    });
    expect(nobody).toEqual({ data: [], hasMore: false, nextCursor: null, count: { value: 0, exact: true } });
  });

  test('goes on from page to page in every order', async ({ expect }) => {
    for (const sort of ['-createdAt', 'createdAt', 'total', '-total']) {
      const query = { customerId: buyer.id, currency: 'EUR', sort, limit: 2 };
      const { body: first } = await succeed('list-orders', 200, { ...app, query });
      const { body: last } = await succeed('list-orders', 200, {
        ...app,
        query: { ...query, cursor: first.nextCursor! },
      });
      const all = [...first.data, ...last.data].map(({ id }) => id);
      expect(new Set(all)).toEqual(new Set([placed[0]!.id, placed[1]!.id, placed[3]!.id]));
      expect(last).toMatchObject({ hasMore: false, nextCursor: null });
      const elsewhere = { ...query, customerId: other.id, cursor: first.nextCursor! };
      await refused('list-orders', 400, 'invalid-cursor', { ...app, query: elsewhere });
    }
  });

  test('reads any order and its timeline', async ({ expect }) => {
    const { body } = await succeed('get-order', 200, { ...app, path: { orderId: placed[2]!.id } });
    expect(body).toMatchObject({ id: placed[2]!.id, customerId: other.id, status: 'confirmed' });
    expect(await timelineOf(app, placed[2]!.id)).toEqual(await timelineOf(other, placed[2]!.id));
  });

  test('finds customers, and sees what they bought', async ({ expect }) => {
    const [local] = buyer.email.split('@');
    for (const query of [{ email: buyer.email }, { q: local! }, { q: `Grace ${local!.slice(0, 20)}` }]) {
      const { body } = await succeed('list-customers', 200, { ...app, query: { ...query, include: 'count' } });
      expect(body).toMatchObject({ data: [{ id: buyer.id, email: buyer.email, name: 'Grace Hopper' }] });
      expect(body.count).toEqual({ value: 1, exact: true });
    }
    const { body: none } = await succeed('list-customers', 200, { ...app, query: { q: `nobody ${local}` } });
    expect(none.data).toEqual([]);

    const asked = { ...app, path: { customerId: buyer.id }, query: { include: 'orders' } };
    const { body } = await succeed('get-customer', 200, asked);
    const { body: alone } = await succeed('get-customer', 200, { ...app, path: { customerId: buyer.id } });
    expect(body).toEqual({
      ...alone,
      missing: [],
      included: {
        orders: {
          count: { value: 3, exact: true },
          totals: [
            {
              currency: 'EUR',
              orders: 3,
              confirmed: 2,
              total: { amount: 8000, currency: 'EUR' },
              refunded: { amount: 0, currency: 'EUR' },
            },
          ],
          latest: [placed[3], placed[1], placed[0]].map((each) => expect.objectContaining({ id: each!.id })),
        },
      },
    });
  });
});

test('a customer lists and reads their own orders alone, by their status alone', async ({ expect }) => {
  const own = { token: buyer.token };
  const { body } = await succeed('list-orders', 200, own);
  expect(body.data.map(({ id }) => id)).toEqual([placed[3]!.id, placed[1]!.id, placed[0]!.id]);
  for (const query of [{ customerId: other.id }, { email: buyer.email }, { include: 'count' }, { sort: 'createdAt' }]) {
    await refused('list-orders', 403, 'forbidden', { ...own, query });
  }
  await refused('get-order', 404, 'not-found', { ...own, path: { orderId: placed[2]!.id } });
  await refused('list-customers', 401, 'unauthenticated', own);
});

test('what cannot be searched for is refused, and says why', async ({ expect }) => {
  const queries: [query: Record<string, string>, pointer: string][] = [
    [{ status: 'shipped' }, '?status'],
    [{ customerId: 'ada' }, '?customerId'],
    [{ email: 'ada' }, '?email'],
    [{ number: '10042' }, '?number'],
    [{ from: 'yesterday' }, '?from'],
    [{ from: '2026-01-02T00:00:00Z', to: '2026-01-01T00:00:00Z' }, '?to'],
    [{ totalFrom: '100' }, '?currency'],
    [{ sort: '-total' }, '?currency'],
    [{ currency: 'EUR', totalFrom: '2', totalTo: '1' }, '?totalTo'],
    [{ currency: 'EUR', totalTo: '-1' }, '?totalTo'],
    [{ sort: 'status' }, '?sort'],
    [{ include: 'everything' }, '?include'],
    [{ colour: 'blue' }, '?colour'],
  ];
  for (const [query, pointer] of queries) {
    const { body } = await refused('list-orders', 400, 'invalid-input', { ...app, query });
    expect(body.errors?.map((error: { pointer: string }) => error.pointer)).toContain(pointer);
  }
  await refused('list-customers', 422, 'search-without-words', { ...app, query: { q: '%%%' } });
  await refused('list-customers', 400, 'invalid-input', { ...app, query: { q: 'x'.repeat(1000) } });
  await refused('list-customers', 400, 'invalid-input', { ...app, query: { email: 'ada' } });
  await refused('list-customers', 400, 'invalid-cursor', { ...app, query: { cursor: 'x' } });
});
