import { afterAll, beforeAll, expect, test } from 'vitest';
import { type LiveHandlers, openLiveHandlers } from '../support/live-handlers.ts';
import { lockOut } from '../support/lock-out.ts';

/* What test/e2e/back-office.test.ts cannot see: scopes, records of accesses, and a room that does not answer. */

let handlers: LiveHandlers;
let customerId: string;
let orderId: string;
const email = 'ada.office@example.com';
const password = 'correct horse battery';

beforeAll(async () => {
  handlers = await openLiveHandlers({ RATE_LIMIT_PER_MINUTE: '100000' });
  await handlers.call('sign-up', { body: { email, password, name: 'Ada' } });
  const session = await handlers.call('sign-in', { body: { email, password } });
  customerId = session.body.customerId;
  const key = await handlers.appKey('catalog:write');
  const product = { sku: 'OFFICE-1', name: 'Thing', price: { amount: 100, currency: 'EUR' } };
  const { body } = await handlers.call('create-product', { token: key, body: product });
  const order = {
    lines: [{ productId: body.id, quantity: 1 }],
    paymentMethod: 'pm_card_visa',
    contact: { email, phone: '+43 1 12345' },
  };
  const placed = await handlers.call('place-order', {
    token: session.body.token,
    headers: { 'idempotency-key': 'office-1' },
    body: order,
  });
  // Nothing runs sagas here.
  expect(placed.status).toBe(202);
  orderId = placed.body.id;
});
afterAll(() => handlers?.close());

const forbidden = { status: 403, body: { code: 'forbidden' } };

test('an e-mail address and orders are for who may read them', async () => {
  const orders = await handlers.appKey('orders:read');
  const customers = await handlers.appKey('customers:read');
  expect(await handlers.call('list-orders', { token: orders, query: { email } })).toMatchObject(forbidden);
  const asked = { parameters: { customerId }, query: { include: 'orders' } };
  expect(await handlers.call('get-customer', { ...asked, token: customers })).toMatchObject(forbidden);
  expect(await handlers.call('list-customers', { token: orders })).toMatchObject(forbidden);
  expect(await handlers.call('list-orders', { token: customers })).toMatchObject(forbidden);
  const [seen] = (await handlers.call('list-orders', { token: orders })).body.data;
  expect(seen).toMatchObject({ id: orderId, total: { amount: 100 } });
  expect(seen).not.toHaveProperty('contact');
  const both = await handlers.appKey('orders:read', 'customers:read');
  const [all] = (await handlers.call('list-orders', { token: both, query: { email } })).body.data;
  expect(all).toMatchObject({ id: orderId, contact: { email } });
});

test('the audit says whose orders and profiles an application has seen', async () => {
  const token = await handlers.appKey('orders:read', 'customers:read');
  const seen = async (call: () => Promise<{ status: number }>) => {
    const before = handlers.accessLines.length;
    expect((await call()).status).toBe(200);
    const [line] = handlers.accessLines.slice(before).map((each) => JSON.parse(each));
    return (line.access ?? line).resources as string[];
  };
  const both = expect.arrayContaining([orderId, customerId]);
  expect(await seen(() => handlers.call('list-orders', { token, query: { email } }))).toEqual(both);
  expect(await seen(() => handlers.call('list-customers', { token, query: { q: 'office' } }))).toContain(customerId);
  const asked = { token, parameters: { customerId }, query: { include: 'orders' } };
  expect(await seen(() => handlers.call('get-customer', asked))).toEqual(both);
  expect(await seen(() => handlers.call('get-order', { token, parameters: { orderId } }))).toContain(orderId);
});

test('a customer comes without orders when those do not', async () => {
  const token = await handlers.appKey('orders:read', 'customers:read');
  await lockOut(handlers, ['back_office_api']);
  const asked = { token, parameters: { customerId }, query: { include: 'orders' } };
  const { status, body } = await handlers.call('get-customer', asked);
  expect({ status, body }).toMatchObject({
    status: 200,
    body: { id: customerId, email, included: { orders: null }, missing: [{ part: 'orders', reason: 'unavailable' }] },
  });
});
