import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { quote } from '../../lib/contract/api/orders.ts';
import { type BasketRequest, basketOf, priceBasket } from '../../lib/shop/pricing/basket.ts';
import type { PriceableCoupon } from '../../lib/shop/pricing/coupons.ts';
import type { Priced } from '../../lib/shop/pricing/price.ts';
import type { Priceable } from '../../lib/shop/pricing/priceable.sql.ts';
import { toQuote } from '../../lib/shop/pricing/quote.ts';
import { type TaxProvider, taxByTable } from '../../lib/shop/pricing/tax.ts';

const idOf = (n: number) => `prd_${n.toString(16).padStart(32, '0')}`;
const product = (n: number, priceAmount: number, taxClass = 'standard', priceCurrency = 'EUR') => ({
  ...{ id: idOf(n), sku: `SKU-${n}`, name: `Product ${n}`, priceAmount, priceCurrency, taxClass, weight: 400 },
});
const parcel = {
  ...{ code: 'parcel', countries: ['DE'], currency: 'EUR', cost: { type: 'flat' as const, amount: 595 } },
  ...{ freeAbove: null, taxClass: 'standard' },
};
const rate = (taxClass: string, millionths: number, reverseCharge = false) => ({
  ...{ taxClass, region: null, rate: millionths, reverseCharge },
});
const coupon = (parts: Partial<PriceableCoupon>): PriceableCoupon =>
  ({
    ...{ code: 'SPRING', type: 'percent', percent: 20, validFrom: null, validTo: null },
    ...{ usageLimit: null, customerLimit: null, used: 0, usedByCustomer: 0 },
    ...parts,
  }) as PriceableCoupon;

const at = Date.parse('2026-03-14T09:00:00Z');
const german = { country: 'DE' };
const lines = [
  { productId: idOf(1), quantity: 1 },
  { productId: idOf(2), quantity: 3 },
];
const read: Priceable = {
  premium: false,
  verifiedVatNumber: null,
  products: [product(1, 2000), product(2, 1000, 'books')],
  shipping: parcel,
  coupon: null,
  taxRates: [rate('standard', 190_000), rate('books', 70_000)],
};
type How = { tax?: 'included' | 'excluded' | TaxProvider; required?: boolean; placing?: boolean; guest?: boolean };
const price = (request: Partial<BasketRequest>, data: Partial<Priceable> = {}, how: How = {}): Promise<Priced> => {
  const { tax, required: shippingRequired = false, placing = true, guest = false } = how;
  const provider = typeof tax === 'function' ? tax : taxByTable;
  return priceBasket(
    { lines, ...request },
    { ...read, ...data },
    {
      tax: tax === undefined ? null : { provider, included: tax === 'included' },
      ...{ shippingRequired, at, placing, customerId: guest ? null : 'cus_1' },
    },
  );
};
const shipped = { shippingMethod: 'parcel', shippingAddress: german };

