import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { registerByHand } from '../../lib/auth/applications/manage.ts';
import type { Scope } from '../../lib/contract/deploy/roles.ts';
import { systemClock } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { fieldsOf } from '../support/applications.ts';
import { machineVariables } from '../support/definitions.ts';
import { startFakeTaskTokens } from '../support/fake-task-tokens.ts';
import type { Call } from '../support/handlers.ts';
import { type LiveHandlers, openLiveHandlers } from '../support/live-handlers.ts';
import { lockOut } from '../support/lock-out.ts';

let handlers: LiveHandlers;
let sfn: Awaited<ReturnType<typeof startFakeTaskTokens>>;
let keeper: string;
let token: string;
let productIds: string[];
let orderId: string;
const credentials = { email: 'ada@example.com', password: 'correct horse' };

beforeAll(async () => {
  sfn = await startFakeTaskTokens();
  const settings = { RATE_LIMIT_PER_MINUTE: '100000', INCLUDE_TIMEOUT_MS: '2000', AWS_ENDPOINT_URL_SFN: sfn.endpoint };
  handlers = await openLiveHandlers({ ...settings, ...machineVariables });
  keeper = await handlers.appKey('catalog:read', 'catalog:write');
  productIds = [await newProduct('A'), await newProduct('B')];
  await handlers.call('sign-up', { body: { ...credentials, name: 'Ada' } });
  token = await signIn();
  orderId = await newOrder(productIds);
});
afterAll(async () => {
  await handlers?.close();
  await sfn.stop();
});

async function newProduct(name: string): Promise<string> {
  const body = { sku: `PARTS-${name}`, name, price: { amount: 100, currency: 'EUR' } };
  return (await handlers.call('create-product', { token: keeper, body })).body.id;
}

const signIn = async (headers: Record<string, string> = {}): Promise<string> =>
  (await handlers.call('sign-in', { body: credentials, headers })).body.token;

/** A session from an application that has no more than these scopes. */
async function sessionWith(...scopes: Scope[]): Promise<string> {
  const { id } = await registerByHand(handlers.applications, fieldsOf('web', scopes));
  return await signIn({ 'client-id': id });
}

async function newOrder(ids: readonly string[]): Promise<string> {
  const body = { lines: ids.map((productId) => ({ productId, quantity: 1 })), paymentMethod: 'pm_card_visa' };
  const headers = { 'idempotency-key': newId('request', systemClock) };
  const { status, text, body: placed } = await handlers.call('place-order', { token, headers, body });
  expect(status, text).toBe(202);
  return placed.id;
}

const read = (include?: string, call: Call = {}) =>
  handlers.call('get-order', {
    token,
    parameters: { orderId },
    ...(include === undefined ? {} : { query: { include } }),
    ...call,
  });

test('an order is shown with its customer and products as they are now, each part only when it is asked for', async () => {
  const plain = await read();
  expect(plain.body).not.toHaveProperty('included');
  expect(plain.body).not.toHaveProperty('missing');

  const both = await read('customer,products');
  const me = await handlers.call('get-me', { token });
  const products = await Promise.all(
    productIds.map(async (productId) => {
      const { variants: _, ...product } = (await handlers.call('get-product', { parameters: { productId } })).body;
      return product;
    }),
  );
  expect(both).toMatchObject({ status: 200 });
  expect(both.body).toEqual({ ...plain.body, included: { customer: me.body, products }, missing: [] });

  expect((await read('customer')).body.included).toEqual({ customer: me.body });
  expect((await read('products,products')).body.included).toEqual({ products });
});

test('a product that is no longer on sale is not among the products, and the order still names it', async () => {
  const gone = await newProduct('GONE');
  const parameters = { orderId: await newOrder([productIds[0]!, gone]) };
  await handlers.call('update-product', { token: keeper, parameters: { productId: gone }, body: { active: false } });
  const { body } = await read('products', { parameters });
  expect(body.included.products.map(({ id }: { id: string }) => id)).toEqual([productIds[0]]);
  expect(body.lines.map(({ name }: { name: string }) => name)).toEqual(['A', 'GONE']);
  expect(body.missing).toEqual([]);
});

test.each(['', 'payments', 'customer,', 'customer,products,payments', 'Customer', ' customer', 'a,b'])(
  'include=%j is refused, and names what there is',
  async (include) => {
    expect(await read(include)).toMatchObject({
      status: 400,
      body: { code: 'invalid-input', errors: [{ pointer: '?include', detail: 'must be one of customer, products' }] },
    });
  },
);

test('a long list is refused, and so is a parameter that is misspelt', async () => {
  expect(await read(Array(11).fill('customer').join())).toMatchObject({
    status: 400,
    body: { errors: [{ pointer: '?include', detail: 'must have at most 10 items' }] },
  });
  expect(await read(undefined, { query: { includes: 'customer' } })).toMatchObject({
    status: 400,
    body: { errors: [{ pointer: '?includes', detail: 'is unknown' }] },
  });
});

