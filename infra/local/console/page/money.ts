/** Of these, `Intl` prints fewer digits than ISO 4217 counts. */
const finer: Readonly<Record<string, number>> = {
  ...Object.fromEntries(
    'AFN ALL COP HUF IDR IRR KPW LAK LBP MGA MMK PKR SOS SYP YER'.split(' ').map((code) => [code, 2]),
  ),
  IQD: 3,
};

/** An amount in minor units, as English readers print it. */
export function money(amount: number, currency: string): string {
  const usual =
    new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 2;
  const digits = finer[currency] ?? usual;
  const ofCurrency = {
    style: 'currency',
    currency,
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  } as const;
  return new Intl.NumberFormat('en', ofCurrency).format(amount / 10 ** digits);
}