describe('a basket', () => {
  test('without shipping, tax and coupon costs its goods', async () => {
    expect(await price({})).toMatchObject({ subtotal: 5000, shipping: null, tax: null, couponCode: null, total: 5000 });
  });

  test('with tax on top: lines, shipping and total', async () => {
    const priced = await price(shipped, {}, { tax: 'excluded' });
    expect(priced).toMatchObject({
      lines: [
        { total: 2000, tax: 380, taxRate: 190_000 },
        { total: 3000, tax: 210, taxRate: 70_000 },
      ],
      shipping: { method: 'parcel', amount: 595, tax: 113, taxRate: 190_000 },
      tax: { amount: 703, included: false, reverseCharge: false },
      total: 6298,
    });
    expect(z.parse(quote, toQuote(priced))).toEqual(toQuote(priced));
  });

  test('with tax in its prices costs the same as without, and says how much of it is tax', async () => {
    expect(await price(shipped, {}, { tax: 'included' })).toMatchObject({
      shipping: { amount: 595, tax: 95 },
      tax: { amount: 610, included: true },
      total: 5595,
    });
  });

  test('is taxed after its discount', async () => {
    const priced = await price(shipped, { premium: true }, { tax: 'excluded' });
    expect(priced).toMatchObject({
      lines: [
        { discount: 300, tax: 323 },
        { discount: 450, tax: 179 },
      ],
      total: 4250 + 595 + 323 + 113 + 179,
    });
  });

  test('is taxed where it goes; if nothing is shipped, where the buyer is', async () => {
    const seen: unknown[] = [];
    const provider: TaxProvider = async ({ items, ...rest }, rates) => {
      seen.push({ ...rest, rates });
      return { items: items.map(() => ({ tax: 1, rate: 10 })), reverseCharge: false };
    };
    const austrian = { country: 'AT', region: 'Tirol' };
    const both = { shippingAddress: german, billingAddress: austrian };
    expect((await price(both, {}, { tax: provider })).total).toBe(5002);
    await price({ billingAddress: austrian, shippingAddress: null }, {}, { tax: provider });
    expect(seen).toEqual([
      expect.objectContaining({ destination: german, currency: 'EUR', at, included: false, rates: read.taxRates }),
      expect.objectContaining({ destination: austrian }),
    ]);
    expect(basketOf({ lines, ...both }, null, at).country).toBe('DE');
    expect(basketOf({ lines, billingAddress: austrian }, null, at).country).toBe('AT');
  });

  test.each([
    ['the billing address', { shippingAddress: german, billingAddress: { country: 'DE', vatNumber: 'DE123' } }, true],
    ['the only address', { shippingAddress: { country: 'DE', vatNumber: 'DE123' } }, true],
    ['another number', { shippingAddress: { country: 'DE', vatNumber: 'DE124' } }, false],
    ['no number', { shippingAddress: german }, false],
    [
      'the shipping address of somebody else’s order',
      { shippingAddress: { country: 'DE', vatNumber: 'DE123' }, billingAddress: german },
      false,
    ],
  ])('with a verified VAT number in %s', async (_where, addresses, reverseCharge) => {
    const taxRates = [rate('standard', 190_000, true), rate('books', 70_000, true)];
    const priced = await price(addresses, { verifiedVatNumber: 'DE123', taxRates }, { tax: 'excluded' });
    expect(priced.tax?.reverseCharge).toBe(reverseCharge);
    expect(priced.total).toBe(reverseCharge ? 5000 : 5590);
    expect((await price(addresses, { taxRates }, { tax: 'excluded' })).tax?.reverseCharge).toBe(false);
  });

  test('whose total exceeds the largest with its tax is refused', async () => {
    const most = { products: [product(1, 100_000_000), product(2, 100_000_000)] };
    const many = [...Array(11).keys()].map((n) => ({ productId: idOf(n + 1), quantity: n < 10 ? 999 : 1 }));
    const products = [...Array(11).keys()].map((n) => product(n + 1, 100_000_000));
    expect((await price({ lines: many }, { products }, { placing: false })).total).toBe(899_190_000_000);
    await expect(price({ lines: many, ...shipped }, { ...most, products }, { tax: 'excluded' })).rejects.toMatchObject({
      code: 'amount-too-large',
    });
  });
});

describe('what an order must name', () => {
  test('a shipping method, where the shop requires it; a quote need not', async () => {
    await expect(price({}, {}, { required: true })).rejects.toMatchObject({
      code: 'shipping-method-missing',
      errors: [{ pointer: '/shippingMethod' }],
    });
    expect((await price({}, {}, { required: true, placing: false })).shipping).toBeNull();
    expect((await price(shipped, {}, { required: true })).total).toBe(5595);
  });

  test.each([true, false])('an address for its shipping method (placing: %s)', async (placing) => {
    for (const shippingAddress of [undefined, null]) {
      await expect(
        price({ shippingMethod: 'parcel', shippingAddress, billingAddress: german }, {}, { placing }),
      ).rejects.toMatchObject({ code: 'shipping-address-missing', errors: [{ pointer: '/shippingAddress' }] });
    }
  });

  test('an address for its tax; the tax of a quote without one is not known', async () => {
    await expect(price({}, {}, { tax: 'excluded' })).rejects.toMatchObject({ code: 'shipping-address-missing' });
    expect(await price({}, {}, { tax: 'excluded', placing: false })).toMatchObject({ tax: null, total: 5000 });
  });

  test('a shipping method that exists and serves it', async () => {
    await expect(price(shipped, { shipping: null })).rejects.toMatchObject({ code: 'shipping-method-unavailable' });
    const away = { shippingMethod: 'parcel', shippingAddress: { country: 'AU' } };
    await expect(price(away)).rejects.toMatchObject({ code: 'shipping-method-unavailable' });
  });

  test('a tax class with a rate', async () => {
    const taxRates = [rate('standard', 190_000)];
    await expect(price(shipped, { taxRates }, { tax: 'excluded' })).rejects.toMatchObject({ code: 'tax-rate-missing' });
  });
});

