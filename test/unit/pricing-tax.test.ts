import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type PriceableRate, type Taxable, type Taxed, taxByTable } from '../../lib/shop/pricing/tax.ts';

const rate = (taxClass: string, rate: number, more: Partial<PriceableRate> = {}): PriceableRate => ({
  taxClass,
  region: null,
  rate,
  reverseCharge: false,
  ...more,
});
const item = (amount: number, taxClass = 'standard') => ({ taxClass, amount });
const tax = (items: Taxable['items'], rates: readonly PriceableRate[], more: Partial<Taxable> = {}): Taxed =>
  taxByTable(
    { currency: 'EUR', items, destination: { country: 'DE' }, included: false, business: false, at: 0, ...more },
    rates,
  ) as Taxed;
const amounts = ({ items }: Taxed) => items.map(({ tax }) => tax);
const german = [rate('standard', 190_000), rate('books', 70_000)];

describe('tax by the table', () => {
  test('on top of prices', () => {
    expect(tax([item(10_000), item(1000, 'books')], german)).toEqual({
      items: [
        { tax: 1900, rate: 190_000 },
        { tax: 70, rate: 70_000 },
      ],
      reverseCharge: false,
    });
  });

  test('included in prices', () => {
    const taxed = tax([item(11_900), item(1070, 'books')], german, { included: true });
    expect(amounts(taxed)).toEqual([1900, 70]);
  });

  test('is rounded once for each rate, and its shares sum to that', () => {
    // 19 % of 3 × 0.03 is 0.0171: 0.02, where rounding each line gives 0.03.
    expect(amounts(tax([item(3), item(3), item(3)], german))).toEqual([1, 1, 0]);
    // Two classes with the same rate are one.
    const both = [rate('standard', 190_000), rate('premium', 190_000)];
    expect(amounts(tax([item(3), item(3, 'premium'), item(3)], both))).toEqual([1, 1, 0]);
  });

  test.each([
    [50, 5],
    [45, 5],
    [44, 4],
  ])('10 %% of %i is %i: a half goes up', (amount, expected) => {
    expect(amounts(tax([item(amount)], [rate('standard', 100_000)]))).toEqual([expected]);
  });

  test('a rate of zero is a rate, and nothing costs no tax', () => {
    expect(tax([item(1000)], [rate('standard', 0)]).items).toEqual([{ tax: 0, rate: 0 }]);
    expect(tax([item(0), item(0)], german).items).toEqual([
      { tax: 0, rate: 190_000 },
      { tax: 0, rate: 190_000 },
    ]);
  });

  test.each([
    ['Bavaria', 80_000],
    [' bavaria ', 80_000],
    ['Saxony', 190_000],
    [undefined, 190_000],
  ])('in the region %s the rate is %i', (region, expected) => {
    const rates = [rate('standard', 190_000), rate('standard', 80_000, { region: 'BAVARIA' })];
    const destination = region === undefined ? { country: 'DE' } : { country: 'DE', region };
    expect(tax([item(1000)], rates, { destination }).items[0]?.rate).toBe(expected);
    expect(tax([item(1000)], rates.toReversed(), { destination }).items[0]?.rate).toBe(expected);
  });

  test('a class without a rate is refused, never taxed with zero', () => {
    expect(() => tax([item(1), item(1, 'food')], german)).toThrow(
      expect.objectContaining({
        code: 'tax-rate-missing',
        message: 'The shop has no tax rate for the tax class food in DE.',
      }),
    );
    const regional = [rate('standard', 80_000, { region: 'BAVARIA' })];
    expect(() => tax([item(1)], regional, { destination: { country: 'DE', region: 'Saxony' } })).toThrow(
      'for the tax class standard in Saxony in DE.',
    );
  });

  test('a business owes the tax itself where every rate says so', () => {
    const reverse = [
      rate('standard', 190_000, { reverseCharge: true }),
      rate('books', 70_000, { reverseCharge: true }),
    ];
    const items = [item(1000), item(1000, 'books')];
    expect(tax(items, reverse, { business: true })).toEqual({
      items: [
        { tax: 0, rate: 0 },
        { tax: 0, rate: 0 },
      ],
      reverseCharge: true,
    });
    expect(tax(items, reverse)).toMatchObject({ reverseCharge: false, items: [{ tax: 190 }, { tax: 70 }] });
    const mixed = [reverse[0]!, rate('books', 70_000)];
    expect(tax(items, mixed, { business: true })).toMatchObject({ reverseCharge: false, items: [{ tax: 190 }, {}] });
  });

  test('any items: each rate’s tax is the exact one of its sum, rounded half up, and no share is off by a unit', () => {
    const classes = ['a', 'b', 'c'];
    const rates = fc.array(fc.integer({ min: 0, max: 1_000_000 }), { minLength: 3, maxLength: 3 });
    const items = fc.array(
      fc.record({ taxClass: fc.constantFrom(...classes), amount: fc.oneof(fc.nat(50), fc.nat(100_000_000_000)) }),
      { minLength: 1, maxLength: 51 },
    );
    fc.assert(
      fc.property(items, rates, fc.boolean(), (given, levels, included) => {
        const taxed = tax(
          given,
          classes.map((name, index) => rate(name, levels[index]!)),
          { included },
        ).items;
        for (const level of new Set(levels)) {
          const group = given.flatMap(({ amount }, index) =>
            taxed[index]!.rate === level ? [{ amount: BigInt(amount), tax: BigInt(taxed[index]!.tax) }] : [],
          );
          const base = group.reduce((sum, { amount }) => sum + amount, 0n);
          const sum = group.reduce((total, each) => total + each.tax, 0n);
          const parts = 1_000_000n + (included ? BigInt(level) : 0n);
          const error = 2n * (sum * parts - base * BigInt(level));
          expect(error > -parts && error <= parts).toBe(true);
          for (const { amount, tax } of group) {
            const off = tax * base - sum * amount;
            expect(base === 0n ? tax === 0n : off > -base && off < base).toBe(true);
          }
        }
      }),
      { numRuns: 500 },
    );
  });
});
