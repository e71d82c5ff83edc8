import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cappedTo, type RefundableLine, refundOfLine, refundOfLines } from '../../lib/shop/payments/refund-lines.ts';

const nothing = { quantity: 0, amount: 0, discount: 0, tax: 0 };
const line = (over: Partial<RefundableLine> = {}): RefundableLine => ({
  productId: 'prd_1',
  quantity: 3,
  total: 3000,
  discount: 100,
  tax: 0,
  paid: 2900,
  shipped: over.quantity ?? 3,
  cancelled: 0,
  refunded: nothing,
  ...over,
});

/** A line whose tax is in its price or comes on top. */
const anyLine = fc
  .record({
    quantity: fc.integer({ min: 1, max: 999 }),
    price: fc.integer({ min: 0, max: 100_000_000 }),
    discounted: fc.integer({ min: 0, max: 100 }),
    rate: fc.integer({ min: 0, max: 30 }),
    included: fc.boolean(),
  })
  .map(({ quantity, price, discounted, rate, included }) => {
    const total = quantity * price;
    const discount = Math.floor((total * discounted) / 100);
    const tax = Math.floor(((total - discount) * rate) / 100);
    return line({ quantity, total, discount, tax, paid: total - discount + (included ? 0 : tax) });
  });

const add = (a: typeof nothing, b: typeof nothing) => ({
  quantity: a.quantity + b.quantity,
  amount: a.amount + b.amount,
  discount: a.discount + b.discount,
  tax: a.tax + b.tax,
});

describe('refunds of a line', () => {
  test('divide its discount so that all units together give back exactly what was paid', () => {
    let refunded = nothing;
    const given = [1, 1, 1].map((quantity) => {
      const part = refundOfLine(line({ refunded }), quantity);
      refunded = add(refunded, part);
      return [part.amount, part.discount];
    });
    expect(given).toEqual([
      [967, 33],
      [966, 34],
      [967, 33],
    ]);
  });

  test('add up to what was paid and never above it, however the units are divided and whichever refunds fail', () => {
    fc.assert(
      fc.property(
        anyLine,
        fc.array(fc.record({ share: fc.double({ min: 0, max: 1, noNaN: true }), fails: fc.boolean() }), {
          maxLength: 12,
        }),
        (start, steps) => {
          let refunded = nothing;
          const parts: (typeof nothing)[] = [];
          const refund = (quantity: number) => {
            const part = refundOfLine({ ...start, refunded }, quantity);
            expect(part.amount).toBeGreaterThanOrEqual(0);
            refunded = add(refunded, part);
            parts.push(part);
            expect(refunded.amount).toBeLessThanOrEqual(start.paid);
          };
          for (const { share, fails } of steps) {
            const quantity = Math.floor(share * (start.quantity - refunded.quantity));
            if (quantity > 0) refund(quantity);
            // Any earlier refund can fail, and frees its units.
            const failed = fails ? parts.shift() : undefined;
            if (failed !== undefined) {
              refunded = add(refunded, {
                quantity: -failed.quantity,
                amount: -failed.amount,
                discount: -failed.discount,
                tax: -failed.tax,
              });
            }
          }
          if (refunded.quantity < start.quantity) refund(start.quantity - refunded.quantity);
          expect(refunded.amount).toBe(start.paid);
        },
      ),
    );
  });
});

describe('units to refund', () => {
  const mug = line({ refunded: { quantity: 2, amount: 1933, discount: 67, tax: 0 } });

  test('beyond what is left are refused, also in two places', () => {
    expect(() => refundOfLines([mug], [{ productId: 'prd_1', quantity: 2 }])).toThrow(
      expect.objectContaining({
        code: 'line-refunded',
        errors: [{ pointer: '/lines/0/quantity', detail: 'at most 1 are left to refund' }],
      }),
    );
    const twice = [
      { productId: 'prd_1', quantity: 1 },
      { productId: 'prd_1', quantity: 1 },
    ];
    expect(() => refundOfLines([mug], twice)).toThrow(expect.objectContaining({ code: 'line-refunded' }));
  });

  test('that have neither shipped nor been cancelled are refused, because they can still be packed', () => {
    const sent = line({ shipped: 1, cancelled: 1, refunded: { quantity: 1, amount: 966, discount: 34, tax: 0 } });
    expect(refundOfLines([sent], [{ productId: 'prd_1', quantity: 1 }])).toMatchObject([{ quantity: 1, amount: 967 }]);
    expect(() => refundOfLines([sent], [{ productId: 'prd_1', quantity: 2 }])).toThrow(
      expect.objectContaining({
        code: 'line-not-shipped',
        errors: [{ pointer: '/lines/0/quantity', detail: 'at most 1 have shipped and are not refunded' }],
      }),
    );
  });

  test('that are not in the order are refused', () => {
    expect(() => refundOfLines([mug], [{ productId: 'prd_2', quantity: 1 }])).toThrow(
      expect.objectContaining({ code: 'line-unknown' }),
    );
  });
});

test.each([
  ['tax that the price has in it belongs to the amount already', { tax: 463, paid: 2900 }, 967, 154],
  ['tax on top comes besides', { tax: 580, paid: 3480 }, 1160, 193],
  ['tax on top comes besides a large discount', { discount: 2000, tax: 200, paid: 1200 }, 400, 67],
])('%s', (_, over, amount, tax) => {
  expect(refundOfLine(line(over), 1)).toMatchObject({ amount, tax });
});

test('the last units of a line get what is left of it, also what an earlier refund was cut by', () => {
  expect(refundOfLine(line({ refunded: { quantity: 2, amount: 1000, discount: 67, tax: 0 } }), 1).amount).toBe(1900);
});

test('refunds of lines are cut to what is left, the last ones first', () => {
  const part = (productId: string, amount: number) => ({ productId, quantity: 1, amount, discount: 0, tax: 0 });
  const amounts = (left: number) =>
    cappedTo(left, [part('prd_1', 700), part('prd_2', 500)]).map(({ amount }) => amount);
  expect([1300, 1200, 900, 700, 300, 0].map(amounts)).toEqual([
    [700, 500],
    [700, 500],
    [700, 200],
    [700, 0],
    [300, 0],
    [0, 0],
  ]);
});
