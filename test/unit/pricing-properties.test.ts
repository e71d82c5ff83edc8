import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { discountOn } from '../../lib/shop/pricing/discounts.ts';
import { maxTotal, type Priced, priceOrder } from '../../lib/shop/pricing/price.ts';

const digits: Record<string, number> = { EUR: 2, JPY: 0, KWD: 3, HUF: 2 };
const currencies = fc.constantFrom(...Object.keys(digits));
const productIds = [...Array(8).keys()].map((n) => `prd_${String(n).padStart(32, '0')}`);

/** Baskets around the discount's threshold and up to large ones, always within what an order may cost. */
const amounts = fc.oneof(fc.nat(20), fc.nat(20_000), fc.nat(100_000_000));
const baskets = fc
  .record({
    currency: currencies,
    prices: fc.array(amounts, { minLength: productIds.length, maxLength: productIds.length }),
    lines: fc.array(
      fc.record({ productId: fc.constantFrom(...productIds), quantity: fc.integer({ min: 1, max: 99 }) }),
      {
        minLength: 1,
        maxLength: 10,
      },
    ),
  })
  .map(({ currency, prices, lines }) => ({
    lines,
    products: productIds.map((id, n) => ({
      id,
      sku: id,
      name: id,
      priceAmount: prices[n] ?? 0,
      priceCurrency: currency,
      taxClass: 'standard',
      weight: null,
    })),
  }));

const totals = ({ subtotal, discount, total }: Priced) => ({ subtotal, discount, total });
const quantities = ({ lines }: Priced) => new Map(lines.map((line) => [line.productId, line.quantity]));

/** The price by rationals in BigInt, written straight from the rule in words. */
function reference(subtotal: number, currency: string, premium: boolean) {
  const large = BigInt(subtotal) > 100n * 10n ** BigInt(digits[currency]!);
  const percent = premium ? 15n : large ? 10n : 0n;
  const hundredths = BigInt(subtotal) * percent;
  const whole = hundredths / 100n;
  return Number(hundredths % 100n >= 50n ? whole + 1n : whole);
}

describe('any basket', () => {
  test('adds up, and its discount is that of exact rationals, never above the subtotal', () => {
    fc.assert(
      fc.property(baskets, fc.boolean(), ({ lines, products }, premium) => {
        const priced = priceOrder({ lines, products, premium });
        const amount = priced.discount?.amount ?? 0;
        expect(priced.lines.every((line) => line.total === line.unitPrice * line.quantity)).toBe(true);
        expect(priced.subtotal).toBe(priced.lines.reduce((sum, line) => sum + line.total, 0));
        expect(priced.total).toBe(priced.subtotal - amount);
        expect(amount).toBe(reference(priced.subtotal, priced.currency, premium));
        expect(priced.discount === null || (amount > 0 && amount <= priced.subtotal)).toBe(true);
        expect(priced.total).toBeLessThanOrEqual(maxTotal);
      }),
      { numRuns: 500 },
    );
  });

  test('never costs a premium customer more than another', () => {
    fc.assert(
      fc.property(baskets, (basket) => {
        const premium = priceOrder({ ...basket, premium: true });
        const other = priceOrder({ ...basket, premium: false });
        expect(premium.total).toBeLessThanOrEqual(other.total);
        expect(premium.subtotal).toBe(other.subtotal);
      }),
    );
  });

  test('costs the same in whatever order its lines and products come', () => {
    const shuffled = baskets.chain(({ lines, products }) =>
      fc.record({
        basket: fc.constant({ lines, products }),
        lines: fc.shuffledSubarray(lines, { minLength: lines.length }),
        products: fc.shuffledSubarray(products, { minLength: products.length }),
      }),
    );
    fc.assert(
      fc.property(shuffled, fc.boolean(), ({ basket, lines, products }, premium) => {
        const one = priceOrder({ ...basket, premium });
        const other = priceOrder({ lines, products, premium });
        expect(totals(other)).toEqual(totals(one));
        expect(quantities(other)).toEqual(quantities(one));
      }),
    );
  });

  test('is the same when one of its lines comes in two parts', () => {
    fc.assert(
      fc.property(baskets, fc.nat(), fc.nat(), fc.boolean(), ({ lines, products }, which, cut, premium) => {
        const at = which % lines.length;
        const { productId, quantity } = lines[at]!;
        fc.pre(quantity > 1);
        const part = 1 + (cut % (quantity - 1));
        const parts = [
          ...lines.slice(0, at),
          { productId, quantity: part },
          ...lines.slice(at + 1),
          { productId, quantity: quantity - part },
        ];
        expect(priceOrder({ lines: parts, products, premium })).toEqual(priceOrder({ lines, products, premium }));
      }),
    );
  });

  test('never gets a smaller subtotal or discount by one unit more', () => {
    fc.assert(
      fc.property(baskets, fc.boolean(), ({ lines, products }, premium) => {
        const [first] = lines;
        const before = priceOrder({ lines, products, premium });
        const after = priceOrder({ lines: [...lines, { ...first!, quantity: 1 }], products, premium });
        expect(after.subtotal).toBeGreaterThanOrEqual(before.subtotal);
        expect(after.discount?.amount ?? 0).toBeGreaterThanOrEqual(before.discount?.amount ?? 0);
      }),
    );
  });
});

describe('what is left to pay', () => {
  const left = (subtotal: number, currency: string, premium: boolean) =>
    subtotal - (discountOn(subtotal, currency, premium)?.amount ?? 0);
  const subtotals = fc.oneof(fc.nat(30_000), fc.nat({ max: 2_000_000_000 }), fc.maxSafeNat());

  test('never falls as the subtotal of a premium customer rises', () => {
    fc.assert(
      fc.property(subtotals, fc.nat(1000), currencies, (subtotal, more, currency) => {
        fc.pre(subtotal + more <= Number.MAX_SAFE_INTEGER);
        expect(left(subtotal + more, currency, true)).toBeGreaterThanOrEqual(left(subtotal, currency, true));
      }),
    );
  });

  test('never falls for anyone else either, but for the one step where an order becomes a large one', () => {
    fc.assert(
      fc.property(subtotals, fc.nat(1000), currencies, (subtotal, more, currency) => {
        fc.pre(subtotal + more <= Number.MAX_SAFE_INTEGER);
        const isLarge = (amount: number) => amount > 100 * 10 ** digits[currency]!;
        const rises = left(subtotal + more, currency, false) >= left(subtotal, currency, false);
        expect(rises || (isLarge(subtotal + more) && !isLarge(subtotal))).toBe(true);
      }),
    );
  });
});
