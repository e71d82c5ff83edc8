/**
 * The currencies of which `Intl` prints fewer digits than ISO 4217 and the API count: prices in forints are usually whole, and
 * 1999 of the API's are 19.99 Ft all the same.
 */
const finer = new Map(
  Object.entries({ 2: 'AFN ALL COP HUF IDR IRR KPW LAK LBP MGA MMK PKR SOS SYP YER', 3: 'IQD' }).flatMap(
    ([digits, codes]) => codes.split(' ').map((code) => [code, Number(digits)] as const),
  ),
);

/** How many digits a currency's smallest unit, in which the API counts, stands behind the point. */
export const digitsOf = (currency: string): number =>
  finer.get(currency) ??
  new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ??
  2;

/** An amount as a reader expects it; the API counts in the currency's smallest unit. */
export function formatMoney({ amount, currency }: { amount: number; currency: string }, locale?: string): string {
  const digits = digitsOf(currency);
  const ofCurrency = {
    style: 'currency',
    currency,
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  } as const;
  return new Intl.NumberFormat(locale, ofCurrency).format(amount / 10 ** digits);
}
