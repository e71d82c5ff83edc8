import assert from 'node:assert/strict';
import { afterAll, beforeAll, inject, test } from 'vitest';
import type { Product } from '../../lib/contract/api/catalog.ts';
import type { OperationId } from '../../lib/contract/api/operations.ts';
import type { Order } from '../../lib/contract/api/orders.ts';
import type { ProblemCode } from '../../lib/contract/api/problems.ts';
import { type Options, refused, send, succeed } from './client.ts';
import { type Buyer, basket, ledgerOf, newBuyer, newProduct, order, ordersOf, unique } from './shop.ts';

const { appKey } = inject('target');
let buyer: Buyer;
let product: Product;
let bought: Order;
let before: unknown;

beforeAll(async () => {
  [buyer, product] = await Promise.all([newBuyer(), newProduct()]);
  bought = await order(buyer, basket(product));
  before = await picture();
});

afterAll(async () => {
  assert.deepEqual(await picture(), before);
});

/** Everything that these requests could have changed. */
async function picture() {
  const me = await succeed('get-me', 200, { token: buyer.token });
  const seen = await succeed('get-product', 200, { path: { productId: product.id } });
  return [me.body, seen.body, await ordersOf(buyer), await ledgerOf(product.id)];
}

const json = { 'content-type': 'application/json' };
const session = () => ({ token: buyer.token });
const app = { token: appKey };
const ordering = (body: object): Options => ({ ...session(), key: unique('key'), body });
const withLine = (line: object) => ordering({ ...basket(), lines: [{ productId: product.id, quantity: 1, ...line }] });
const person = (change: object) => ({
  body: { email: `${unique('x')}@example.com`, password: 'long enough', name: 'X', ...change },
});
const thing = (change: object) => ({
  ...app,
  body: { sku: unique('E2E'), name: 'X', price: { amount: 1, currency: 'EUR' }, ...change },
});
const moving = (change: object) => ({
  ...app,
  path: { productId: product.id },
  body: { quantity: 1, reason: 'x', ...change },
});
const changing = (body: unknown) => ({ ...app, path: { productId: product.id }, body });

type Case = [title: string, operation: OperationId, options: () => Options, pointer: string];

/** Each gives 400 `invalid-input` and names what is wrong. */
const invalid: Case[] = [
  ['no lines', 'place-order', () => ordering({ paymentMethod: 'pm_card_visa' }), '/lines'],
  ['an empty basket', 'place-order', () => ordering({ ...basket(), lines: [] }), '/lines'],
  ['lines that are an object', 'place-order', () => ordering({ ...basket(), lines: {} }), '/lines'],
  ['no payment method', 'place-order', () => ordering({ lines: basket(product).lines }), '/paymentMethod'],
  ['a card number', 'place-order', () => ordering({ ...basket(product), paymentMethod: '4242' }), '/paymentMethod'],
  ['a price of the client’s own', 'place-order', () => withLine({ unitPrice: 1 }), '/lines/0/unitPrice'],
  ['another customer', 'place-order', () => ordering({ ...basket(product), customerId: 'cus_1' }), '/customerId'],
  ['quantity 0', 'place-order', () => withLine({ quantity: 0 }), '/lines/0/quantity'],
  ['quantity −1', 'place-order', () => withLine({ quantity: -1 }), '/lines/0/quantity'],
  ['quantity 1000', 'place-order', () => withLine({ quantity: 1000 }), '/lines/0/quantity'],
  ['quantity 1.5', 'place-order', () => withLine({ quantity: 1.5 }), '/lines/0/quantity'],
  ['quantity as text', 'place-order', () => withLine({ quantity: '1' }), '/lines/0/quantity'],
  [
    'quantity 1e400',
    'place-order',
    () => rawOrder('{"lines":[{"productId":"P","quantity":1e400}]'),
    '/lines/0/quantity',
  ],
  ['an id of another kind', 'place-order', () => withLine({ productId: bought.id }), '/lines/0/productId'],
  ['1000 of a product by two lines', 'place-order', () => twoLines(500, 500), '/lines/1/quantity'],
  ['an array', 'place-order', () => ({ ...ordering({}), body: [] }), ''],
  ['null', 'place-order', () => ({ ...ordering({}), body: null }), ''],
  ['a body where none is taken', 'sign-out', () => ({ ...session(), body: { reason: 'no' } }), ''],
  ['an e-mail that is none', 'sign-up', () => person({ email: 'not-an-address' }), '/email'],
  ['a short password', 'sign-up', () => person({ password: 'short' }), '/password'],
  ['a very long password', 'sign-up', () => person({ password: 'x'.repeat(129) }), '/password'],
  ['a blank name', 'sign-up', () => person({ name: '   ' }), '/name'],
  ['control characters', 'sign-up', () => person({ name: 'a\u0000b' }), '/name'],
  ['half a surrogate pair', 'sign-up', () => person({ name: 'a\ud800b' }), '/name'],
  ['a wish to be premium', 'sign-up', () => person({ premium: true }), '/premium'],
  ['a name that is a number', 'update-me', () => ({ ...session(), body: { name: 1 } }), '/name'],
  ['premium by the customer', 'update-me', () => ({ ...session(), body: { premium: true } }), '/premium'],
  ['no change at all', 'update-me', () => ({ ...session(), body: {} }), ''],
  ['half an address', 'update-me', () => ({ ...session(), body: { address: { city: 'X' } } }), '/address/line1'],
  ['a SKU with spaces', 'create-product', () => thing({ sku: 'two words' }), '/sku'],
  ['a negative price', 'create-product', () => thing({ price: { amount: -1, currency: 'EUR' } }), '/price/amount'],
  [
    'a price in parts of a cent',
    'create-product',
    () => thing({ price: { amount: 9.5, currency: 'EUR' } }),
    '/price/amount',
  ],
  [
    'a currency that is none',
    'create-product',
    () => thing({ price: { amount: 1, currency: 'XXQ' } }),
    '/price/currency',
  ],
  ['a price that is a number', 'update-product', () => changing({ price: 999 }), '/price'],
  ['no change of a product', 'update-product', () => changing({}), ''],
  ['a movement of nothing', 'create-stock-movement', () => moving({ quantity: 0 }), '/quantity'],
  ['a movement without a reason', 'create-stock-movement', () => moving({ reason: '' }), '/reason'],
  ['a movement of a million and one', 'create-stock-movement', () => moving({ quantity: 1_000_001 }), '/quantity'],
  ['limit 0', 'list-products', () => ({ query: { limit: 0 } }), '?limit'],
  ['limit 101', 'list-products', () => ({ query: { limit: 101 } }), '?limit'],
  ['limit as a word', 'list-orders', () => ({ ...session(), query: { limit: 'ten' } }), '?limit'],
  ['a status that is none', 'list-orders', () => ({ ...session(), query: { status: 'lost' } }), '?status'],
  ['an unknown filter', 'list-orders', () => ({ ...session(), query: { customerId: 'cus_1' } }), '?customerId'],
];

