import { allocate } from '../../lib/kernel/money.ts';
import type { OrderLine } from './order-lines.ts';

/**
 * Amounts are in minor units. `tax` and `discount` are of the whole order, where its lines do not say; `subtotal` is what the goods cost
 * after discounts, if the order says; `total` is what was paid.
 */
type Sums = {
  tax: number;
  discount: number;
  subtotal: number | undefined;
  shipping: { amount: number; tax: number };
  total: number;
};
export type SharedOut = { lines: OrderLine[]; shipping: { amount: number; tax: number }; taxIncluded: boolean };

/**
 * Gives lines and shipping their shares of what only the order says. Exports say neither whether prices include the tax nor what the
 * discount is on, so the first way that makes the total counts. @returns undefined when none does
 */
export function shareOut(
  lines: OrderLine[],
  { tax, discount, subtotal, shipping, total }: Sums,
): SharedOut | undefined {
  const goods = lines.reduce((sum, line) => sum + line.total - line.discount, 0);
  // On the goods; on the shipping; and of which the lines have it already.
  const ways = [
    [discount, 0],
    [0, discount],
    [0, 0],
  ] as const;
  const said = ways.filter(([onLines]) => goods - onLines === subtotal);
  for (const [onLines, onShipping] of said.length > 0 ? said : ways) {
    if (onLines > goods || onShipping > shipping.amount) continue;
    const left = goods - onLines + shipping.amount - onShipping;
    for (const taxIncluded of tax === 0 ? [false] : [false, true]) {
      if (left + (taxIncluded ? 0 : tax) !== total) continue;
      return {
        ...withShares(lines, { onLines, tax, ships: shipping.amount - onShipping }),
        taxIncluded,
      };
    }
  }
  return undefined;
}

function withShares(
  lines: readonly OrderLine[],
  { onLines, tax, ships }: { onLines: number; tax: number; ships: number },
): Omit<SharedOut, 'taxIncluded'> {
  const net = lines.map(({ total, discount }) => total - discount);
  const discounts = shares(onLines, net);
  const after = net.map((amount, index) => amount - discounts[index]!);
  const taxes = shares(tax, [...after, ships]);
  return {
    lines: lines.map((line, index) => ({
      ...line,
      discount: line.discount + discounts[index]!,
      tax: line.tax + taxes[index]!,
    })),
    shipping: { amount: ships, tax: taxes.at(-1)! },
  };
}

/** In proportion to what was paid, or evenly where nothing was. */
const shares = (amount: number, weights: readonly number[]): number[] =>
  allocate(amount, weights.some((weight) => weight > 0) ? weights : weights.map(() => 1));
