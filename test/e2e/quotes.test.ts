import { beforeAll, inject, test } from 'vitest';
import type { Product } from '../../lib/contract/api/catalog.ts';
import { refused, succeed } from './client.ts';
import { type Buyer, newBuyer, newProduct, ordersOf, updateProduct } from './shop.ts';

const { appKey } = inject('target');
let product: Product;
let buyer: Buyer;
let premium: Buyer;

beforeAll(async () => {
  [product, buyer, premium] = await Promise.all([newProduct({ amount: 1000 }), newBuyer(), newBuyer()]);
  await succeed('update-customer', 200, { token: appKey, path: { customerId: premium.id }, body: { premium: true } });
});

const quote = async (lines: { productId: string; quantity: number }[], token?: string) =>
  (await succeed('create-quote', 200, { body: { lines }, ...(token === undefined ? {} : { token }) })).body;
const euros = (amount: number) => ({ amount, currency: 'EUR' });

test('exactly 100.00 gets no discount', async ({ expect }) => {
  expect(await quote([{ productId: product.id, quantity: 10 }])).toEqual({
    lines: [
      {
        productId: product.id,
        sku: product.sku,
        name: product.name,
        quantity: 10,
        unitPrice: euros(1000),
        total: euros(10_000),
        discount: euros(0),
        tax: euros(0),
        taxRate: null,
      },
    ],
    subtotal: euros(10_000),
    discount: null,
    couponCode: null,
    shipping: null,
    tax: null,
    total: euros(10_000),
  });
});

test('a cent above 100.00 gets 10 % off, rounded to the cent', async ({ expect }) => {
  const cent = await newProduct({ amount: 1, stock: 0 });
  const priced = await quote([
    { productId: product.id, quantity: 10 },
    { productId: cent.id, quantity: 1 },
  ]);
  expect(priced).toMatchObject({
    subtotal: euros(10_001),
    discount: { ...euros(1000), reason: 'large-order' },
    total: euros(9001),
  });
});

test('the threshold is in the order’s own currency: 100 yen, not 10,000', async ({ expect }) => {
  const yen = await newProduct({ amount: 1, currency: 'JPY', stock: 0 });
  expect((await quote([{ productId: yen.id, quantity: 100 }])).discount).toBeNull();
  expect(await quote([{ productId: yen.id, quantity: 110 }])).toMatchObject({
    discount: { amount: 11, currency: 'JPY', reason: 'large-order' },
    total: { amount: 99, currency: 'JPY' },
  });
});

test('a premium customer gets 15 % off, on small orders and on large ones, and never both', async ({ expect }) => {
  const discounted = async (quantity: number) =>
    (await quote([{ productId: product.id, quantity }], premium.token)).discount;
  expect(await discounted(1)).toEqual({ ...euros(150), reason: 'premium-customer' });
  expect(await discounted(20)).toEqual({ ...euros(3000), reason: 'premium-customer' });
});

test('another signed-in customer gets what everybody gets', async ({ expect }) => {
  expect((await quote([{ productId: product.id, quantity: 1 }], buyer.token)).discount).toBeNull();
});

test('a quote orders nothing', async ({ expect }) => {
  await quote([{ productId: product.id, quantity: 1 }], buyer.token);
  expect(await ordersOf(buyer)).toEqual([]);
});

test('the same product twice is summed, where it came first', async ({ expect }) => {
  const other = await newProduct({ stock: 0 });
  const { lines } = await quote([
    { productId: product.id, quantity: 2 },
    { productId: other.id, quantity: 1 },
    { productId: product.id, quantity: 3 },
  ]);
  expect(lines.map(({ productId, quantity }) => [productId, quantity])).toEqual([
    [product.id, 5],
    [other.id, 1],
  ]);
});

test('what an order would be refused for, a quote is refused for, naming the line', async ({ expect }) => {
  const [yen, gone] = await Promise.all([newProduct({ currency: 'JPY', stock: 0 }), newProduct({ stock: 0 })]);
  await updateProduct(gone.id, { active: false });
  const ask = (...ids: string[]) => ({ body: { lines: ids.map((productId) => ({ productId, quantity: 1 })) } });
  const mixed = await refused('create-quote', 422, 'currencies-mixed', ask(product.id, yen.id));
  expect(mixed.body.errors).toMatchObject([{ pointer: '/lines/1/productId' }]);
  const inactive = await refused('create-quote', 422, 'product-not-available', ask(product.id, gone.id));
  expect(inactive.body.errors).toMatchObject([{ pointer: '/lines/1/productId' }]);
  await refused('create-quote', 401, 'unauthenticated', { ...ask(product.id), token: 'cfs_nobody' });
});