describe('a coupon', () => {
  const withCoupon = (parts: Partial<PriceableCoupon>, data: Partial<Priceable> = {}, request = {}, how: How = {}) =>
    price({ couponCode: 'SPRING', ...request }, { coupon: coupon(parts), ...data }, how);

  test('of a percentage, of an amount, and of more than there is', async () => {
    expect(await withCoupon({ percent: 20 })).toMatchObject({
      discount: { amount: 1000, reason: 'coupon' },
      couponCode: 'SPRING',
      lines: [{ discount: 400 }, { discount: 600 }],
      total: 4000,
    });
    const amountOff = (amount: number) => ({ type: 'amount' as const, amount: { amount, currency: 'EUR' } });
    expect(await withCoupon(amountOff(501))).toMatchObject({ discount: { amount: 501 }, total: 4499 });
    expect(await withCoupon(amountOff(9999))).toMatchObject({ discount: { amount: 5000 }, total: 0 });
  });

  test('takes the place of the customer’s own discount if it is larger, and is refused otherwise', async () => {
    expect((await withCoupon({ percent: 16 }, { premium: true })).discount).toEqual({ amount: 800, reason: 'coupon' });
    await expect(withCoupon({ percent: 15 }, { premium: true })).rejects.toMatchObject({
      code: 'coupon-without-effect',
      message: 'The coupon SPRING takes nothing off: the discount that you get without it is not smaller.',
      errors: [{ pointer: '/couponCode' }],
    });
  });

  test('that takes nothing off is refused', async () => {
    const free = { products: [product(1, 0), product(2, 0)] };
    await expect(withCoupon({}, free)).rejects.toMatchObject({
      code: 'coupon-without-effect',
      message: 'The coupon SPRING takes nothing off: it rounds to nothing.',
    });
    const dollars = { type: 'amount' as const, amount: { amount: 500, currency: 'USD' } };
    await expect(withCoupon(dollars)).rejects.toMatchObject({
      code: 'coupon-without-effect',
      message: 'The coupon SPRING takes nothing off: it is for orders in USD, and this one is in EUR.',
    });
  });

  test('for free shipping leaves the discount as it is', async () => {
    const free = { type: 'free-shipping' as const };
    expect(await withCoupon(free, { premium: true }, shipped)).toMatchObject({
      discount: { amount: 750, reason: 'premium-customer' },
      couponCode: 'SPRING',
      shipping: { method: 'parcel', amount: 0 },
      total: 4250,
    });
    await expect(withCoupon(free, { shipping: { ...parcel, freeAbove: 1 } }, shipped)).rejects.toMatchObject({
      code: 'coupon-without-effect',
      message: 'The coupon SPRING takes nothing off: the shipping is free already.',
    });
  });

  test('for free shipping waits in a quote for the shipping method, and is refused in an order without one', async () => {
    const free = { type: 'free-shipping' as const };
    expect(await withCoupon(free, {}, {}, { placing: false })).toMatchObject({ couponCode: 'SPRING', total: 5000 });
    await expect(withCoupon(free)).rejects.toMatchObject({
      code: 'coupon-without-effect',
      message: 'The coupon SPRING takes nothing off: the order names no shipping method.',
    });
  });

  test('that nobody has is unknown', async () => {
    await expect(price({ couponCode: 'SPRNG' })).rejects.toMatchObject({ code: 'coupon-unknown' });
  });

  test.each<[string, Partial<PriceableCoupon>, string | null, string?]>([
    ['in its first moment', { validFrom: at }, null],
    ['before it', { validFrom: at + 1 }, 'coupon-not-valid', 'is not valid yet'],
    ['in its last moment', { validTo: at + 1 }, null],
    ['after it', { validTo: at }, 'coupon-not-valid', 'has expired'],
    ['with a use left', { usageLimit: 3, used: 2 }, null],
    ['with none left', { usageLimit: 3, used: 3 }, 'coupon-used-up', 'is used up'],
    ['with a use left for the customer', { customerLimit: 2, usedByCustomer: 1 }, null],
    [
      'with none left for the customer',
      { customerLimit: 2, usedByCustomer: 2 },
      'coupon-used-up',
      'is used up for this customer',
    ],
  ])('%s', async (_when, parts, code, detail) => {
    if (code === null) expect((await withCoupon(parts)).couponCode).toBe('SPRING');
    else await expect(withCoupon(parts)).rejects.toMatchObject({ code, errors: [{ pointer: '/couponCode', detail }] });
  });

  test('that each customer can use so often needs one; a quote does not', async () => {
    const once = { customerLimit: 1 };
    await expect(withCoupon(once, {}, {}, { guest: true })).rejects.toMatchObject({ code: 'coupon-needs-account' });
    expect((await withCoupon(once, {}, {}, { guest: true, placing: false })).total).toBe(4000);
    expect((await withCoupon({}, {}, {}, { guest: true })).total).toBe(4000);
  });
});

