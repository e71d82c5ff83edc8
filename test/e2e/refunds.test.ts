import { beforeAll, describe, inject, test } from 'vitest';
import type { Product } from '../../lib/contract/api/catalog.ts';
import type { Order } from '../../lib/contract/api/orders.ts';
import { refused, succeed } from './client.ts';
import { type Buyer, basket, getOrder, newBuyer, newProduct, order, timelineOf, unique } from './shop.ts';

const { appKey } = inject('target');
let buyer: Buyer;
let product: Product;

beforeAll(async () => {
  [buyer, product] = await Promise.all([newBuyer(), newProduct({ amount: 3000 })]);
});

const paid = (): Promise<Order> => order(buyer, basket(product));
const eur = (amount: number) => ({ amount, currency: 'EUR' });
const asking = (orderId: string, amount?: number, key = unique('refund')) => ({
  token: appKey,
  path: { orderId },
  key,
  body: { reason: 'arrived broken', ...(amount === undefined ? {} : { amount: eur(amount) }) },
});

describe('giving back part of a payment', () => {
  test('is done once, is found again, and the order says so and stays confirmed', async ({ expect }) => {
    const { id } = await paid();
    const asked = { ...asking(id, 1200), wait: 20 };
    const { body: refund } = await succeed('request-refund', 201, asked);
    expect(refund).toMatchObject({ orderId: id, status: 'succeeded', amount: eur(1200), failure: null });
    expect((await succeed('request-refund', 201, asked)).body).toEqual(refund);
    expect(await getOrder(buyer, id)).toMatchObject({
      status: 'confirmed',
      payment: { status: 'captured', refunded: eur(1200) },
    });
    expect((await timelineOf(buyer, id)).at(-1)).toBe('payment-refunded');
    const path = { orderId: id, refundId: refund.id };
    expect((await succeed('get-refund', 200, { token: appKey, path })).body).toEqual(refund);
    const list = await succeed('list-refunds', 200, { token: appKey, path: { orderId: id } });
    expect(list.body.data).toEqual([refund]);
  });

  test('beyond what is left is refused, all that is left is not, and then nothing is', async ({ expect }) => {
    const { id } = await paid();
    await succeed('request-refund', 201, { ...asking(id, 2000), wait: 20 });
    await refused('request-refund', 409, 'refund-too-large', asking(id, 1001));
    const { body: rest } = await succeed('request-refund', 201, { ...asking(id), wait: 20 });
    expect(rest.amount).toEqual(eur(1000));
    await refused('request-refund', 409, 'order-not-refundable', asking(id, 1));
  });

  test('of an order that was cancelled or that nobody knows is refused', async () => {
    const { id } = await paid();
    await succeed('cancel-order', 200, { token: buyer.token, path: { orderId: id }, wait: 20 });
    await refused('request-refund', 409, 'order-not-refundable', asking(id, 1));
    await refused('request-refund', 404, 'not-found', asking('ord_0198c6b2f1d07a3e9c54d2a1b7e60f38', 1));
  });

  test('in another currency, of nothing or without a key is refused', async () => {
    const { id } = await paid();
    const dollars = { ...asking(id), body: { reason: 'x', amount: { amount: 1, currency: 'USD' } } };
    await refused('request-refund', 400, 'invalid-input', dollars);
    await refused('request-refund', 400, 'invalid-input', asking(id, 0));
    const { key, ...keyless } = asking(id, 1);
    await refused('request-refund', 400, 'idempotency-key-missing', keyless);
  });

  test('and cancelling afterwards give back the whole', async ({ expect }) => {
    const { id } = await paid();
    await succeed('request-refund', 201, { ...asking(id, 500), wait: 20 });
    await succeed('cancel-order', 200, { token: buyer.token, path: { orderId: id }, wait: 20 });
    expect(await getOrder(buyer, id)).toMatchObject({
      status: 'cancelled',
      payment: { status: 'refunded', refunded: eur(3000) },
    });
  });
});
