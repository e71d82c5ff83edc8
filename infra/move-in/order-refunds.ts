import * as z from 'zod/mini';
import { text } from '../../lib/contract/api/common.ts';
import { RowRejected } from './errors.ts';
import type { Mapping } from './mapping.ts';
import { itemsOf, type OrderLine } from './order-lines.ts';
import { listAt, textAt } from './read-rows.ts';
import { minorUnits, movedId, timeOf } from './values.ts';

/** Amounts are in minor units, with tax. What `lines` and `shipping` leave of the amount was given back for nothing that has a name. */
export type OrderRefund = {
  id: string;
  at: Date;
  amount: number;
  reason: string;
  /** `line` counts the lines of the order from 0. A line without units gave back money alone. */
  lines: { line: number; quantity: number; amount: number; discount: number; tax: number }[];
  shipping: number;
};
/** What a refund is of. */
type Refunded = {
  /** Of the source and of the order in it. */
  names: readonly string[];
  currency: string;
  lines: readonly OrderLine[];
  shipping: { amount: number; tax: number };
  taxIncluded: boolean;
  total: number;
  placedAt: Date;
  changedAt: Date;
};

/**
 * What was given back of an order, as far as the row says it: when and for which lines, when alone, or how much alone.
 * @throws RowRejected when it is more than was paid
 */
export function readRefunds(
  row: Record<string, unknown>,
  places: Mapping['orders'],
  order: Refunded,
): { refunds: OrderRefund[]; notes: string[] } {
  const notes = new Set<string>();
  const items = itemsAt(row, places).map((item) => read(item, places, order, notes));
  const given = items.filter(({ amount }) => amount !== 0);
  const sum = given.reduce((all, { amount }) => all + amount, 0);
  if (sum > order.total) throw new RowRejected(`has refunds of ${sum}, and its total is ${order.total} (minor units)`);
  const refunds = given.length === 1 && sum === order.total ? [wholeOf(given[0]!, order)] : withinLines(given, order);
  if (refunds.some(({ amount, lines, shipping }) => lines.length === 0 && shipping !== amount))
    notes.add('orders with refunds that name no lines, which reports of products do not see');
  return { refunds, notes: [...notes] };
}

/** Several, or the one of which only the amount is known. */
function itemsAt(row: Record<string, unknown>, { refunds, refunded }: Mapping['orders']): Record<string, unknown>[] {
  const items = listAt(row, refunds) ?? itemsOf(textAt(row, refunds));
  const amount = textAt(row, refunded);
  return items.length === 0 && amount !== '' ? [{ [onlyAmount]: amount }] : items;
}

const onlyAmount = '(refunded)';

function read(
  item: Record<string, unknown>,
  { refund, line }: Mapping['orders'],
  { names, currency, lines, taxIncluded, placedAt, changedAt }: Refunded,
  notes: Set<string>,
): OrderRefund {
  const units = (text: string, what: string) => Math.abs(minorUnits(text || '0', currency, what));
  const amount = units(textAt(item, refund.amount) || textAt(item, onlyAmount), 'the refund');
  const date = textAt(item, refund.date);
  if (date === '' && amount > 0)
    notes.add('orders with refunds without a time, which count when the order changed last');
  const said = date === '' ? changedAt : timeOf(date, 'the time of a refund');
  const at = said < placedAt ? placedAt : said;
  const found = (listAt(item, refund.lines) ?? itemsOf(textAt(item, refund.lines))).flatMap((part) => {
    const tax = units(textAt(part, line.tax), 'the tax of a refund');
    const paid = units(textAt(part, line.total), 'the refund of a line') + (taxIncluded ? 0 : tax);
    const quantity = Math.abs(Math.trunc(Number(textAt(part, line.quantity)))) || 0;
    if (paid === 0 && quantity === 0) return [];
    const of = lineOf(part, line, lines);
    if (of >= 0) return [{ line: of, quantity, amount: paid, discount: 0, tax }];
    notes.add('orders with refunds of things that are not in them, which name no lines');
    return [];
  });
  return {
    id: movedId('refund', at, [...names, textAt(item, refund.id) || `${date} ${amount}`]),
    at,
    amount,
    reason:
      z.safeParse(reasonSchema, textAt(item, refund.reason).slice(0, 200)).data ?? 'refunded in the previous shop',
    lines: found,
    shipping:
      units(textAt(item, refund.shipping), 'the refund of the shipping') +
      (taxIncluded ? 0 : units(textAt(item, refund.shippingTax), 'the refund of the shipping')),
  };
}

const reasonSchema = text(200);

/** The line that a refund names: by SKU, by product, or by name. */
function lineOf(item: Record<string, unknown>, places: Mapping['orders']['line'], lines: readonly OrderLine[]): number {
  const [sku, productId, name] = (['sku', 'productId', 'name'] as const).map((place) => textAt(item, places[place]));
  const at = lines.findIndex(
    (line) => (sku !== '' && line.sku === sku) || (productId !== '' && line.oldProductId === productId),
  );
  return at >= 0 ? at : lines.findIndex((line) => line.name === name);
}

const paidFor = ({ total, discount, tax }: OrderLine, taxIncluded: boolean): number =>
  total - discount + (taxIncluded ? 0 : tax);
const paidForShipping = ({ shipping, taxIncluded }: Refunded): number =>
  shipping.amount + (taxIncluded ? 0 : shipping.tax);

/** One refund of everything is of each line and of the shipping, whether it says so or not. */
const wholeOf = (refund: OrderRefund, order: Refunded): OrderRefund => ({
  ...refund,
  lines: order.lines.map((line, at) => ({
    ...{ line: at, quantity: line.quantity, amount: paidFor(line, order.taxIncluded) },
    ...{ discount: line.discount, tax: line.tax },
  })),
  shipping: paidForShipping(order),
});

/** Shops round a refund and its lines each. No line, and no shipping, gives back more than was paid for it, nor all more than the refund. */
function withinLines(refunds: readonly OrderRefund[], order: Refunded): OrderRefund[] {
  const left = order.lines.map((line) => ({ quantity: line.quantity, amount: paidFor(line, order.taxIncluded) }));
  let leftOfShipping = paidForShipping(order);
  return refunds.map((refund) => {
    let rest = refund.amount;
    const lines = refund.lines.map(({ line, ...part }) => {
      const of = left[line]!;
      const sold = order.lines[line]!;
      const quantity = Math.min(part.quantity, of.quantity);
      const amount = Math.min(part.amount, of.amount, rest);
      of.quantity -= quantity;
      of.amount -= amount;
      rest -= amount;
      const discount = Math.floor((sold.discount * quantity) / sold.quantity);
      return { line, quantity, amount, discount, tax: Math.min(part.tax, amount, sold.tax) };
    });
    const shipping = Math.min(refund.shipping, leftOfShipping, rest);
    leftOfShipping -= shipping;
    return { ...refund, lines, shipping };
  });
}
