import { describe, expect, test } from 'vitest';
import { type PriceableShipping, shippingCost } from '../../lib/shop/pricing/shipping.ts';

const method: PriceableShipping = {
  code: 'parcel',
  countries: ['AT', 'DE'],
  currency: 'EUR',
  cost: { type: 'flat', amount: 495 },
  freeAbove: null,
  taxClass: 'standard',
};
const cost = (
  parts: Partial<PriceableShipping> | null,
  parcel: { total?: number; currency?: string; country?: string; weights?: (number | null)[] } = {},
) =>
  shippingCost(
    { method: parts && { ...method, ...parts }, code: 'parcel', country: parcel.country ?? 'DE' },
    {
      currency: parcel.currency ?? 'EUR',
      total: parcel.total ?? 2000,
      lines: (parcel.weights ?? [500]).map((weight, n) => ({ sku: `SKU-${n}`, quantity: 2, weight })),
    },
  );
const tiers = [
  { upTo: 1000, amount: 495 },
  { upTo: 5000, amount: 895 },
];

test('a flat method costs the same whatever is in the parcel', () => {
  expect(cost({})).toBe(495);
  expect(cost({}, { total: 0, weights: [null] })).toBe(495);
});

test.each([
  [[500], 495],
  [[501], 895],
  [[0], 495],
  [[500, 2000], 895],
])('units of %j g, two of each, cost %i by weight', (weights, amount) => {
  expect(cost({ cost: { type: 'by-weight', tiers } }, { weights })).toBe(amount);
});

test.each([
  [0, 495],
  [1000, 495],
  [1001, 895],
  [5000, 895],
])('goods of %i cost %i by total', (total, amount) => {
  expect(cost({ cost: { type: 'by-total', tiers } }, { total, weights: [null] })).toBe(amount);
});

test('the last tier may have no limit', () => {
  const open = { type: 'by-total' as const, tiers: [...tiers, { upTo: null, amount: 0 }] };
  expect(cost({ cost: open }, { total: 1_000_000_000 })).toBe(0);
});

test.each([
  [4999, 495],
  [5000, 495],
  [5001, 0],
])('free above 5000, goods of %i are shipped for %i', (total, amount) => {
  expect(cost({ freeAbove: 5000 }, { total })).toBe(amount);
});

test('free shipping needs neither weight nor tier', () => {
  const parcel = { total: 2001, weights: [null] };
  expect(cost({ freeAbove: 2000, cost: { type: 'by-weight', tiers } }, parcel)).toBe(0);
});

describe('a method that does not serve an order is refused, with the reason', () => {
  test.each<[string, () => number, string]>([
    ['it does not exist', () => cost(null), 'does not exist'],
    ['its country', () => cost({}, { country: 'AU' }), 'does not serve AU'],
    ['its currency', () => cost({}, { currency: 'USD' }), 'does not serve orders in USD'],
    ['its weight', () => cost({ cost: { type: 'by-weight', tiers } }, { weights: [2501] }), 'does not take 5002 g'],
    [
      'a weight that is not known',
      () => cost({ cost: { type: 'by-weight', tiers } }, { weights: [1, null] }),
      'needs the weight of SKU-1, which is not known',
    ],
    [
      'its value',
      () => cost({ cost: { type: 'by-total', tiers } }, { total: 5001 }),
      'does not take orders of this value',
    ],
  ])('%s', (_why, work, detail) => {
    expect(work).toThrow(
      expect.objectContaining({
        code: 'shipping-method-unavailable',
        message: `The shipping method parcel ${detail}.`,
        errors: [{ pointer: '/shippingMethod', detail }],
      }),
    );
  });

  test('a method without countries serves all of them', () => {
    expect(cost({ countries: null }, { country: 'AU' })).toBe(495);
  });
});
