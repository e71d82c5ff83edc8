import { fractionOf, majorToMinor } from '../../kernel/money.ts';

export type AppliedDiscount = {
  /** Minor units of the order's currency, at least 1. */
  amount: number;
  reason: 'premium-customer' | 'large-order';
};

/** Percent off every order of a premium customer. */
export const premiumPercent = 15;
/** Percent off an order of anyone else whose subtotal is above the threshold. */
export const largeOrderPercent = 10;
/** Major units of the order's currency that a large order is strictly above: 100.00 EUR, 100 JPY, 100.000 KWD. */
export const largeOrderAbove = 100;

/**
 * The one discount of an order, or null. Discounts are never stacked: a premium customer gets the premium one alone.
 *
 * Rounding: the discount is the exact percentage of the whole subtotal (never of a line), rounded half up to one minor
 * unit, once. The total is the subtotal less that amount, so no fraction is ever lost or made. A discount that rounds
 * to zero is no discount.
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
