import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { quote } from '../../lib/contract/api/orders.ts';
import type { Call } from '../support/handlers.ts';
import { type LiveHandlers, openLiveHandlers } from '../support/live-handlers.ts';

let handlers: LiveHandlers;
let catalogue: string;
let mug: string;
let teapot: string;
let dollars: string;
let offSale: string;

beforeAll(async () => {
  handlers = await openLiveHandlers({ RATE_LIMIT_PER_MINUTE: '100000' });
  catalogue = await handlers.appKey('catalog:write', 'customers:write');
  mug = await add('MUG', 1999);
  teapot = await add('TEAPOT', 4105);
  dollars = await add('DOLLARS', 100, { price: { amount: 100, currency: 'USD' } });
  offSale = await add('OFF', 100, { active: false });
});
afterAll(() => handlers?.close());

async function add(sku: string, amount: number, more: object = {}): Promise<string> {
  const body = { sku, name: sku.toLowerCase(), price: { amount, currency: 'EUR' }, ...more };
  return (await handlers.call('create-product', { token: catalogue, body })).body.id;
}
const ask = (lines: unknown, call: Call = {}) => handlers.call('create-quote', { body: { lines }, ...call });
const euros = (amount: number) => ({ amount, currency: 'EUR' });

/** A signed-in customer. */
async function signedIn(email: string) {
  const password = 'correct horse';
  await handlers.call('sign-up', { body: { email, password, name: 'Ada' } });
  const session = await handlers.call('sign-in', { body: { email, password } });
  return { id: session.body.customerId as string, token: session.body.token as string };
}

const basket = () => [
  { productId: mug, quantity: 1 },
  { productId: teapot, quantity: 1 },
  { productId: mug, quantity: 2 },
];

test('a basket without a customer: lines by product, subtotal, discount with its reason, total', async () => {
  const { status, headers, body } = await ask(basket());
  expect(status).toBe(200);
  expect(headers['cache-control']).toBe('no-store');
  expect(body).toEqual({
    lines: [
      {
        ...{ productId: mug, sku: 'MUG', name: 'mug', quantity: 3, unitPrice: euros(1999), total: euros(5997) },
        ...{ discount: euros(600), tax: euros(0), taxRate: null },
      },
      {
        ...{
          productId: teapot,
          sku: 'TEAPOT',
          name: 'teapot',
          quantity: 1,
          unitPrice: euros(4105),
          total: euros(4105),
        },
        ...{ discount: euros(410), tax: euros(0), taxRate: null },
      },
    ],
    subtotal: euros(10_102),
    discount: { ...euros(1010), reason: 'large-order' },
    couponCode: null,
    shipping: null,
    tax: null,
    total: euros(9092),
  });
  expect(z.parse(quote, body)).toEqual(body);
});

test('a premium customer gets the premium discount instead, as soon as they are one', async () => {
  const { id, token } = await signedIn('ada@example.com');
  expect((await ask(basket(), { token })).body.discount).toEqual({ ...euros(1010), reason: 'large-order' });
  await handlers.call('update-customer', {
    token: catalogue,
    parameters: { customerId: id },
    body: { premium: true },
  });
  const { body } = await ask(basket(), { token });
  expect(body).toMatchObject({ discount: { ...euros(1515), reason: 'premium-customer' }, total: euros(8587) });
  expect((await ask([{ productId: mug, quantity: 1 }], { token })).body.total).toEqual(euros(1699));
});

test('a small basket without a customer has no discount', async () => {
  expect((await ask([{ productId: mug, quantity: 1 }])).body).toMatchObject({ discount: null, total: euros(1999) });
});

test('an unknown token is refused, not ignored', async () => {
  for (const token of [`cfs_${'A'.repeat(64)}`, `${catalogue}x`, 'x', 'a.b.c']) {
    expect(await ask(basket(), { token })).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
  }
});

test('a quote uses the current price', async () => {
  const productId = await add('CHANGING', 500);
  await handlers.call('update-product', { token: catalogue, parameters: { productId }, body: { price: euros(700) } });
  expect((await ask([{ productId, quantity: 1 }])).body.total).toEqual(euros(700));
});

describe('refused', () => {
  const pointers = (body: { errors: { pointer: string }[] }) => body.errors.map(({ pointer }) => pointer);

  test('unknown and inactive products, naming each line', async () => {
    const unknown = `prd_${'0'.repeat(32)}`;
    const answer = await ask([
      { productId: mug, quantity: 1 },
      { productId: offSale, quantity: 1 },
      { productId: unknown, quantity: 1 },
    ]);
    expect(answer).toMatchObject({ status: 422, body: { code: 'product-not-available' } });
    expect(pointers(answer.body)).toEqual(['/lines/1/productId', '/lines/2/productId']);
  });

  test('two currencies, naming the line', async () => {
    const answer = await ask([
      { productId: mug, quantity: 1 },
      { productId: dollars, quantity: 1 },
    ]);
    expect(answer).toMatchObject({ status: 422, body: { code: 'currencies-mixed' } });
    expect(pointers(answer.body)).toEqual(['/lines/1/productId']);
  });

  test('more than 999 of a product in several lines, naming the line', async () => {
    const answer = await ask([
      { productId: mug, quantity: 999 },
      { productId: mug, quantity: 1 },
    ]);
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid-input' } });
    expect(pointers(answer.body)).toEqual(['/lines/1/quantity']);
  });

  test('a total above the maximum', async () => {
    const dear = await Promise.all([...Array(13).keys()].map((n) => add(`DEAR-${n}`, 100_000_000)));
    const answer = await ask(dear.map((productId) => ({ productId, quantity: 999 })));
    expect(answer).toMatchObject({ status: 422, body: { code: 'amount-too-large' } });
  });
});

test('the largest basket, of 50 products, is priced', async () => {
  const many = await Promise.all([...Array(50).keys()].map((n) => add(`MANY-${n}`, n)));
  const { status, body } = await ask(many.map((productId) => ({ productId, quantity: 2 })));
  expect(status).toBe(200);
  expect(body.lines.map(({ productId }: { productId: string }) => productId)).toEqual(many);
  expect(body.subtotal).toEqual(euros(49 * 50));
});
