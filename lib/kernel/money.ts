/**
 * An amount in the minor units of an ISO 4217 currency: `{ amount: 1999, currency: 'EUR' }` is 19.99 €. Never a float.
 */
export type Money = { amount: number; currency: string };

/** In Node.js's ICU data and withdrawn from ISO 4217. */
const withdrawn = ['ANG', 'BGN', 'HRK', 'SLL', 'ZWL'];
/** In ISO 4217 and not in every ICU data. */
const recent = ['SLE', 'VED', 'XCG', 'ZWG'];
/** Made when it is first needed, not when a function starts. */
let knownCurrencies: Set<string> | undefined;

/** The currencies of ISO 4217 today, without funds, metals and test codes, in which nobody pays. */
const listCurrencies = (): Set<string> =>
  new Set([...Intl.supportedValuesOf('currency').filter((code) => !withdrawn.includes(code)), ...recent]);

/**
 * Currencies whose minor unit is not a hundredth (ISO 4217, list one), by their number of decimal digits. Intl gives
 * the digits that are usually printed instead: none for HUF and IDR, for which banks and card networks count
 * hundredths.
 */
const exponents = new Map(
  Object.entries({
    0: 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF',
    3: 'BHD IQD JOD KWD LYD OMR TND',
    4: 'CLF UYW',
  }).flatMap(([digits, codes]) => codes.split(' ').map((code) => [code, Number(digits)] as const)),
);

/** Whether a code is a currency of ISO 4217. */
export function isCurrency(code: string): boolean {
  knownCurrencies ??= listCurrencies();
  return knownCurrencies.has(code);
}

/**
 * Decimal digits of a currency's minor unit (ISO 4217): 2 for EUR, 0 for JPY, 3 for KWD.
 * @throws RangeError when the code does not have the form of a currency code
 */
export function currencyExponent(currency: string): number {
  if (!/^[A-Z]{3}$/.test(currency)) throw new RangeError(`not a currency: ${currency}`);
  return exponents.get(currency) ?? 2;
}

/** Converts whole major units to minor units: 100 EUR is 10000, 100 JPY is 100. */
export const majorToMinor = (major: number, currency: string): number => major * 10 ** currencyExponent(currency);

/**
 * Divides an amount in proportion to the weights, by largest remainder: each share is its exact part rounded down or up, and
 * the shares sum to the amount. Of equal remainders the first gets the unit. A share is never above its weight if the amount
 * is not above the sum of the weights.
 * @throws RangeError when the amount or a weight is not a non-negative safe integer, or there is an amount and no weight
 */
export function allocate(amount: number, weights: readonly number[]): number[] {
  for (const each of [amount, ...weights]) checkAmount(each);
  const sum = weights.reduce((total, weight) => total + BigInt(weight), 0n);
  if (amount === 0) return weights.map(() => 0);
  if (sum === 0n) throw new RangeError(`nothing to divide ${amount} by`);
  const parts = weights.map((weight) => {
    const exact = BigInt(amount) * BigInt(weight);
    return { share: Number(exact / sum), remainder: exact % sum };
  });
  const left = amount - parts.reduce((total, { share }) => total + share, 0);
  // Sorting keeps the order of equal ones.
  const first = parts.toSorted((a, b) => Number(b.remainder - a.remainder));
  for (const part of first.slice(0, left)) part.share += 1;
  return parts.map(({ share }) => share);
}

/**
 * `amount × numerator ÷ denominator`, rounded half up to a whole minor unit. Exact for every safe integer.
 * @throws RangeError when the amount is not a non-negative safe integer
 */
export function fractionOf(amount: number, numerator: number, denominator: number): number {
  checkAmount(amount);
  const doubled = 2n * BigInt(amount) * BigInt(numerator) + BigInt(denominator);
  return Number(doubled / (2n * BigInt(denominator)));
}

function checkAmount(amount: number): void {
  if (!Number.isSafeInteger(amount) || amount < 0) throw new RangeError(`not an amount in minor units: ${amount}`);
}
