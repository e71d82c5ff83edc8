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
  const more = moreDecimals(currency);
  const converted = more >= 0 ? amount * 10 ** more : amount / 10 ** -more;
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
  const more = moreDecimals(currency);
  return more >= 0 ? Math.round(amount / 10 ** more) : amount * 10 ** -more;
}

const exponentOf = (currency: string): number => stripeExponents[currency] ?? currencyExponent(currency);

/** How many decimals more than ISO 4217 Stripe counts a currency in. */
const moreDecimals = (currency: string): number => exponentOf(currency) - currencyExponent(currency);
