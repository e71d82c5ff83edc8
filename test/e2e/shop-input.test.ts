import assert from 'node:assert/strict';
import { afterAll, beforeAll, test } from 'vitest';
import type { ProblemCode } from '../../lib/contract/api/problems.ts';
import { refused, succeed } from './client.ts';
import { berlin, eur, type OwnShop, openOwnShop, units, until } from './own-shop.ts';
import { unique } from './shop.ts';

/* On a stack of its own, so that nobody else changes what these requests must not change. */
let shop: OwnShop;
let mug: string;
let sold: Awaited<ReturnType<OwnShop['orderAsGuest']>>;
let gem: string;
let couponCode: string;
let before: unknown;

beforeAll(async () => {
  shop = await openOwnShop({ TAX: 'included' });
  mug = await shop.newProduct({ name: 'Cup', price: eur(1511) });
  gem = await shop.newProduct({ name: 'Gem', price: eur(9000), taxClass: 'luxury' });
  couponCode = await shop.newCoupon({ value: { type: 'percent', percent: 50 }, usageLimit: 1 });
  const wanted = { lines: [units(mug, 2)], couponCode };
  // It takes the last use of the coupon after this quote.
  await succeed('create-quote', 200, shop.visitor({ body: { ...wanted, shippingAddress: berlin } }));
  sold = await shop.orderAsGuest(wanted);
  assert.equal(sold.order.status, 'confirmed');
  await shop.ship(sold.order.id, {});
  await succeed('request-refund', 201, refunding());
  before = await picture();
});

afterAll(async () => {
  assert.deepEqual(await picture(), before);
  await shop?.close();
});

/** Everything that these requests could have changed. */
async function picture() {
  const { body: orders } = await succeed('list-orders', 200, shop.office({ query: { include: 'count' } }));
  const { body: coupon } = await succeed('get-coupon', 200, shop.office({ path: { code: couponCode } }));
  const { body: products } = await succeed('list-products', 200, shop.visitor({ query: { limit: 100 } }));
  const stock = shop.office({ path: { productId: mug } });
  return [orders, coupon, products.data.length, (await succeed('list-stock-movements', 200, stock)).body];
}

const guest = () => ({ email: `${unique('guest')}@example.com` });
const lines = () => [units(mug, 1)];

type Case = [what: string, wish: () => object, status: number, code: ProblemCode, pointer: string];

/** Each is refused of a quote and of an order alike. */
const baskets: Case[] = [
  ['a country that is none', () => goingTo({ country: 'UK' }), 422, 'country-unknown', '/shippingAddress/country'],
  ['a country that was', () => goingTo({ country: 'SU' }), 422, 'country-unknown', '/shippingAddress/country'],
  [
    'a country that the shipping method does not serve',
    () => goingTo({ country: 'US', postalCode: '10115' }),
    422,
    'shipping-method-unavailable',
    '/shippingMethod',
  ],
  [
    'a shipping method that does not exist',
    () => ({ shippingMethod: 'drone' }),
    422,
    'shipping-method-unavailable',
    '/shippingMethod',
  ],
  ['a coupon that is used up', () => ({ couponCode }), 409, 'coupon-used-up', '/couponCode'],
  ['a coupon that does not exist', () => ({ couponCode: 'NOPE' }), 422, 'coupon-unknown', '/couponCode'],
];
const goingTo = (change: object) => ({ shippingAddress: { ...berlin, ...change } });

test.for(baskets)('%s is refused, and named', async ([_what, wish, status, code, pointer], { expect }) => {
  const { paymentMethod, ...basket } = { ...shop.basket(), lines: lines(), ...wish() };
  const quoting = shop.visitor({ body: basket });
  const placing = shop.visitor({ key: unique('order'), body: { ...basket, paymentMethod, contact: guest() } });
  for (const { body } of [
    await refused('create-quote', status, code, quoting),
    await refused('place-order', status, code, placing),
  ]) {
    expect(body.errors?.map((error) => error.pointer)).toContain(pointer);
  }
});

