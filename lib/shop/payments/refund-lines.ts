import { Problem } from '../../contract/api/problems.ts';
import { fractionOf } from '../../kernel/money.ts';

/** What goes back for units of a line: of `amount`, the tax; and the discount that it does without. In minor units. */
export type RefundLine = { productId: string; quantity: number; amount: number; discount: number; tax: number };

/** A line of an order: what was paid for it, and what of that is given back or claimed already. In minor units. */
export type RefundableLine = {
  productId: string;
  quantity: number;
  total: number;
  discount: number;
  tax: number;
  paid: number;
  /** Units that have shipped, and that were cancelled: no other unit is refunded, because it can still be packed. */
  shipped: number;
  cancelled: number;
  refunded: Omit<RefundLine, 'productId'>;
};

/**
 * What goes back for units of lines. A product that is named twice counts once, with the sum.
 * @throws Problem line-unknown, line-refunded, line-not-shipped
 */
export function refundOfLines(
  lines: readonly RefundableLine[],
  wanted: readonly { productId: string; quantity: number }[],
): RefundLine[] {
  const of = new Map(lines.map((line) => [line.productId, line]));
  const unknown = wanted.flatMap(({ productId }, i) =>
    of.has(productId) ? [] : [{ pointer: `/lines/${i}/productId`, detail: 'is not in the order' }],
  );
  if (unknown.length > 0) throw new Problem('line-unknown', 'A product is not in the order.', { errors: unknown });
  const units = new Map<string, number>();
  for (const { productId, quantity } of wanted) units.set(productId, (units.get(productId) ?? 0) + quantity);
  const beyond = wanted.flatMap(({ productId }, i) => {
    const { quantity, refunded } = of.get(productId)!;
    const left = quantity - refunded.quantity;
    return units.get(productId)! <= left
      ? []
      : [{ pointer: `/lines/${i}/quantity`, detail: `at most ${left} are left to refund` }];
  });
  if (beyond.length > 0)
    throw new Problem('line-refunded', 'Units of a line are refunded already.', { errors: beyond });
  const unshipped = wanted.flatMap(({ productId }, i) => {
    const { shipped, cancelled, refunded } = of.get(productId)!;
    const ready = Math.max(0, shipped + cancelled - refunded.quantity);
    return units.get(productId)! <= ready
      ? []
      : [{ pointer: `/lines/${i}/quantity`, detail: `at most ${ready} have shipped and are not refunded` }];
  });
  if (unshipped.length > 0) {
    const detail = 'Units of a line have not shipped. Cancel them, and their money goes back.';
    throw new Problem('line-not-shipped', detail, { errors: unshipped });
  }
  return [...units].map(([productId, quantity]) => refundOfLine(of.get(productId)!, quantity));
}

/**
 * What goes back for so many units of a line, with their shares of its discount and tax. The shares are rounded over all units
 * refunded so far, so that the refunds of a whole line add up to exactly what was paid for it, however it is divided.
 */
export function refundOfLine(line: RefundableLine, quantity: number): RefundLine {
  const { productId, total, refunded } = line;
  const units = refunded.quantity + quantity;
  const share = (of: 'discount' | 'tax') => Math.max(0, fractionOf(line[of], units, line.quantity) - refunded[of]);
  const [discount, tax] = [share('discount'), share('tax')];
  const added = line.paid - (line.total - line.discount) > 0 ? tax : 0;
  const exact = (total / line.quantity) * quantity - discount + added;
  const left = line.paid - refunded.amount;
  return {
    productId,
    quantity,
    amount: units === line.quantity ? left : Math.max(0, Math.min(exact, left)),
    discount,
    tax,
  };
}

/** Refunds of lines that together come to at most `left`, of which the first have the first call. In minor units. */
export function cappedTo(left: number, lines: readonly RefundLine[]): RefundLine[] {
  let rest = left;
  return lines.map((line) => {
    const amount = Math.min(line.amount, rest);
    rest -= amount;
    return { ...line, amount };
  });
}
