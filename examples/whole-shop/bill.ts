import { isDeepStrictEqual } from 'node:util';
import type { Money, Order, Quote } from '../client.ts';
import { formatMoney } from '../money.ts';

type Line = Quote['lines'][number];

/** @throws Error that says what is not as expected */
export function check(what: string, actual: unknown, expected: unknown): void {
  if (isDeepStrictEqual(actual, expected)) return;
  throw new Error(`${what}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}`);
}

/** What the customer pays for a line, in minor units. Prices with tax have it in them already. */
export const paidFor = ({ total, discount, tax }: Line, { tax: all }: Pick<Quote, 'tax'>): number =>
  total.amount - discount.amount + (all?.included === false ? tax.amount : 0);

/** What the customer pays for shipping, in minor units. */
export const paidForShipping = ({ shipping, tax }: Quote): number =>
  (shipping?.amount ?? 0) + (tax?.included === false ? (shipping?.tax.amount ?? 0) : 0);

/**
 * Computes a quote or an order anew, to the cent, from its prices and rates.
 * @param percent what its coupon takes off
 * @throws Error that says what does not add up
 */
export function checkBill(bill: Quote, percent: number): void {
  const { lines, shipping, tax } = bill;
  for (const { name, unitPrice, quantity, total } of lines) {
    check(`the total of ${name}`, total.amount, unitPrice.amount * quantity);
  }
  const subtotal = sum(lines.map(({ total }) => total));
  check('the subtotal', bill.subtotal.amount, subtotal);
  check('the discount', bill.discount?.amount, roundHalfUp(subtotal * percent, 100));
  check('the shares of the discount', sum(lines.map(({ discount }) => discount)), bill.discount?.amount);
  if (tax !== null) {
    check('the tax', tax.amount, taxOf(bill));
    check('the shares of the tax', sum(lines.map((line) => line.tax)) + (shipping?.tax.amount ?? 0), tax.amount);
  }
  const paid = lines.map((line) => paidFor(line, bill)).reduce((total, each) => total + each, 0);
  check('the total', bill.total.amount, paid + paidForShipping(bill));
}

/** All that is taxed at one rate is rounded once. */
function taxOf({ lines, shipping, tax }: Quote): number {
  const amounts = new Map<number, number>();
  const add = (rate: number | null, amount: number) => amounts.set(rate ?? 0, (amounts.get(rate ?? 0) ?? 0) + amount);
  for (const { total, discount, taxRate } of lines) add(taxRate, total.amount - discount.amount);
  if (shipping !== null) add(shipping.taxRate, shipping.amount);
  const million = 1_000_000;
  return [...amounts]
    .map(([rate, amount]) => roundHalfUp(amount * rate, tax?.included ? million + rate : million))
    .reduce((total, each) => total + each, 0);
}

/** Both are whole, so that nothing is rounded but the quotient. */
const roundHalfUp = (dividend: number, divisor: number): number => Math.floor((2 * dividend + divisor) / (2 * divisor));

const sum = (amounts: Money[]): number => amounts.reduce((total, { amount }) => total + amount, 0);

/** A quote or an order as a receipt shows it. */
export function layOut(bill: Quote | Order): string {
  const { currency } = bill.total;
  const money = (amount: number) => formatMoney({ amount, currency }, 'en');
  const rows = bill.lines.map(({ quantity, name, total }) => [`${quantity} × ${name}`, money(total.amount)]);
  const { discount, shipping, tax } = bill;
  if (discount !== null) rows.push([`discount, ${bill.couponCode ?? discount.reason}`, money(-discount.amount)]);
  if (shipping !== null) rows.push([`shipping, ${shipping.method}`, money(shipping.amount)]);
  if (tax?.included === false) rows.push(['tax', money(tax.amount)]);
  rows.push(['total', money(bill.total.amount)]);
  if (tax?.included) rows.push(['of which tax', money(tax.amount)]);
  return rows.map(([label, amount]) => `   ${label!.padEnd(30)}${amount!.padStart(10)}`).join('\n');
}
