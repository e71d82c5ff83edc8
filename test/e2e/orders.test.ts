import { beforeAll, inject, test } from 'vitest';
import type { Product } from '../../lib/contract/api/catalog.ts';
import { refused, send, succeed } from './client.ts';
import {
  type Buyer,
  basket,
  getOrder,
  levelOf,
  newBuyer,
  newProduct,
  order,
  ordersOf,
  timelineOf,
  unique,
  untilEnded,
  updateProduct,
} from './shop.ts';

const { appKey } = inject('target');
let buyer: Buyer;
let product: Product;

beforeAll(async () => {
  [buyer, product] = await Promise.all([newBuyer(), newProduct({ amount: 1999 })]);
});

test('an order is accepted, found at once under its location, and confirmed', async ({ expect }) => {
  const body = { lines: [{ productId: product.id, quantity: 2 }], paymentMethod: 'pm_card_visa' };
  const placed = await succeed('place-order', 202, { token: buyer.token, key: unique('key'), body });
  expect(placed.body).toMatchObject({ status: 'pending', customerId: buyer.id, payment: null, failure: null });
  expect(placed.headers.get('location')).toBe(`/orders/${placed.body.id}`);
  const found = await send('GET', placed.headers.get('location')!, { token: buyer.token });
  expect(found.status).toBe(200);
  expect(found.body).toMatchObject({ id: placed.body.id, createdAt: placed.body.createdAt });

  expect(await untilEnded(buyer, placed.body.id)).toMatchObject({
    status: 'confirmed',
    lines: [
      {
        productId: product.id,
        sku: product.sku,
        name: product.name,
        quantity: 2,
        unitPrice: { amount: 1999, currency: 'EUR' },
        total: { amount: 3998, currency: 'EUR' },
        discount: { amount: 0, currency: 'EUR' },
        tax: { amount: 0, currency: 'EUR' },
        taxRate: null,
      },
    ],
    subtotal: { amount: 3998, currency: 'EUR' },
    discount: null,
    total: { amount: 3998, currency: 'EUR' },
    payment: { id: expect.stringMatching(/^pay_/), status: 'captured' },
    failure: null,
  });
});

test('who prefers to wait gets the order as it ended', async ({ expect }) => {
  const ordered = { token: buyer.token, key: unique('key'), body: basket(product), wait: 20 };
  const { body, headers } = await succeed('place-order', 201, ordered);
  expect(body).toMatchObject({ status: 'confirmed', payment: { status: 'captured' } });
  expect(headers.get('preference-applied')).toBe('wait=20');
  expect(headers.get('location')).toBe(`/orders/${body.id}`);
  expect(await getOrder(buyer, body.id)).toEqual(body);
});

test('an order comes with its customer and products as they are now', async ({ expect }) => {
  const { id } = await order(buyer, basket(product));
  const read = () =>
    succeed('get-order', 200, { token: buyer.token, path: { orderId: id }, query: { include: 'customer,products' } });
  let { body } = await read();
  // On a busy machine a part may be late.
  while (body.missing!.length > 0) ({ body } = await read());
  const { included, missing, ...plain } = body;
  expect(plain).toEqual(await getOrder(buyer, id));
  expect(included!.customer).toEqual((await succeed('get-me', 200, { token: buyer.token })).body);
  expect(included!.products).toMatchObject([{ id: product.id, active: true }]);
});

test('a preference that cannot be understood is ignored', async ({ expect }) => {
  const options = { token: buyer.token, key: unique('key'), body: basket(product), headers: { prefer: 'wait=soon' } };
  const { headers } = await succeed('place-order', 202, options);
  expect(headers.get('preference-applied')).toBeNull();
});

test('the timeline tells what happened, in order', async ({ expect }) => {
  const { id } = await order(buyer, basket(product));
  const { body } = await succeed('get-order-timeline', 200, { token: buyer.token, path: { orderId: id } });
  const times = body.data.map(({ at }) => at);
  expect(times).toEqual(times.toSorted());
  expect(await timelineOf(buyer, id)).toEqual([
    'order-placed',
    'stock-reserved',
    'status-changed reserved',
    'payment-captured',
    'stock-committed',
    'status-changed confirmed',
  ]);
});

test('an order that has changed since has another tag, and one that has not is not sent again', async ({ expect }) => {
  const { id } = await order(buyer, basket(product));
  const path = { orderId: id };
  const { headers } = await succeed('get-order', 200, { token: buyer.token, path });
  const again = { token: buyer.token, path, headers: { 'if-none-match': headers.get('etag')! } };
  expect((await send('GET', `/orders/${id}`, again)).status).toBe(304);
  expect(headers.get('cache-control')).toMatch(/private|no-store/);
  await succeed('cancel-order', 200, { token: buyer.token, path, wait: 20 });
  await succeed('get-order', 200, again);
});

test('a later change of price and name leaves the order as it was', async ({ expect }) => {
  const sold = await newProduct({ amount: 500, name: 'Old name' });
  const before = await order(buyer, basket(sold));
  await updateProduct(sold.id, { name: 'New name', sku: unique('E2E'), price: { amount: 900, currency: 'USD' } });
  expect(await getOrder(buyer, before.id)).toEqual(before);
  const after = await order(buyer, basket(sold));
  expect(after.lines).toMatchObject([{ name: 'New name', unitPrice: { amount: 900, currency: 'USD' } }]);
});

