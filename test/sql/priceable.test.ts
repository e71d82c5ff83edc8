import { afterAll, beforeAll, expect, test } from 'vitest';
import { newId } from '../../lib/kernel/ids.ts';
import { type Basket, readPriceable } from '../../lib/shop/pricing/priceable.sql.ts';
import { type Saga, startSaga } from '../support/saga.ts';

let saga: Saga;
let products: string[];
const at = Date.parse('2026-03-14T09:00:00.000Z');
beforeAll(async () => {
  saga = await startSaga();
  products = [await saga.product(0, 100), await saga.product(0, 200), await saga.product(0, 300)];
  await saga.owner`update catalog.products set active = false where id = ${products[2]!}`;
});
afterAll(() => saga.stop());

const read = (basket: Partial<Basket>) =>
  readPriceable(saga.api, {
    ...{ customerId: null, productIds: [], shippingMethod: null, couponCode: null, country: null, at },
    ...basket,
  });

test('reads the requested products that are on sale, and no others', async () => {
  const { products: found } = await read({ productIds: [products[1]!, products[2]!, newId('product', saga.clock)] });
  expect(found).toEqual([
    {
      id: products[1],
      sku: `SKU-${products[1]!.slice(-12)}`,
      name: 'Thing',
      priceAmount: 200,
      priceCurrency: 'EUR',
      taxClass: 'standard',
      weight: null,
      hasOptions: false,
    },
  ]);
});

test('a basket of nothing needs nothing', async () => {
  expect(await read({})).toEqual({
    premium: false,
    verifiedVatNumber: null,
    products: [],
    shipping: null,
    coupon: null,
    taxRates: [],
  });
});

test('a customer is premium if their row says so; nobody and an unknown customer are not', async () => {
  const premium = async (customerId: string | null) => (await read({ customerId })).premium;
  expect(await premium(saga.customerId)).toBe(false);
  await saga.owner`update customers.customers set premium = true where id = ${saga.customerId}`;
  expect(await premium(saga.customerId)).toBe(true);
  expect(await premium(null)).toBe(false);
  expect(await premium(newId('customer', saga.clock))).toBe(false);
});

test('the VAT number is the one that was verified of this customer', async () => {
  await saga.owner`update customers.customers set verified_vat_number = 'ATU12345678' where id = ${saga.customerId}`;
  expect((await read({ customerId: saga.customerId })).verifiedVatNumber).toBe('ATU12345678');
  expect((await read({ customerId: newId('customer', saga.clock) })).verifiedVatNumber).toBeNull();
});

test('the shipping method is the one of the code, while it is active', async () => {
  for (const [code, active] of [
    ['parcel', true],
    ['letter', false],
  ] as const) {
    await saga.owner`
      insert into pricing.shipping_methods (code, name, countries, currency, cost, free_above, active, created_at, updated_at)
      values (${code}, ${code}, '["DE"]', 'EUR', '{"type": "flat", "amount": 495}', 5000, ${active}, now(), now())`;
  }
  const shipping = async (shippingMethod: string) => (await read({ shippingMethod })).shipping;
  expect(await shipping('parcel')).toEqual({
    code: 'parcel',
    countries: ['DE'],
    currency: 'EUR',
    cost: { type: 'flat', amount: 495 },
    freeAbove: 5000,
    taxClass: 'standard',
  });
  expect(await shipping('letter')).toBeNull();
  expect(await shipping('pigeon')).toBeNull();
});

test('the tax rates are those of the country that are valid at the time: from their first moment to before their last', async () => {
  const rate = (
    code: string,
    country: string,
    rate: number,
    from: string | null,
    to: string | null,
    region: string | null,
  ) =>
    saga.owner`
      insert into pricing.tax_rates
        (code, name, country, region, tax_class, rate, valid_from, valid_to, reverse_charge, created_at, updated_at)
      values (${code}, ${code}, ${country}, ${region}, 'standard', ${rate}, ${from}, ${to}, ${rate === 3}, now(), now())`;
  const now = new Date(at).toISOString();
  const next = new Date(at + 1).toISOString();
  await rate('before', 'DE', 1, null, now, null);
  await rate('now', 'DE', 2, now, next, null);
  await rate('after', 'DE', 3, next, null, null);
  await rate('region', 'DE', 4, null, null, 'HELGOLAND');
  await rate('elsewhere', 'AT', 5, null, null, null);
  const rates = async (moment: number, country: string | null = 'DE') =>
    (await read({ country, at: moment })).taxRates.toSorted((a, b) => a.rate - b.rate);
  const helgoland = { taxClass: 'standard', region: 'HELGOLAND', rate: 4, reverseCharge: false };
  const german = { taxClass: 'standard', region: null, reverseCharge: false };
  expect(await rates(at - 1)).toEqual([{ ...german, rate: 1 }, helgoland]);
  expect(await rates(at)).toEqual([{ ...german, rate: 2 }, helgoland]);
  expect(await rates(at + 1)).toEqual([{ ...german, rate: 3, reverseCharge: true }, helgoland]);
  expect(await rates(at, null)).toEqual([]);
});

test('the coupon is the one of the code, with how often it was used in all and by the customer', async () => {
  await saga.owner`
    insert into pricing.coupons
      (code, kind, percent, amount, currency, valid_from, valid_to, usage_limit, customer_limit, used, created_at, updated_at)
    values
      ('TEN', 'percent', 10, null, null, ${new Date(at)}, null, 5, 2, 3, now(), now()),
      ('FIVER', 'amount', null, 500, 'EUR', null, ${new Date(at)}, null, null, 0, now(), now()),
      ('SHIPS', 'free-shipping', null, null, null, null, null, null, null, 0, now(), now())`;
  await saga.owner`
    insert into pricing.coupon_customers (code, customer_id, uses) values
      ('TEN', ${saga.customerId}, 1), ('TEN', ${newId('customer', saga.clock)}, 2), ('FIVER', ${saga.customerId}, 9)`;
  const coupon = async (couponCode: string, customerId: string | null = saga.customerId) =>
    (await read({ couponCode, customerId })).coupon;
  const unlimited = {
    usageLimit: null,
    customerLimit: null,
    used: 0,
    usedByCustomer: 0,
    validFrom: null,
    validTo: null,
  };
  expect(await coupon('TEN')).toEqual({
    ...{ code: 'TEN', type: 'percent', percent: 10, validFrom: at, validTo: null },
    ...{ usageLimit: 5, customerLimit: 2, used: 3, usedByCustomer: 1 },
  });
  expect((await coupon('TEN', null))?.usedByCustomer).toBe(0);
  expect(await coupon('FIVER', null)).toEqual({
    ...unlimited,
    ...{ code: 'FIVER', type: 'amount', amount: { amount: 500, currency: 'EUR' }, validTo: at },
  });
  expect(await coupon('SHIPS')).toEqual({ ...unlimited, code: 'SHIPS', type: 'free-shipping' });
  expect(await coupon('NONE')).toBeNull();
});
