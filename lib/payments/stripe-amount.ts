import { currencyExponent } from '../kernel/money.ts';
import { declined } from './gateway.ts';

/** Where the decimals that Stripe counts in differ from ISO 4217's (docs.stripe.com/currencies). */
const stripeExponents: Readonly<Record<string, number>> = { ISK: 2, UGX: 2, MGA: 0 };

/**
 * An amount in ISO 4217 minor units in the units that Stripe counts a currency in. Of three decimals the last must be
 * zero for Stripe.
 * @throws PaymentDeclined amount_invalid when Stripe cannot charge it exactly
 */
export function toStripeAmount(amount: number, currency: string): number {
  const ours = currencyExponent(currency);
  const exponent = stripeExponents[currency] ?? ours;
  const converted = exponent >= ours ? amount * 10 ** (exponent - ours) : amount / 10 ** (ours - exponent);
  if (!Number.isSafeInteger(converted) || (exponent === 3 && converted % 10 !== 0)) throw declined('amount_invalid');
  return converted;
}
