import { randomBytes } from 'node:crypto';
import { beforeAll, describe, inject, test } from 'vitest';
import type { OperationId } from '../../lib/contract/api/operations.ts';
import type { Order } from '../../lib/contract/api/orders.ts';
import { type Options, refused, succeed } from './client.ts';
import { type Buyer, basket, getOrder, ledgerOf, newBuyer, newProduct, order, ordersOf, unique } from './shop.ts';

const { appKey, limitedAppKey } = inject('target');
let buyer: Buyer;
let thief: Buyer;
let bought: Order;

beforeAll(async () => {
  [buyer, thief] = await Promise.all([newBuyer(), newBuyer()]);
  bought = await order(buyer, basket(await newProduct()));
});

const forSessions: [OperationId, () => Options][] = [
  ['get-me', () => ({})],
  ['update-me', () => ({ body: { name: 'Mallory' } })],
  ['list-my-addresses', () => ({})],
  ['delete-my-address', () => ({ path: { addressId: `adr_${'0'.repeat(32)}` } })],
  ['list-sessions', () => ({})],
  ['end-session', () => ({ path: { sessionId: `ses_${'0'.repeat(32)}` } })],
  ['change-password', () => ({ body: { password: 'correct horse', newPassword: 'wrong horse' } })],
  ['request-email-change', () => ({ body: { email: 'eve@example.com', password: 'correct horse' } })],
  ['sign-out', () => ({})],
  ['sign-out-everywhere', () => ({})],
];
/** Of orders: for customers, guests with a token, and applications with a key and the scope. */
const ofOrders: [OperationId, () => Options][] = [
  ['list-orders', () => ({})],
  ['get-order', () => ({ path: { orderId: bought.id } })],
  ['get-order-timeline', () => ({ path: { orderId: bought.id } })],
  ['update-order', () => ({ path: { orderId: bought.id }, body: { note: 'No' } })],
  ['cancel-order', () => ({ path: { orderId: bought.id } })],
  ['list-fulfilments', () => ({ path: { orderId: bought.id } })],
  ['list-returns', () => ({ path: { orderId: bought.id } })],
];
const productId = () => bought.lines[0]!.productId;
const forApps: [OperationId, () => Options][] = [
  ['update-customer', () => ({ path: { customerId: buyer.id }, body: { premium: true } })],
  ['create-product', () => ({ body: { sku: unique('E2E'), name: 'No', price: { amount: 1, currency: 'EUR' } } })],
  ['update-product', () => ({ path: { productId: productId() }, body: { name: 'No' } })],
  ['list-stock-movements', () => ({ path: { productId: productId() } })],
  ['create-stock-movement', () => ({ path: { productId: productId() }, body: { quantity: 1, reason: 'no' } })],
];

describe.each(forSessions)('%s', (operation, options) => {
  test('needs a session: nothing and an app key are refused', async () => {
    await refused(operation, 401, 'unauthenticated', options());
    await refused(operation, 401, 'unauthenticated', { ...options(), token: appKey });
  });
});

describe.each(forApps)('%s', (operation, options) => {
  test('needs an app key: nothing and a session are refused', async () => {
    await refused(operation, 401, 'unauthenticated', options());
    await refused(operation, 401, 'unauthenticated', { ...options(), token: buyer.token });
  });
});

describe.each(ofOrders)('%s', (operation, options) => {
  test('needs a session, a token or an app key with the scope', async () => {
    await refused(operation, 401, 'unauthenticated', options());
    await refused(operation, 403, 'forbidden', { ...options(), token: limitedAppKey });
  });
});

test('an order needs an e-mail address without a session, and the scope with an app key', async () => {
  const body = basket({ id: productId() });
  await refused('place-order', 422, 'contact-missing', { key: unique('key'), body });
  await refused('place-order', 401, 'unauthenticated', { key: unique('key'), body, clientId: undefined });
  await refused('place-order', 403, 'forbidden', { key: unique('key'), body, token: limitedAppKey });
});

test('what was refused has changed nothing', async ({ expect }) => {
  const before = await picture();
  for (const [operation, options] of [...forSessions, ...ofOrders, ...forApps]) {
    await refused(operation, 401, 'unauthenticated', options());
  }
  expect(await picture()).toEqual(before);
});

