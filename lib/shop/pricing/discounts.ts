import type { discountReasons } from '../../contract/api/orders.ts';
import { fractionOf, majorToMinor } from '../../kernel/money.ts';

export type AppliedDiscount = {
  /** Minor units of the order's currency, at least 1. */
  amount: number;
  reason: (typeof discountReasons)[number];
};

/** Percent off each order of a premium customer. */
export const premiumPercent = 15;
/** Percent off an order of any other customer whose subtotal is above the threshold. */
export const largeOrderPercent = 10;
/** The subtotal of a large order is above this many major units: 100.00 EUR, 100 JPY, 100.000 KWD. */
export const largeOrderAbove = 100;

/**
 * The discount of an order, or null. Discounts do not add up: a premium customer gets only the premium discount.
 *
 * The discount is the exact percentage of the whole subtotal, rounded half up to a minor unit, once. The total is the
 * subtotal less that amount, so no fraction of a minor unit is lost. There is no discount if it rounds to zero.
 * @param subtotal minor units, a non-negative safe integer
 */
export function discountOn(subtotal: number, currency: string, premium: boolean): AppliedDiscount | null {
  if (premium) return percentOff(subtotal, premiumPercent, 'premium-customer');
  if (subtotal > majorToMinor(largeOrderAbove, currency)) return percentOff(subtotal, largeOrderPercent, 'large-order');
  return null;
}

function percentOff(subtotal: number, percent: number, reason: AppliedDiscount['reason']): AppliedDiscount | null {
  const amount = fractionOf(subtotal, percent, 100);
  return amount === 0 ? null : { amount, reason };
}