test.for(invalid)('%s (%s) is refused and named', async ([_, operation, options, pointer], { expect }) => {
  const { body } = await refused(operation, 400, 'invalid-input', options());
  expect(body.errors?.map((error) => error.pointer)).toContain(pointer);
});

/** Each gives a problem of its own. */
const refusals: [string, OperationId, () => Options, number, ProblemCode][] = [
  ['broken JSON', 'place-order', () => ({ ...ordering({}), ...raw('{"lines": [') }), 400, 'invalid-json'],
  ['no body at all', 'sign-up', () => raw(''), 400, 'invalid-json'],
  ['text that is not JSON', 'create-quote', () => raw('hello'), 400, 'invalid-json'],
  ['form data', 'sign-up', () => form('email=a%40example.com'), 415, 'unsupported-media-type'],
  ['plain text', 'create-quote', () => ({ raw: '{}' }), 415, 'unsupported-media-type'],
  [
    'XML',
    'place-order',
    () => ({ ...ordering({}), ...raw('<order/>', 'application/xml') }),
    415,
    'unsupported-media-type',
  ],
  ['a body of 70 KB', 'place-order', () => ordering({ ...basket(), note: 'x'.repeat(70_000) }), 413, 'body-too-large'],
  ['70 KB of spaces', 'sign-in', () => raw(' '.repeat(70_000)), 413, 'body-too-large'],
  [
    '70 KB where no body is taken',
    'sign-out',
    () => ({ ...session(), ...raw('x'.repeat(70_000)) }),
    413,
    'body-too-large',
  ],
  ['a made-up cursor', 'list-orders', () => ({ ...session(), query: { cursor: 'abc' } }), 400, 'invalid-cursor'],
  ['an id that cannot be', 'get-order', () => ({ ...session(), path: { orderId: "' or 1=1 --" } }), 404, 'not-found'],
  ['an id of another kind', 'get-order', () => ({ ...session(), path: { orderId: product.id } }), 404, 'not-found'],
  [
    'a change of an id that cannot be',
    'update-customer',
    () => ({ ...app, path: { customerId: 'me2' }, body: { premium: true } }),
    404,
    'not-found',
  ],
  [
    'an If-Match that is none',
    'update-me',
    () => ({ ...session(), body: { name: 'X' }, headers: { 'if-match': '3' } }),
    412,
    'version-stale',
  ],
];

test.each(refusals)('%s (%s) is refused', async (_, operation, options, status, code) => {
  await refused(operation, status, code, options());
});

test('several mistakes are named at once', async ({ expect }) => {
  const body = { lines: [{ productId: 'x', quantity: 0, colour: 'red' }], paymentMethod: 7 };
  const problem = await refused('place-order', 400, 'invalid-input', ordering(body));
  expect(problem.body.errors?.map(({ pointer }) => pointer).sort()).toEqual([
    '/lines/0/colour',
    '/lines/0/productId',
    '/lines/0/quantity',
    '/paymentMethod',
  ]);
});

test.each([
  ['constructor', 'invalid-input'],
  ['toString', 'invalid-input'],
  ['__proto__', 'invalid-json'],
] as const)('a member %s gets nobody anything', async (name, code) => {
  const text = `{"name":"Mallory","${name}":{"premium":true}}`;
  await refused('update-me', 400, code, { ...session(), ...raw(text) });
});

test('JSON that is very deep is refused', async () => {
  const deep = `{"name":${'['.repeat(20_000)}${']'.repeat(20_000)}}`;
  await refused('update-me', 400, 'invalid-json', { ...session(), ...raw(deep) });
});

test('a body of 11 MB is refused before it comes to anything', async ({ expect }) => {
  const answer = await send('POST', '/orders', { ...session(), ...raw(`"${'x'.repeat(11 << 20)}"`) });
  expect(answer.status).toBe(413);
});

function raw(text: string, type = json['content-type']): Options {
  return { raw: text, body: undefined, headers: { 'content-type': type } };
}
const form = (text: string): Options => raw(text, 'application/x-www-form-urlencoded');
const twoLines = (...quantities: number[]): Options =>
  ordering({ ...basket(), lines: quantities.map((quantity) => ({ productId: product.id, quantity })) });
const rawOrder = (start: string): Options => ({
  ...ordering({}),
  ...raw(`${start.replace('P', product.id)},"paymentMethod":"pm_card_visa"}`),
});