test('another customer’s order is not found, with parts or without', async () => {
  const other = { email: 'bob@example.com', password: 'correct horse' };
  await handlers.call('sign-up', { body: { ...other, name: 'Bob' } });
  const { token: bobs } = (await handlers.call('sign-in', { body: other })).body;
  for (const include of [undefined, 'customer', 'products']) {
    expect(await read(include, { token: bobs })).toMatchObject({ status: 404, body: { code: 'not-found' } });
  }
});

test('an application shows no more by including than by asking itself', async () => {
  const narrow = await sessionWith('orders:read');
  const refused = await read('customer,products', { token: narrow });
  expect(refused).toMatchObject({ status: 403, body: { code: 'forbidden' } });
  expect(refused.body.detail).toContain('catalog:read');

  const { body, headers } = await read('customer', { token: narrow });
  const me = await handlers.call('get-me', { token: narrow });
  expect(body.included.customer).toEqual(me.body);
  expect(Object.keys(body.included.customer)).not.toEqual(expect.arrayContaining(['name']));
  expect(headers.etag).not.toBe((await read('customer')).headers.etag);
  // What is personal in the order itself is left out too. Nothing is in stock, so that it has failed by its second version.
  expect((await read(undefined, { token: narrow })).headers.etag).toBe('"2-limited"');

  const key = await handlers.appKey('orders:read', 'catalog:read', 'customers:read');
  expect((await read('customer', { token: key })).body.included.customer).toEqual(
    (await read('customer')).body.included.customer,
  );
  const blind = await handlers.appKey('orders:read', 'catalog:read');
  expect((await read('customer', { token: blind })).body.included.customer).not.toHaveProperty('email');
});

test('the ETag of a composed answer changes with each of its parts, and that of the order does not', async () => {
  const plain = await read();
  expect(plain.headers.etag).toBe(`"${plain.body.version}"`);
  const before = await read('customer,products');
  const again = (include: string | undefined, etag: string) => read(include, { headers: { 'if-none-match': etag } });
  expect(await again('customer,products', before.headers.etag!)).toMatchObject({ status: 304, text: '' });
  expect((await again('products,customer,products', before.headers.etag!)).status).toBe(304);
  expect((await again('customer,products', plain.headers.etag!)).status).toBe(200);
  expect(before.headers['cache-control']).toBe('private, no-cache');

  const changed = { token: keeper, parameters: { productId: productIds[1]! }, body: { name: 'B, renamed' } };
  expect((await handlers.call('update-product', changed)).status).toBe(200);
  const after = await again('customer,products', before.headers.etag!);
  expect(after.status).toBe(200);
  expect(after.body.included.products[1].name).toBe('B, renamed');
  expect(after.body.lines[1].name).toBe('B');
  expect((await again(undefined, plain.headers.etag!)).status).toBe(304);

  await handlers.call('update-me', { token, body: { name: 'Ada L.' } });
  expect((await again('customer,products', after.headers.etag!)).body.included.customer.name).toBe('Ada L.');
});

test.each([
  ['customer', 'profiles_api', 'products'],
  ['products', 'catalog_reader', 'customer'],
] as const)(
  'with the room of the %s locked out, the order comes without them, and with them again afterwards',
  async (part, role, other) => {
    const whole = await read('customer,products');
    const open = await lockOut(handlers, [role]);
    for (let n = 0; n < 3; n++) {
      const { status, body, headers } = await read('customer,products');
      expect(status).toBe(200);
      expect(body).toEqual({
        ...whole.body,
        included: { [part]: null, [other]: whole.body.included[other] },
        missing: [{ part, reason: 'unavailable' }],
      });
      expect(headers.etag).not.toBe(whole.headers.etag);
    }
    expect((await read()).status).toBe(200);
    await open();
    while ((await read('customer,products')).body.missing.length > 0) await sleep(50);
    expect((await read('customer,products')).body).toEqual(whole.body);
  },
);

test('a room that hangs costs the answer its time limit once, and then nothing until it answers again', async () => {
  const { release, held } = { release: Promise.withResolvers<void>(), held: Promise.withResolvers<void>() };
  const lock = handlers.owner.begin(async (tx) => {
    await tx`lock table catalog.products, customers.customers in access exclusive mode`;
    held.resolve();
    await release.promise;
  });
  await held.promise;
  const begun = performance.now();
  const { status, body } = await read('customer,products');
  const took = performance.now() - begun;
  expect(status).toBe(200);
  expect(body.id).toBe(orderId);
  expect(body.included).toEqual({ customer: null, products: null });
  expect(body.missing).toEqual([
    { part: 'customer', reason: 'timed-out' },
    { part: 'products', reason: 'timed-out' },
  ]);
  // One limit for both, and not one after the other.
  expect(took).toBeGreaterThan(1900);
  expect(took).toBeLessThan(3900);
  expect((await read('customer,products')).body.missing).toEqual([
    { part: 'customer', reason: 'unavailable' },
    { part: 'products', reason: 'unavailable' },
  ]);
  release.resolve();
  await lock;
  while ((await read('customer,products')).body.missing.length > 0) await sleep(50);
});