describe('an app key without the scope', () => {
  test.for(forApps.filter(([operation]) => !operation.endsWith('-product')))(
    '%s is not allowed',
    async ([op, options], { expect }) => {
      const before = await picture();
      const { body } = await refused(op, 403, 'forbidden', { ...options(), token: limitedAppKey });
      expect(body.detail).toMatch(/(stock|customers):(read|write)/);
      expect(await picture()).toEqual(before);
    },
  );

  test('may do what it has the scope for', async () => {
    const body = { sku: unique('E2E'), name: 'Yes', price: { amount: 1, currency: 'EUR' } };
    await succeed('create-product', 201, { token: limitedAppKey, body });
  });
});

test('another customer’s order is not found, whatever is tried, and stays as it is', async ({ expect }) => {
  const path = { orderId: bought.id };
  for (const operation of ['get-order', 'get-order-timeline', 'cancel-order'] as const) {
    const theirs = await refused(operation, 404, 'not-found', { token: thief.token, path });
    const nobodys = { token: thief.token, path: { orderId: `ord_${'0'.repeat(32)}` } };
    expect((await refused(operation, 404, 'not-found', nobodys)).body.detail).toBe(theirs.body.detail);
  }
  expect(await ordersOf(thief)).toEqual([]);
  expect(await getOrder(buyer, bought.id)).toEqual(bought);
});

describe('a credential that is none', () => {
  const cases: [string, () => Record<string, string>][] = [
    ['made up', () => bearer(`cfs_${randomBytes(48).toString('base64url')}`)],
    ['of this customer with another secret', () => bearer(`cfs_${idPart(buyer)}${random(43)}`)],
    ['of another customer with this secret', () => bearer(`cfs_${idPart(thief)}${buyer.token.slice(25)}`)],
    ['cut short', () => bearer(buyer.token.slice(0, -1))],
    ['made longer', () => bearer(`${buyer.token}A`)],
    ['with one character changed', () => bearer(`${buyer.token.slice(0, -1)}${buyer.token.endsWith('A') ? 'B' : 'A'}`)],
    ['of another kind by its prefix', () => bearer(buyer.token.replace('cfs_', 'cfk_'))],
    ['without its prefix', () => bearer(buyer.token.slice(4))],
    ['an unsigned JWT that has expired', () => bearer('eyJhbGciOiJub25lIn0.eyJzdWIiOiJjdXNfMSIsImV4cCI6MX0.')],
    ['an id', () => bearer(buyer.id)],
    ['empty', () => ({ authorization: 'Bearer ' })],
    ['of another scheme', () => ({ authorization: `Basic ${btoa(`${buyer.email}:${buyer.password}`)}` })],
    ['without a scheme', () => ({ authorization: buyer.token })],
    ['very long', () => bearer('A'.repeat(5000))],
    ['twice', () => ({ authorization: `Bearer ${buyer.token}, Bearer ${buyer.token}` })],
  ];
  test.each(cases)('%s is refused and orders nothing', async (_, headers) => {
    await refused('get-me', 401, 'unauthenticated', { headers: headers() });
    const options = { key: unique('key'), body: basket({ id: productId() }), headers: headers() };
    await refused('place-order', 401, 'unauthenticated', options);
  });

  test('an app key that is made up, cut short or altered is refused', async () => {
    const path = { productId: productId() };
    const altered = `${appKey.slice(0, -1)}${appKey.endsWith('A') ? 'B' : 'A'}`;
    for (const token of [`cfk_${random(64)}`, appKey.slice(0, -1), altered, appKey.replace('cfk_', 'cfs_')]) {
      await refused('list-stock-movements', 401, 'unauthenticated', { token, path });
    }
  });

  test('the scheme’s case does not matter', async () => {
    await succeed('get-me', 200, { headers: { authorization: `bearer ${buyer.token}` } });
  });
});

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const random = (length: number): string => randomBytes(64).toString('base64url').slice(0, length);
/** Whole bytes of the customer's id stand in the first 21 characters of a token, behind its prefix. */
const idPart = ({ token }: Buyer): string => token.slice(4, 25);

/** Everything that a refused request could have changed. */
async function picture() {
  const me = await succeed('get-me', 200, { token: buyer.token });
  const product = await succeed('get-product', 200, { path: { productId: productId() } });
  return [me.body, product.body, await ordersOf(buyer), await ledgerOf(productId())];
}
