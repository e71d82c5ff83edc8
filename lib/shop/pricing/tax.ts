import { Problem } from '../../contract/api/problems.ts';
import { allocate, fractionOf } from '../../kernel/money.ts';
import type { Priced } from './price.ts';

/** Where an order goes, as far as its tax depends on it. */
export type TaxedIn = { country: string; region?: string | undefined };

/** What is taxed. Amounts are in minor units: what the customer pays for each item after its discount. */
export type Taxable = {
  currency: string;
  /** The lines in their order, and last the shipping if there is any. */
  items: readonly { taxClass: string; amount: number }[];
  destination: TaxedIn;
  /** Whether the amounts include the tax. */
  included: boolean;
  /** Whether the buyer is a business whose VAT number the shop has verified. */
  business: boolean;
  /** In milliseconds since the epoch. */
  at: number;
};

/** The tax of each item, in minor units, with its rate in millionths. With `reverseCharge` the buyer owes it: all is 0. */
export type Taxed = { items: readonly { tax: number; rate: number }[]; reverseCharge: boolean };

/** A rate of the shop's own table, which is valid in the country now; `region` is null where it is for the whole country. */
export type PriceableRate = { taxClass: string; region: string | null; rate: number; reverseCharge: boolean };

/**
 * Computes tax. The shop's own table does it by the rates that are read with everything else; a service may do it instead.
 * @throws Problem tax-rate-missing if there is a class that it has no rate for
 */
export type TaxProvider = (taxable: Taxable, rates: readonly PriceableRate[]) => Taxed | Promise<Taxed>;

/**
 * Tax by the shop's own table. A rate of the region goes before that of the country. All items of one rate are taxed
 * together: the exact tax of their sum, rounded half up once, and divided among them by largest remainder.
 * @throws Problem tax-rate-missing
 */
export const taxByTable: TaxProvider = ({ items, destination, included, business }, rates) => {
  const found = items.map(({ taxClass }) => rateFor(taxClass, destination, rates));
  const reverseCharge = business && found.every((rate) => rate.reverseCharge);
  const taxed = items.map((_, index) => ({ tax: 0, rate: reverseCharge ? 0 : found[index]!.rate }));
  for (const [rate, group] of Map.groupBy(taxed.keys(), (index) => taxed[index]!.rate)) {
    const amounts = group.map((index) => items[index]!.amount);
    const sum = amounts.reduce((total, amount) => total + amount, 0);
    const tax = fractionOf(sum, rate, included ? whole + rate : whole);
    for (const [n, share] of allocate(tax, amounts).entries()) taxed[group[n]!]!.tax = share;
  }
  return { items: taxed, reverseCharge };
};

/** The parts of a rate of 100 %. */
const whole = 1_000_000;

function rateFor(taxClass: string, { country, region }: TaxedIn, rates: readonly PriceableRate[]): PriceableRate {
  const ofClass = rates.filter((rate) => rate.taxClass === taxClass);
  const rate =
    ofClass.find((each) => each.region === region?.trim().toUpperCase()) ??
    ofClass.find((each) => each.region === null);
  if (rate !== undefined) return rate;
  const place = region === undefined ? country : `${region} in ${country}`;
  throw new Problem('tax-rate-missing', `The shop has no tax rate for the tax class ${taxClass} in ${place}.`);
}

/** An order with its tax: each line and the shipping get theirs, and the total has it on top unless prices include it. */
export function withTax(priced: Priced, { items, reverseCharge }: Taxed, included: boolean): Priced {
  const lines = priced.lines.map((line, index) => ({
    ...line,
    tax: items[index]!.tax,
    taxRate: items[index]!.rate,
  }));
  const ofShipping = items[lines.length];
  const shipping = priced.shipping && { ...priced.shipping, tax: ofShipping!.tax, taxRate: ofShipping!.rate };
  const amount = items.reduce((sum, { tax }) => sum + tax, 0);
  const total = included ? priced.total : priced.total + amount;
  return { ...priced, lines, shipping, tax: { amount, included, reverseCharge }, total };
}
