import { describe, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { quote } from '../../lib/contract/api/orders.ts';
import { Problem } from '../../lib/contract/api/problems.ts';
import { discountOn } from '../../lib/shop/pricing/discounts.ts';
import { type PriceableProduct, priceOrder } from '../../lib/shop/pricing/price.ts';
import { toQuote } from '../../lib/shop/pricing/quote.ts';

const idOf = (n: number) => `prd_${n.toString(16).padStart(32, '0')}`;
const product = (n: number, priceAmount: number, priceCurrency = 'EUR'): PriceableProduct => ({
  id: idOf(n),
  sku: `SKU-${n}`,
  name: `Product ${n}`,
  priceAmount,
  priceCurrency,
  taxClass: 'standard',
  weight: 400,
});
const line = (n: number, quantity: number) => ({ productId: idOf(n), quantity });
const price = (lines: { productId: string; quantity: number }[], products: PriceableProduct[], premium = false) =>
  priceOrder({ lines, products, premium });

function refusal(work: () => unknown): Problem {
  try {
    work();
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

test('what is not said to be placed is quoted: a coupon for free shipping waits for the shipping method', () => {
  const coupon = {
    ...{ type: 'free-shipping' as const, code: 'FREE', validFrom: null, validTo: null },
    ...{ usageLimit: null, customerLimit: null, used: 0, usedByCustomer: 0 },
  };
  const quoted = { lines: [line(1, 1)], products: [product(1, 100)], premium: false, coupon };
  expect(priceOrder(quoted)).toMatchObject({ couponCode: 'FREE', total: 100 });
  expect(refusal(() => priceOrder({ ...quoted, placing: true })).code).toBe('coupon-without-effect');
});

describe('discountOn', () => {
  test.each([
    ['EUR', 10_000, null],
    ['EUR', 10_001, { amount: 1000, reason: 'large-order' }],
    ['EUR', 10_005, { amount: 1001, reason: 'large-order' }],
    ['JPY', 100, null],
    ['JPY', 101, { amount: 10, reason: 'large-order' }],
    ['JPY', 105, { amount: 11, reason: 'large-order' }],
    ['KWD', 100_000, null],
    ['KWD', 100_001, { amount: 10_000, reason: 'large-order' }],
    ['HUF', 10_000, null],
    ['HUF', 10_001, { amount: 1000, reason: 'large-order' }],
  ])('for anyone, %s %i', (currency, subtotal, discount) => {
    expect(discountOn(subtotal, currency, false)).toEqual(discount);
  });

  test.each([
    [0, null],
    [3, null],
    [4, { amount: 1, reason: 'premium-customer' }],
    [10, { amount: 2, reason: 'premium-customer' }],
    [1999, { amount: 300, reason: 'premium-customer' }],
    [10_005, { amount: 1501, reason: 'premium-customer' }],
    [10_000, { amount: 1500, reason: 'premium-customer' }],
    [50_000, { amount: 7500, reason: 'premium-customer' }],
  ])('for a premium customer, EUR %i: never stacked, and none when it rounds to zero', (subtotal, discount) => {
    expect(discountOn(subtotal, 'EUR', true)).toEqual(discount);
  });
});

describe('priceOrder', () => {
  test('lines, subtotal, discount and total of a basket', () => {
    expect(price([line(1, 3), line(2, 1)], [product(2, 4105), product(1, 1999)])).toEqual({
      currency: 'EUR',
      lines: [
        {
          ...{ productId: idOf(1), sku: 'SKU-1', name: 'Product 1', quantity: 3, unitPrice: 1999, total: 5997 },
          ...{ discount: 600, tax: 0, taxRate: null, taxClass: 'standard', weight: 400 },
        },
        {
          ...{ productId: idOf(2), sku: 'SKU-2', name: 'Product 2', quantity: 1, unitPrice: 4105, total: 4105 },
          ...{ discount: 410, tax: 0, taxRate: null, taxClass: 'standard', weight: 400 },
        },
      ],
      subtotal: 10_102,
      discount: { amount: 1010, reason: 'large-order' },
      couponCode: null,
      shipping: null,
      tax: null,
      total: 9092,
    });
  });

  test('the same product on two lines is one line, where it came first', () => {
    const priced = price([line(2, 1), line(1, 2), line(2, 4)], [product(1, 5), product(2, 7)]);
    expect(priced.lines.map(({ productId, quantity, total }) => [productId, quantity, total])).toEqual([
      [idOf(2), 5, 35],
      [idOf(1), 2, 10],
    ]);
  });

  test('999 of a product over several lines is taken, one more names the line that is too many', () => {
    expect(price([line(1, 500), line(1, 499)], [product(1, 1)]).subtotal).toBe(999);
    const problem = refusal(() => price([line(1, 500), line(2, 1), line(1, 500)], [product(1, 1), product(2, 1)]));
    expect(problem.code).toBe('invalid-input');
    expect(problem.errors).toEqual([{ pointer: '/lines/2/quantity', detail: expect.stringContaining('1000') }]);
  });

  test('every line whose product is not on sale is named', () => {
    const problem = refusal(() => price([line(1, 1), line(2, 1), line(3, 1), line(2, 5)], [product(1, 1)]));
    expect([problem.code, problem.status]).toEqual(['product-not-available', 422]);
    expect(problem.errors?.map((error) => error.pointer)).toEqual([
      '/lines/1/productId',
      '/lines/2/productId',
      '/lines/3/productId',
    ]);
    expect(problem.message).toContain(idOf(2));
  });

  test('every line of a product with options is named, since its variants are sold instead', () => {
    const products = [product(1, 1), { ...product(2, 1), hasOptions: true }];
    const problem = refusal(() => price([line(1, 1), line(2, 1)], products));
    expect([problem.code, problem.status]).toEqual(['product-has-options', 422]);
    expect(problem.errors).toEqual([{ pointer: '/lines/1/productId', detail: expect.stringContaining(idOf(2)) }]);
  });

  test('every line in another currency than the first is named', () => {
    const products = [product(1, 1), product(2, 1, 'USD'), product(3, 1), product(4, 1, 'JPY')];
    const problem = refusal(() => price([line(1, 1), line(2, 1), line(3, 1), line(4, 1)], products));
    expect([problem.code, problem.status]).toEqual(['currencies-mixed', 422]);
    expect(problem.errors).toEqual([
      { pointer: '/lines/1/productId', detail: 'is priced in USD, but the first line in EUR' },
      { pointer: '/lines/3/productId', detail: 'is priced in JPY, but the first line in EUR' },
    ]);
    expect(problem.message).toBe('/lines/1/productId is priced in USD, but the first line in EUR.');
  });

  test('a basket without lines, which the contract lets nobody send, is not priced', () => {
    expect(() => price([], [product(1, 1)])).toThrow(new RangeError('a basket without lines has no price'));
  });

  test('a total of 10¹² is taken, one unit more is not', () => {
    // Nine tenths of 1,111,111,111,111 are the most there is.
    const full = [...Array(11).keys()];
    const lines = [...full.map((n) => line(n, 999)), line(11, 122), line(12, 1)];
    const products = [...full, 11].map((n) => product(n, 100_000_000));
    const most = price(lines, [...products, product(12, 11_111_111)]);
    expect([most.subtotal, most.total]).toEqual([1_111_111_111_111, 1_000_000_000_000]);
    const problem = refusal(() => price(lines, [...products, product(12, 11_111_112)]));
    expect([problem.code, problem.status]).toEqual(['amount-too-large', 422]);
  });

  test('the largest basket that the contract lets in is still summed exactly', () => {
    const many = [...Array(50).keys()];
    const problem = refusal(() =>
      price(
        many.map((n) => line(n, 999)),
        many.map((n) => product(n, 100_000_000)),
      ),
    );
    expect(problem.message).toContain(String(50 * 999 * 100_000_000 * 0.9));
  });

  test('a free basket costs nothing and has no discount', () => {
    expect(price([line(1, 999)], [product(1, 0)], true)).toMatchObject({ subtotal: 0, discount: null, total: 0 });
  });
});

describe('toQuote', () => {
  test('money has its currency, and the shape is that of the contract', () => {
    const shown = toQuote(price([line(1, 2)], [product(1, 5000)], true));
    expect(shown).toEqual({
      lines: [
        {
          productId: idOf(1),
          sku: 'SKU-1',
          name: 'Product 1',
          quantity: 2,
          unitPrice: { amount: 5000, currency: 'EUR' },
          total: { amount: 10_000, currency: 'EUR' },
          discount: { amount: 1500, currency: 'EUR' },
          tax: { amount: 0, currency: 'EUR' },
          taxRate: null,
        },
      ],
      subtotal: { amount: 10_000, currency: 'EUR' },
      discount: { amount: 1500, currency: 'EUR', reason: 'premium-customer' },
      couponCode: null,
      shipping: null,
      tax: null,
      total: { amount: 8500, currency: 'EUR' },
    });
    expect(z.parse(quote, shown)).toEqual(shown);
  });

  test('no discount is null', () => {
    expect(toQuote(price([line(1, 1)], [product(1, 1)])).discount).toBeNull();
  });
});
