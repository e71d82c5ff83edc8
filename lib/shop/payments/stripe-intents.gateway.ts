import type Stripe from 'stripe';
import { ChargeDiffers, type CompensationRequest } from './gateway.ts';
import { toStripeAmount } from './stripe-amount.ts';
import type { Call } from './stripe-calls.gateway.ts';

export type Intent = Stripe.PaymentIntent;

/** An intent as it is now, with its charge. */
export const retrieve = (call: Call, id: string): Promise<Intent> =>
  call((stripe, options) => stripe.paymentIntents.retrieve(id, { expand: ['latest_charge'] }, options));

/**
 * How much of an intent's money was refunded, in Stripe's units; 0 when the charge is not expanded. Of a charge that was captured
 * in part, Stripe counts the rest, which it never took, as refunded too.
 */
export const refundedOf = ({ latest_charge: taken }: Intent): number =>
  typeof taken === 'object' && taken !== null
    ? taken.amount_refunded - (taken.captured ? taken.amount - taken.amount_captured : 0)
    : 0;

/** @throws ChargeDiffers when the intent belongs to another order, or has another currency or amount (if one is given) */
export function checkSame(
  intent: Intent,
  { orderId, amount, currency }: Pick<CompensationRequest, 'orderId' | 'currency'> & { amount?: number },
): void {
  if (intent.metadata.orderId !== orderId) {
    throw new ChargeDiffers(orderId, 'the order', orderId, intent.metadata.orderId);
  }
  if (intent.currency !== currency.toLowerCase()) {
    throw new ChargeDiffers(orderId, 'the currency', currency, intent.currency.toUpperCase());
  }
  if (amount !== undefined && intent.amount !== toStripeAmount(amount, currency)) {
    throw new ChargeDiffers(orderId, 'the amount', toStripeAmount(amount, currency), intent.amount);
  }
}
