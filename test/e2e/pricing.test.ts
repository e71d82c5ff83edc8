import { beforeAll, inject, test } from 'vitest';
import type { Product } from '../../lib/contract/api/catalog.ts';
import { call, refused, succeed } from './client.ts';
import { type Buyer, newBuyer, newProduct, unique } from './shop.ts';

const { appKey } = inject('target');
let product: Product;
let buyer: Buyer;
let parcel: string;

beforeAll(async () => {
  [product, buyer] = await Promise.all([newProduct({ amount: 1000 }), newBuyer()]);
  parcel = unique('parcel');
  await put('put-shipping-method', parcel, {
    ...{ name: 'Parcel', countries: ['AT', 'DE'], currency: 'EUR', freeAbove: 5000 },
    cost: {
      type: 'by-total',
      tiers: [
        { upTo: 2000, amount: 695 },
        { upTo: null, amount: 495 },
      ],
    },
  });
});

const euros = (amount: number) => ({ amount, currency: 'EUR' });
const newCode = () => unique('E2E').toUpperCase().slice(0, 40);
const put = (operation: 'put-shipping-method' | 'put-coupon', code: string, body: object) =>
  succeed(operation, 201, { token: appKey, path: { code }, body });
const basket = (quantity: number) => ({
  lines: [{ productId: product.id, quantity }],
  shippingMethod: parcel,
  shippingAddress: { name: 'Grace', line1: 'Weg 1', postalCode: '10115', city: 'Berlin', country: 'DE' },
});
const placing = (body: object, token = buyer.token) => ({
  ...{ token, key: unique('order'), wait: 20 },
  body: { ...body, paymentMethod: 'pm_card_visa' },
});

test('an order with shipping and a coupon costs what it was quoted, to the cent', async ({ expect }) => {
  const code = newCode();
  await put('put-coupon', code, { value: { type: 'percent', percent: 33 }, usageLimit: 1 });
  const asked = { ...basket(3), couponCode: code.toLowerCase() };
  const { body: quote } = await succeed('create-quote', 200, { token: buyer.token, body: asked });
  expect(quote).toMatchObject({
    lines: [{ total: euros(3000), discount: euros(990) }],
    subtotal: euros(3000),
    discount: { ...euros(990), reason: 'coupon' },
    couponCode: code,
    shipping: { ...euros(495), method: parcel },
    total: euros(2505),
  });
  const { body: order } = await succeed('place-order', 201, placing({ ...asked, expectedTotal: quote.total }));
  expect(order).toMatchObject({ ...quote, status: 'confirmed', payment: { status: 'captured' } });
  await refused('place-order', 409, 'coupon-used-up', placing(asked));

  await succeed('cancel-order', 200, { token: buyer.token, path: { orderId: order.id }, wait: 20 });
  const { body: coupon } = await succeed('get-coupon', 200, { token: appKey, path: { code } });
  expect(coupon).toMatchObject({ used: 0, usageLimit: 1 });
  expect((await succeed('place-order', 201, placing(asked))).body).toMatchObject({
    couponCode: code,
    status: 'confirmed',
  });
});

test('shipping goes by what the goods cost, and is free above an amount', async ({ expect }) => {
  const shippingOf = async (quantity: number) =>
    (await succeed('create-quote', 200, { body: basket(quantity) })).body.shipping;
  expect(await shippingOf(2)).toMatchObject(euros(695));
  expect(await shippingOf(5)).toMatchObject(euros(495));
  expect(await shippingOf(6)).toMatchObject(euros(0));
});

test('a coupon is used exactly as often as it may be by buyers at the same moment', async ({ expect }) => {
  const code = newCode();
  await put('put-coupon', code, { value: { type: 'free-shipping' }, usageLimit: 3 });
  const attempts = await Promise.all(
    [...Array(8)].map(() => call('place-order', placing({ ...basket(1), couponCode: code }))),
  );
  expect(attempts.filter(({ status }) => status === 201)).toHaveLength(3);
  const { body: coupon } = await succeed('get-coupon', 200, { token: appKey, path: { code } });
  expect(coupon.used).toBe(3);
});

test('when the price moved since the quote, nothing is ordered and the new quote is shown', async ({ expect }) => {
  const { body: quote } = await succeed('create-quote', 200, { body: basket(1) });
  const expectedTotal = euros(quote.total.amount - 1);
  const { body } = await refused('place-order', 409, 'total-changed', placing({ ...basket(1), expectedTotal }));
  expect(body).toMatchObject({ quote: { total: quote.total } });
});

test('what does not fit is refused by a problem of its own', async () => {
  const unknown = { ...basket(1), couponCode: newCode() };
  await refused('create-quote', 422, 'coupon-unknown', { body: unknown });
  const expired = newCode();
  await put('put-coupon', expired, { value: { type: 'percent', percent: 5 }, validTo: '2020-01-01T00:00:00Z' });
  await refused('create-quote', 422, 'coupon-not-valid', { body: { ...basket(1), couponCode: expired } });
  const { shippingAddress } = basket(1);
  const away = { ...basket(1), shippingAddress: { ...shippingAddress, country: 'FR', postalCode: '75001' } };
  await refused('create-quote', 422, 'shipping-method-unavailable', { body: away });
});