const postalCodes = {
  AU: '200',
  BR: '1310-10',
  CA: 'D1A 1A1',
  CH: '80011',
  CN: '1000',
  DE: '1011',
  ES: '2801',
  FR: '7500',
  GB: 'SW1',
  ID: '1011',
  IN: '11000',
  IT: '0018',
  JP: '100-000',
  KR: '0318',
  MX: '0600',
  NL: '1012',
  RU: '10100',
  SA: '1156',
  TR: '3411',
  US: '9021',
};

test.for(Object.entries(postalCodes))(
  'the postal code of %s is not %s, nor none',
  async ([country, postalCode], { expect }) => {
    for (const code of [postalCode, undefined]) {
      const address = { ...berlin, country, postalCode: code };
      for (const name of ['shippingAddress', 'billingAddress']) {
        const basket = { lines: lines(), shippingAddress: berlin, [name]: address };
        const { body } = await refused('create-quote', 422, 'postal-code-invalid', shop.visitor({ body: basket }));
        expect(body.errors).toMatchObject([{ pointer: `/${name}/postalCode` }]);
        const order = { ...basket, paymentMethod: 'pm_card_visa', contact: guest() };
        const placing = shop.visitor({ key: unique('order'), body: order });
        await refused('place-order', 422, 'postal-code-invalid', placing);
      }
    }
  },
);

test.for([
  ['a country', () => ({ lines: lines(), shippingAddress: { ...berlin, country: 'IE' } }), /IE/],
  ['a tax class', () => ({ lines: [units(gem, 1)], shippingAddress: berlin }), /luxury/],
] as const)(
  '%s without a tax rate is refused, and never taxed with nothing',
  async ([_what, wish, named], { expect }) => {
    const { body } = await refused('create-quote', 422, 'tax-rate-missing', shop.visitor({ body: wish() }));
    expect(body.detail).toMatch(named);
    const order = { ...wish(), paymentMethod: 'pm_card_visa', contact: guest() };
    await refused('place-order', 422, 'tax-rate-missing', shop.visitor({ key: unique('order'), body: order }));
  },
);

test('more than was ordered is neither packed nor returned, and a line is refunded once', async () => {
  const path = { orderId: sold.order.id };
  const tooMany = { lines: [units(mug, 3)] };
  await refused(
    'create-fulfilment',
    409,
    'fulfilment-too-large',
    shop.office({ key: unique('pack'), path, body: tooMany }),
  );
  const asking = { lines: [{ ...units(mug, 3), reason: 'unwanted' }] };
  await refused('request-return', 409, 'return-too-large', shop.office({ key: unique('return'), path, body: asking }));
  await refused('request-refund', 409, 'line-refunded', refunding());
});

const refunding = () =>
  shop.office({
    ...{ key: unique('refund'), wait: 20, path: { orderId: sold.order.id } },
    body: { lines: [units(mug, 2)], reason: 'broken' },
  });

test.for([
  ['a thousand characters', 'x'.repeat(1000), 400, 'invalid-input'],
  ['stop words alone', 'of the', 422, 'search-without-words'],
  ['signs alone', '%&/()', 422, 'search-without-words'],
] as const)('a search for %s is refused', async ([_what, q, status, code]) => {
  await refused('list-products', status, code, shop.visitor({ query: { q } }));
});

test.for(['application/x-ndjson', 'text/csv'])(
  'a file of products with a SKU twice (%s) changes nothing',
  async (type, { expect }) => {
    const sku = unique('TWICE');
    const rows = [sku, unique('ONCE'), sku].map((each) => ({ sku: each, name: 'Cup', price: eur(100) }));
    const raw =
      type === 'text/csv'
        ? ['sku,name,price.amount,price.currency', ...rows.map((row) => `${row.sku},Cup,100,EUR`)].join('\n')
        : rows.map((row) => JSON.stringify(row)).join('\n');
    const importing = shop.office({ key: unique('import'), headers: { 'content-type': type }, raw });
    const { id } = (await succeed('import-products', 202, importing)).body;
    const read = async () => (await succeed('get-import', 200, shop.office({ path: { importId: id } }))).body;
    await until(async () => (await read()).endedAt !== null);
    expect(await read()).toMatchObject({
      status: 'rejected',
      rows: { applied: 0 },
      errors: [{ row: 3, code: 'sku-repeated' }],
    });
  },
);
