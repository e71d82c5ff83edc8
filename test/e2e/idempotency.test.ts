import { beforeAll, test } from 'vitest';
import type { Product } from '../../lib/contract/api/catalog.ts';
import { call, refused, succeed } from './client.ts';
import { type Buyer, basket, ledgerOf, newBuyer, newProduct, ordersOf, unique, untilEnded } from './shop.ts';

let buyer: Buyer;
let product: Product;

beforeAll(async () => {
  [buyer, product] = await Promise.all([newBuyer(), newProduct()]);
});

test('a repeated order gets the first answer to the byte, while it is pending and when it has ended', async ({
  expect,
}) => {
  const options = { token: buyer.token, key: unique('key'), body: basket(product) };
  const first = await succeed('place-order', 202, options);
  expect(first.headers.get('idempotency-replayed')).toBeNull();
  for (const moment of ['pending', 'ended']) {
    const again = await succeed('place-order', 202, options);
    expect(again.text, moment).toBe(first.text);
    expect(again.headers.get('idempotency-replayed'), moment).toBe('true');
    expect(again.headers.get('location'), moment).toBe(first.headers.get('location'));
    await untilEnded(buyer, first.body.id);
  }
});

test('a repeated order that was waited for gets its end to the byte', async ({ expect }) => {
  const options = { token: buyer.token, key: unique('key'), body: basket(product), wait: 20 };
  const first = await succeed('place-order', 201, options);
  const again = await succeed('place-order', 201, options);
  expect(again.text).toBe(first.text);
  expect(again.headers.get('idempotency-replayed')).toBe('true');
  expect(again.headers.get('location')).toBe(first.headers.get('location'));
});

test('the same order in other words is the same order', async ({ expect }) => {
  const key = unique('key');
  const raw = `{ "paymentMethod": "pm_card_visa",\n "lines": [{ "quantity": 1, "productId": "${product.id}" }] }`;
  const first = await succeed('place-order', 202, { token: buyer.token, key, body: basket(product) });
  const headers = { 'content-type': 'application/json; charset=utf-8' };
  const again = await succeed('place-order', 202, { token: buyer.token, key, raw, headers });
  expect(again.text).toBe(first.text);
});

test('a key that comes with another body is refused and orders nothing', async ({ expect }) => {
  const other = await newBuyer();
  const options = { token: other.token, key: unique('key'), body: basket(product) };
  await succeed('place-order', 202, options);
  const changes = [
    { lines: [{ productId: product.id, quantity: 2 }] },
    { paymentMethod: 'pm_card_chargeDeclined' },
    { lines: [...basket(product).lines, ...basket(product).lines] },
  ];
  for (const change of changes) {
    await refused('place-order', 422, 'idempotency-key-reused', { ...options, body: { ...options.body, ...change } });
  }
  expect(await ordersOf(other)).toHaveLength(1);
});

test('a key belongs to its caller: another customer’s order under it is another order', async ({ expect }) => {
  const other = await newBuyer();
  const key = unique('key');
  const mine = await succeed('place-order', 202, { token: buyer.token, key, body: basket(product) });
  const theirs = await succeed('place-order', 202, { token: other.token, key, body: basket(product) });
  expect(theirs.body.id).not.toBe(mine.body.id);
  expect(theirs.headers.get('idempotency-replayed')).toBeNull();
});

test('a refused order leaves its key free', async () => {
  const options = { token: buyer.token, key: unique('key'), body: basket({ id: `prd_${'0'.repeat(32)}` }) };
  await refused('place-order', 422, 'product-not-available', options);
  await succeed('place-order', 202, { ...options, body: basket(product) });
});

test('an order without a key, or with one that is none, is refused', async ({ expect }) => {
  const other = await newBuyer();
  const options = { token: other.token, body: basket(product) };
  await refused('place-order', 400, 'idempotency-key-missing', options);
  await refused('place-order', 400, 'idempotency-key-invalid', { ...options, key: 'x'.repeat(256) });
  await refused('place-order', 400, 'idempotency-key-invalid', { ...options, key: 'two words' });
  await succeed('place-order', 202, { ...options, key: 'x'.repeat(255) });
  expect(await ordersOf(other)).toHaveLength(1);
});

test('twenty at once under one key make one order, and take its stock once', async ({ expect }) => {
  const [other, sold] = await Promise.all([newBuyer(), newProduct({ stock: 50 })]);
  const options = { token: other.token, key: unique('key'), body: basket(sold) };
  const answers = await Promise.all(Array.from({ length: 20 }, () => call('place-order', options)));
  for (const answer of answers) {
    if (answer.status === 409) expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
    else expect(answer.status, answer.text).toBe(202);
  }
  const accepted = answers.filter(({ status }) => status === 202);
  expect(new Set(accepted.map(({ text }) => text)).size).toBe(1);
  expect(accepted.filter(({ headers }) => headers.get('idempotency-replayed') === null)).toHaveLength(1);

  const [made, ...more] = await ordersOf(other);
  expect(more).toEqual([]);
  expect((await untilEnded(other, made!.id)).status).toBe('confirmed');
  const { movements, level } = await ledgerOf(sold.id);
  expect(movements.map(({ kind }) => kind)).toEqual(['commitment', 'reservation', 'adjustment']);
  expect(level.onHand).toBe(49);
});