test('any basket in any currency: lines, shipping and tax add up to the total, to the minor unit', async () => {
  const some = fc.record({
    currency: fc.constantFrom('JPY', 'EUR', 'KWD', 'HUF'),
    prices: fc.array(fc.oneof(fc.nat(20), fc.nat(100_000_000)), { minLength: 6, maxLength: 6 }),
    quantities: fc.array(fc.integer({ min: 1, max: 99 }), { minLength: 1, maxLength: 6 }),
    levels: fc.array(fc.integer({ min: 0, max: 300_000 }), { minLength: 2, maxLength: 2 }),
    cost: fc.nat(10_000),
    percent: fc.option(fc.integer({ min: 16, max: 100 })),
    tax: fc.constantFrom('included' as const, 'excluded' as const),
    premium: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(some, async ({ currency, prices, quantities, levels, cost, percent, tax, premium }) => {
      fc.pre(percent === null || prices.some((amount, n) => n < quantities.length && amount > 100));
      const basket = { lines: quantities.map((quantity, n) => ({ productId: idOf(n), quantity })), ...shipped };
      const priced = await price(
        percent === null ? basket : { ...basket, couponCode: 'SPRING' },
        {
          premium,
          products: prices.map((amount, n) => product(n, amount, n % 2 === 0 ? 'standard' : 'books', currency)),
          shipping: { ...parcel, currency, cost: { type: 'flat', amount: cost } },
          coupon: percent === null ? null : coupon({ percent }),
          taxRates: [rate('standard', levels[0]!), rate('books', levels[1]!)],
        },
        { tax },
      );
      const sum = (of: (line: Priced['lines'][number]) => number) =>
        priced.lines.reduce((total, line) => total + of(line), 0);
      const included = tax === 'included';
      expect(sum(({ total }) => total)).toBe(priced.subtotal);
      expect(sum(({ discount }) => discount)).toBe(priced.discount?.amount ?? 0);
      expect(sum((line) => line.tax) + priced.shipping!.tax).toBe(priced.tax!.amount);
      const paid = sum((line) => line.total - line.discount + (included ? 0 : line.tax));
      expect(paid + cost + (included ? 0 : priced.shipping!.tax)).toBe(priced.total);
      expect(priced.lines.every((line) => line.discount <= line.total && line.tax <= line.total)).toBe(true);
      expect([priced.total, priced.subtotal, priced.tax!.amount].every(Number.isSafeInteger)).toBe(true);
    }),
    { numRuns: 500 },
  );
});
