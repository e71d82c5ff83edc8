import { currencyExponent } from '../../kernel/money.ts';
import { declined } from './gateway.ts';

/** Where the decimals that Stripe counts in differ from ISO 4217's (docs.stripe.com/currencies). */
const stripeExponents: Readonly<Record<string, number>> = { ISK: 2, UGX: 2, MGA: 0 };

/**
 * An amount in ISO 4217 minor units in the units that Stripe counts a currency in. Of three decimals the last must be
 * zero for Stripe.
 * @throws PaymentDeclined amount_invalid when Stripe cannot charge it exactly
 */
export function toStripeAmount(amount: number, currency: string): number {
  const { more, factor } = decimals(currency);
  const converted = more < 0 ? amount / factor : amount * factor;
  if (!Number.isSafeInteger(converted) || (exponentOf(currency) === 3 && converted % 10 !== 0)) {
    throw declined('amount_invalid');
  }
  return converted;
}

/**
 * The inverse of `toStripeAmount`, of any amount in Stripe's books; one of other products that has no whole number of
 * minor units is rounded.
 */
export function fromStripeAmount(amount: number, currency: string): number {
  const { more, factor } = decimals(currency);
  return more < 0 ? amount * factor : Math.round(amount / factor);
}

const exponentOf = (currency: string): number => stripeExponents[currency] ?? currencyExponent(currency);

/** How many decimals more than ISO 4217 Stripe counts a currency in, fewer below 0; and what lies between the two. */
function decimals(currency: string): { more: number; factor: number } {
  const more = exponentOf(currency) - currencyExponent(currency);
  // A whole number: a hundredth is none in binary.
  return { more, factor: 10 ** Math.abs(more) };
}
