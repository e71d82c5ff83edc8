import type { Coupon } from '../../contract/api/coupons.ts';
import { Problem } from '../../contract/api/problems.ts';
import { fractionOf } from '../../kernel/money.ts';
import type { AppliedDiscount } from './discounts.ts';

/** What pricing needs of a coupon; times in milliseconds since the epoch. */
export type PriceableCoupon = Coupon['value'] & {
  code: string;
  validFrom: number | null;
  validTo: number | null;
  usageLimit: number | null;
  customerLimit: number | null;
  used: number;
  usedByCustomer: number;
};

/**
 * Refuses a coupon that cannot be used now. Placing an order counts its use, and refuses what this check was too early to
 * see.
 * @param coupon null if the code names none
 * @throws Problem coupon-unknown, coupon-not-valid, coupon-used-up
 */
export function checkCoupon(coupon: PriceableCoupon | null, code: string, at: number): PriceableCoupon {
  if (coupon === null) throw refusal('coupon-unknown', `There is no coupon ${code}.`, 'is no coupon');
  if (at < (coupon.validFrom ?? Number.NEGATIVE_INFINITY)) {
    throw refusal('coupon-not-valid', `The coupon ${code} is not valid yet.`, 'is not valid yet');
  }
  if (at >= (coupon.validTo ?? Number.POSITIVE_INFINITY)) {
    throw refusal('coupon-not-valid', `The coupon ${code} has expired.`, 'has expired');
  }
  if (coupon.usageLimit !== null && coupon.used >= coupon.usageLimit) throw usedUp(code, 'all');
  if (coupon.customerLimit !== null && coupon.usedByCustomer >= coupon.customerLimit) throw usedUp(code, 'customer');
  return coupon;
}

/** The refusal of a coupon whose limit is reached: that of `all` orders, or that of the `customer`. */
export const usedUp = (code: string, limit: 'all' | 'customer'): Problem =>
  limit === 'all'
    ? refusal('coupon-used-up', `The coupon ${code} is used up.`, 'is used up')
    : refusal(
        'coupon-used-up',
        `You have used the coupon ${code} as often as you can.`,
        'is used up for this customer',
      );

/**
 * What a coupon takes off the goods.
 * @param subtotal minor units
 * @throws Problem coupon-without-effect if it is for another currency
 */
export function couponDiscount(
  coupon: Exclude<PriceableCoupon, { type: 'free-shipping' }>,
  subtotal: number,
  currency: string,
): AppliedDiscount {
  if (coupon.type === 'percent') {
    return { amount: fractionOf(subtotal, coupon.percent, 100), reason: 'coupon' };
  }
  if (coupon.amount.currency !== currency) {
    throw withoutEffect(coupon.code, `it is for orders in ${coupon.amount.currency}, and this one is in ${currency}`);
  }
  return { amount: Math.min(subtotal, coupon.amount.amount), reason: 'coupon' };
}

/** @param because the second half of a sentence */
export const withoutEffect = (code: string, because: string): Problem =>
  refusal('coupon-without-effect', `The coupon ${code} takes nothing off: ${because}.`, 'takes nothing off');

const refusal = (
  problem: 'coupon-unknown' | 'coupon-not-valid' | 'coupon-used-up' | 'coupon-without-effect',
  detail: string,
  error: string,
): Problem => new Problem(problem, detail, { errors: [{ pointer: '/couponCode', detail: error }] });
