/** An amount in the minor units of an ISO 4217 currency: `{ amount: 1999, currency: 'EUR' }` is 19.99 €. Never a float. */
export type Money = { amount: number; currency: string };

const knownCurrencies = new Set(Intl.supportedValuesOf('currency'));
const exponents = new Map<string, number>();

/** Whether the code is an ISO 4217 currency that the runtime's ICU data knows. */
export const isCurrency = (code: string): boolean => knownCurrencies.has(code);

/**
 * Decimal digits of a currency's minor unit (ISO 4217): 2 for EUR, 0 for JPY, 3 for KWD.
 * @throws RangeError when the code is not a currency
 */
export function currencyExponent(currency: string): number {
  let exponent = exponents.get(currency);
  if (exponent === undefined) {
    exponent =
      new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 2;
    exponents.set(currency, exponent);
  }
  return exponent;
}

/** Minor units of a whole number of major units: 100 in EUR is 10000, in JPY 100. */
export const majorToMinor = (major: number, currency: string): number => major * 10 ** currencyExponent(currency);

/**
 * `amount × numerator ÷ denominator` rounded half up to a whole minor unit, exact for every safe integer.
 * @throws RangeError when the amount is not a non-negative safe integer
 */
export function fractionOf(amount: number, numerator: number, denominator: number): number {
  if (!Number.isSafeInteger(amount) || amount < 0) throw new RangeError(`not an amount in minor units: ${amount}`);
  const doubled = 2n * BigInt(amount) * BigInt(numerator) + BigInt(denominator);
  return Number(doubled / (2n * BigInt(denominator)));
}
