import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newId } from '../../lib/kernel/ids.ts';
import { findOrder, listOrders, readTimeline } from '../../lib/shop/orders/read.sql.ts';
import { type Saga, startSaga } from '../support/saga.ts';

let saga: Saga;
let other: string;
let third: string;
let orders: string[];
beforeAll(async () => {
  saga = await startSaga();
  [other, third] = [newId('customer', saga.clock), newId('customer', saga.clock)];
  await saga.owner`
    insert into customers.customers (id, email, name, password_hash, created_at, updated_at)
    values (${other}, 'other@example.com', 'Other', 'none', now(), now()),
      (${third}, 'third@example.com', 'Third', 'none', now(), now())`;
  const [scarce, plenty] = [await saga.product(2), await saga.product(2)];
  orders = [];
  // The third finds no stock, the saga of the fourth never starts, the fifth belongs to another customer.
  for (const productId of [scarce, scarce, scarce, plenty, plenty]) {
    orders.push((await saga.place([{ productId, quantity: 1 }], { start: productId === scarce })).id);
  }
  await saga.owner`update orders.orders set customer_id = ${other} where id = ${orders[4]!}`;
});
afterAll(() => saga.stop());

const mine = (orderId: string) => ({ orderId, customerId: saga.customerId });
const theirs = (orderId: string) => ({ orderId, customerId: other });
const unknown = `ord_${'0'.repeat(32)}`;

describe('one order', () => {
  test('is found by the customer who placed it, and by nobody else', async () => {
    expect(await findOrder(saga.api, mine(orders[0]!))).toMatchObject({ id: orders[0], customerId: saga.customerId });
    expect(await findOrder(saga.api, mine(orders[1]!))).toMatchObject({ id: orders[1] });
    expect(await findOrder(saga.api, theirs(orders[4]!))).toMatchObject({ id: orders[4], customerId: other });
    expect(await findOrder(saga.api, theirs(orders[0]!))).toBeUndefined();
    expect(await findOrder(saga.api, mine(orders[4]!))).toBeUndefined();
    expect(await findOrder(saga.api, mine(unknown))).toBeUndefined();
  });

  test('has its lines in the order of the basket', async () => {
    const lines = [];
    for (const quantity of [3, 1, 2]) lines.push({ productId: await saga.product(0), quantity });
    const { id } = await saga.place([lines[2]!, lines[0]!, lines[1]!], { start: false });
    await saga.owner`update orders.orders set customer_id = ${third} where id = ${id}`;
    // Written again in reverse, so that only their positions give the order.
    await saga.owner.begin(async (tx) => {
      const rows = await tx`delete from orders.lines where order_id = ${id} returning *`;
      for (const row of rows.toSorted((a, b) => b.position - a.position)) {
        await tx`
          insert into orders.lines (order_id, position, product_id, sku, name, quantity, unit_price, total)
          values (${id}, ${row.position}, ${row.productId}, ${row.sku}, ${row.name}, ${row.quantity}, ${row.unitPrice}, ${row.total})`;
      }
    });
    const order = await findOrder(saga.api, { orderId: id, customerId: third });
    expect(order?.lines.map(({ quantity }) => quantity)).toEqual([2, 3, 1]);
  });

  test('of another customer cannot be cancelled, and looks as if it did not exist', async () => {
    await expect(saga.cancel(orders[4]!)).rejects.toMatchObject({ code: 'not-found' });
    expect(await findOrder(saga.api, theirs(orders[4]!))).toMatchObject({ status: 'pending', version: 1 });
  });
});

describe('a list of orders', () => {
  const list = async (parts: { status?: 'confirmed' | 'failed' | 'pending'; before?: string; limit?: number } = {}) => {
    const { status, before, limit = 10 } = parts;
    const rows = await listOrders(saga.api, { customerId: saga.customerId, status, before, limit });
    return rows.map(({ id }) => id);
  };

  test('has the customer’s own orders, newest first', async () => {
    expect(await list()).toEqual([orders[3], orders[2], orders[1], orders[0]]);
    const rows = await listOrders(saga.api, { customerId: other, status: undefined, before: undefined, limit: 10 });
    expect(rows.map(({ id }) => id)).toEqual([orders[4]]);
  });

  test('goes on after the last order of a page, and does not repeat it', async () => {
    expect(await list({ limit: 2 })).toEqual([orders[3], orders[2]]);
    expect(await list({ limit: 2, before: orders[2]! })).toEqual([orders[1], orders[0]]);
  });

  test('of one status has only orders in it', async () => {
    expect(await list({ status: 'confirmed' })).toEqual([orders[1], orders[0]]);
    expect(await list({ status: 'failed' })).toEqual([orders[2]]);
    expect(await list({ status: 'pending', before: orders[3]! })).toEqual([]);
  });
});

describe('a timeline', () => {
  test('has only what happened to this order, oldest first', async () => {
    // Written again in reverse, so that only their numbers give the order.
    await saga.owner.begin(async (tx) => {
      const rows = await tx`delete from orders.timeline where order_id = ${orders[0]!} returning *`;
      const backwards = rows.toSorted((a, b) => b.version - a.version || b.entry - a.entry);
      for (const { orderId, version, entry, type, detail, at } of backwards) {
        await tx`insert into orders.timeline values (${orderId}, ${version}, ${entry}, ${type}, ${tx.json(detail)}, ${at})`;
      }
    });
    const timeline = await readTimeline(saga.api, mine(orders[0]!));
    expect(timeline?.map(({ type }) => type)).toEqual([
      'order-placed',
      'stock-reserved',
      'status-changed',
      'payment-captured',
      'stock-committed',
      'status-changed',
    ]);
    expect(timeline?.[1]?.detail).toMatchObject({ expiresAt: expect.any(String) });
    expect((await readTimeline(saga.api, mine(orders[3]!)))?.map(({ type }) => type)).toEqual(['order-placed']);
  });

  test('is shown to the customer who placed the order, and to nobody else', async () => {
    expect(await readTimeline(saga.api, theirs(orders[0]!))).toBeUndefined();
    expect(await readTimeline(saga.api, mine(orders[4]!))).toBeUndefined();
    expect(await readTimeline(saga.api, theirs(orders[4]!))).toHaveLength(1);
    expect(await readTimeline(saga.api, mine(unknown))).toBeUndefined();
  });
});
