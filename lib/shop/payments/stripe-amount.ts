import { currencyExponent } from '../../kernel/money.ts';
import { declined } from './gateway.ts';

/** Currencies that Stripe counts in other decimals than ISO 4217 (docs.stripe.com/currencies). */
const stripeExponents: Readonly<Record<string, number>> = { ISK: 2, UGX: 2, MGA: 0 };

/**
 * Converts an amount in ISO 4217 minor units to the units that Stripe counts the currency in. In a currency with three
 * decimals Stripe takes only amounts that end with a zero.
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
 * The inverse of `toStripeAmount`, for any amount that Stripe reports. An amount of another product that is not a whole
 * number of minor units is rounded.
 */
export function fromStripeAmount(amount: number, currency: string): number {
  const { more, factor } = decimals(currency);
  return more < 0 ? amount * factor : Math.round(amount / factor);
}

const exponentOf = (currency: string): number => stripeExponents[currency] ?? currencyExponent(currency);

/** How many more decimals than ISO 4217 Stripe uses for a currency (negative: fewer), and the factor between the two. */
function decimals(currency: string): { more: number; factor: number } {
  const more = exponentOf(currency) - currencyExponent(currency);
  // A whole number, because binary cannot represent a hundredth exactly.
  return { more, factor: 10 ** Math.abs(more) };
}
