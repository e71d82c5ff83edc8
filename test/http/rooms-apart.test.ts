import { afterAll, beforeAll, expect, test } from 'vitest';
import { type LiveHandlers, openLiveHandlers } from '../support/live-handlers.ts';
import { lockOut } from '../support/lock-out.ts';

/*
 * Rooms fail apart: with the database roles of one locked out, the others answer.
 * test/infra/local-rooms.test.ts does the same to the whole stack.
 */

let handlers: LiveHandlers;
let session: string;
let productId: string;
const customer = { email: 'ada@example.com', password: 'correct horse' };
const ofOrders = ['orders_api', 'cancellations_api', 'refunds_api', 'saga', 'manual_review'] as const;

beforeAll(async () => {
  handlers = await openLiveHandlers({ RATE_LIMIT_PER_MINUTE: '100000' });
  await handlers.call('sign-up', { body: { ...customer, name: 'Ada' } });
  session = (await handlers.call('sign-in', { body: customer })).body.token;
  const key = await handlers.appKey('catalog:write');
  const product = { sku: 'APART-1', name: 'Thing', price: { amount: 100, currency: 'EUR' } };
  productId = (await handlers.call('create-product', { token: key, body: product })).body.id;
});
afterAll(() => handlers?.close());

test('with orders locked out, the catalogue and accounts answer as before', async () => {
  expect((await handlers.call('list-orders', { token: session })).status).toBe(200);
  await lockOut(handlers, ofOrders);
  expect((await handlers.call('list-orders', { token: session })).status).toBeGreaterThanOrEqual(500);
  for (let n = 0; n < 5; n++) {
    expect((await handlers.call('get-product', { parameters: { productId } })).status).toBe(200);
    expect((await handlers.call('list-products', {})).status).toBe(200);
    expect((await handlers.call('get-me', { token: session })).status).toBe(200);
    expect((await handlers.call('sign-in', { body: customer })).status).toBe(201);
  }
});