test('a discount is charged as it was quoted', async ({ expect }) => {
  const { lines } = { lines: [{ productId: product.id, quantity: 7 }] };
  const quoted = await succeed('create-quote', 200, { token: buyer.token, body: { lines } });
  const ordered = await order(buyer, { lines, paymentMethod: 'pm_card_visa' });
  expect(ordered).toMatchObject({ ...quoted.body, status: 'confirmed' });
  expect(ordered.discount).toEqual({ amount: 1399, currency: 'EUR', reason: 'large-order' });
});

test('premium counts from the next order on', async ({ expect }) => {
  const loyal = await newBuyer();
  await succeed('update-customer', 200, { token: appKey, path: { customerId: loyal.id }, body: { premium: true } });
  const ordered = await order(loyal, basket(product));
  expect(ordered).toMatchObject({ discount: { amount: 300, reason: 'premium-customer' }, total: { amount: 1699 } });
});

test('an order that costs nothing is confirmed', async ({ expect }) => {
  const gift = await newProduct({ amount: 0 });
  const ordered = await order(buyer, basket(gift));
  expect(ordered).toMatchObject({ status: 'confirmed', total: { amount: 0 }, discount: null });
});

test('the same product twice is one line and one reservation', async ({ expect }) => {
  const { id } = await newProduct({ stock: 5 });
  const line = (quantity: number) => ({ productId: id, quantity });
  const ordered = await order(buyer, { ...basket(), lines: [line(2), line(3)] });
  expect(ordered.status).toBe('confirmed');
  expect(ordered.lines).toMatchObject([{ productId: id, quantity: 5 }]);
  expect(await levelOf(id)).toMatchObject({ onHand: 0, reserved: 0, available: 0 });
});

test('an order of many products and fifty lines goes through, one line more does not', async ({ expect }) => {
  const products = await Promise.all(Array.from({ length: 5 }, () => newProduct({ stock: 10 })));
  const lines = Array.from({ length: 50 }, (_, i) => ({ productId: products[i % 5]!.id, quantity: 1 }));
  const ordered = await order(buyer, { ...basket(), lines });
  expect(ordered.status).toBe('confirmed');
  expect(ordered.lines.map(({ quantity }) => quantity)).toEqual([10, 10, 10, 10, 10]);
  const tooMany = { ...basket(), lines: [...lines, lines[0]] };
  const options = { token: buyer.token, key: unique('key'), body: tooMany };
  const { body } = await refused('place-order', 400, 'invalid-input', options);
  expect(body.errors).toMatchObject([{ pointer: '/lines' }]);
});

test('products that are unknown, off sale or of another currency are named by their line, and nothing is ordered', async ({
  expect,
}) => {
  const [other, yen, gone] = await Promise.all([newBuyer(), newProduct({ currency: 'JPY' }), newProduct()]);
  await updateProduct(gone.id, { active: false });
  const ask = (...products: { id: string }[]) => ({
    token: other.token,
    key: unique('key'),
    body: basket(...products),
  });
  const mixed = await refused('place-order', 422, 'currencies-mixed', ask(product, yen));
  expect(mixed.body.errors).toMatchObject([{ pointer: '/lines/1/productId' }]);
  const inactive = await refused('place-order', 422, 'product-not-available', ask(product, product, gone));
  expect(inactive.body.errors).toMatchObject([{ pointer: '/lines/2/productId' }]);
  const nothing = { id: `prd_${'0'.repeat(32)}` };
  const unknown = await refused('place-order', 422, 'product-not-available', ask(nothing, product, nothing));
  expect(unknown.body.errors).toMatchObject([{ pointer: '/lines/0/productId' }, { pointer: '/lines/2/productId' }]);
  expect(await ordersOf(other)).toEqual([]);
});

test('orders are listed newest first, by pages and by status', async ({ expect }) => {
  const [other, sold] = await Promise.all([newBuyer(), newProduct({ stock: 2 })]);
  const confirmed = [await order(other, basket(sold)), await order(other, basket(sold))];
  const failed = await order(other, basket(sold));
  expect(failed.failure?.code).toBe('out-of-stock');
  expect(await ordersOf(other, { limit: 1 })).toEqual([failed, ...confirmed.toReversed()]);
  expect(await ordersOf(other, { limit: 1, status: 'confirmed' })).toEqual(confirmed.toReversed());
  expect(await ordersOf(other, { status: 'cancelled' })).toEqual([]);

  const { body } = await succeed('list-orders', 200, { token: other.token, query: { limit: 1, status: 'confirmed' } });
  expect(body).toMatchObject({ hasMore: true, data: [{ id: confirmed[1]!.id }] });
  const cursor = body.nextCursor!;
  const refusals = [
    { token: other.token, query: { cursor: cursor.slice(0, -2), status: 'confirmed' } },
    { token: other.token, query: { cursor } },
    { token: buyer.token, query: { cursor, status: 'confirmed' } },
  ];
  for (const options of refusals) await refused('list-orders', 400, 'invalid-cursor', options);
});
