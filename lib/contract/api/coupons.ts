import * as z from 'zod/mini';
import { currency, maxPriceAmount, page, pageQuery, period, periodInOrder, timestamp, version } from './common.ts';
import type { OperationContract } from './operation.ts';

/** Codes are the same in upper and lower case. */
export const couponCode = z
  .string()
  .check(
    z.trim(),
    z.toUpperCase(),
    z.regex(/^[A-Z0-9][A-Z0-9-]{2,39}$/, 'is not three to 40 letters, digits and dashes: SPRING-10'),
  );

const percentOff = z.strictObject({ type: z.literal('percent'), percent: z.int().check(z.gte(1), z.lte(100)) });
const amountOff = z.strictObject({
  type: z.literal('amount'),
  amount: z.strictObject({ amount: z.int().check(z.gte(1), z.lte(maxPriceAmount)), currency }),
});
const freeShipping = z.strictObject({ type: z.literal('free-shipping') });

export const couponValues = { PercentCoupon: percentOff, AmountCoupon: amountOff, FreeShippingCoupon: freeShipping };
const value = z.discriminatedUnion('type', [percentOff, amountOff, freeShipping]);
const limit = (least: number) => z.int().check(z.gte(least), z.lte(1_000_000_000));

export const coupon = z.object({
  code: z.string(),
  value,
  validFrom: z.nullable(timestamp),
  validTo: z.nullable(timestamp),
  usageLimit: z.nullable(z.int()),
  customerLimit: z.nullable(z.int()),
  used: z.int(),
  createdAt: timestamp,
  updatedAt: timestamp,
  version,
});
export type Coupon = z.output<typeof coupon>;

const couponPath = z.strictObject({ code: couponCode });

export const putCoupon = {
  summary: 'Add or replace a coupon',
  description:
    'Orders that use the coupon go on counting, so its limit cannot fall below `used`. A coupon ends by `validTo`; it is never deleted, because orders name it. Repeating the request changes nothing more.',
  path: couponPath,
  body: z
    .strictObject({
      value,
      ...period,
      usageLimit: z._default(z.nullable(limit(0)), null),
      customerLimit: z._default(z.nullable(limit(1)), null),
    })
    .check(periodInOrder),
  responses: { 200: coupon, 201: coupon },
  statuses: { 200: 'The coupon is replaced.', 201: 'The coupon is added.' },
  headers: ['ETag'],
  problems: ['coupon-limit-too-low', 'version-stale'],
  ifMatch: true,
} as const satisfies OperationContract;

export const getCoupon = {
  summary: 'Read a coupon',
  path: couponPath,
  responses: { 200: coupon },
  problems: ['not-found'],
  etag: true,
} as const satisfies OperationContract;

export const listCoupons = {
  summary: 'List coupons, by their codes',
  query: z.strictObject(pageQuery),
  responses: { 200: page(coupon) },
  problems: ['invalid-cursor'],
} as const satisfies OperationContract;
