import { RowRejected } from './errors.ts';
import type { Mapping } from './mapping.ts';
import { textAt } from './read-rows.ts';
import { minorUnits } from './values.ts';

/** Amounts are in minor units: `total` is the unit price times the quantity, and the tax is added to it. */
export type OrderLine = {
  sku: string;
  /** In the previous shop; empty where the row has none. */
  oldProductId: string;
  name: string;
  quantity: number;
  unitPrice: number;
  total: number;
  discount: number;
  tax: number;
};

/**
 * The lines of an order, from a list, JSON or text such as `sku:A|quantity:2|total:9.90;sku:B|…`.
 * @throws RowRejected
 */
export function readLines(
  cell: string | Record<string, unknown>[],
  places: Mapping['orders']['line'],
  currency: string,
): OrderLine[] {
  const items = typeof cell === 'string' ? itemsOf(cell) : cell;
  if (items.length === 0) throw new RowRejected('has no lines');
  const lines = items.map((item) => {
    const at = (name: keyof typeof places) => textAt(item, places[name]);
    const quantity = Number(at('quantity'));
    if (!Number.isInteger(quantity) || quantity < 1)
      throw new RowRejected(`has a line with the quantity "${at('quantity')}"`);
    const whole =
      at('total') === ''
        ? minorUnits(at('price'), currency, 'the price of a line') * quantity
        : minorUnits(at('total'), currency, 'the total of a line');
    const paid = whole - minorUnits(at('discount') || '0', currency, 'the discount of a line');
    const before = Math.max(
      paid,
      whole,
      at('subtotal') === '' ? 0 : minorUnits(at('subtotal'), currency, 'the subtotal of a line'),
    );
    const tax = minorUnits(at('tax') || '0', currency, 'the tax of a line');
    if (paid < 0 || tax < 0) throw new RowRejected('has a line of less than nothing');
    const unitPrice = Math.ceil(before / quantity);
    const oldProductId = at('productId');
    const name = at('name') || at('sku');
    if (name === '') throw new RowRejected('has a line without a name');
    return {
      sku: at('sku'),
      oldProductId,
      name,
      quantity,
      unitPrice,
      total: unitPrice * quantity,
      discount: unitPrice * quantity - paid,
      tax,
    };
  });
  if (lines.length > 1000) throw new RowRejected(`has ${lines.length} lines`);
  return lines;
}

/** What the customer paid for lines. */
export const sumOf = (lines: readonly OrderLine[]): number =>
  lines.reduce((sum, { total, discount, tax }) => sum + total - discount + tax, 0);

/** Shops round an order once and its lines each, so they may differ by a unit a line. The discount or tax of a line takes that. */
export function settleRounding(lines: OrderLine[], paid: number): OrderLine[] {
  const missing = paid - sumOf(lines);
  if (missing === 0 || Math.abs(missing) > 2 * lines.length) return lines;
  const at = lines.findIndex((line) =>
    missing < 0 ? line.total - line.discount >= -missing : line.tax > 0 || line.discount >= missing,
  );
  return lines.map((line, index) => {
    if (index !== at) return line;
    return missing > 0 && line.tax > 0
      ? { ...line, tax: line.tax + missing }
      : { ...line, discount: line.discount - missing };
  });
}

/** Items of a cell: JSON, or text such as `sku:A|quantity:2;sku:B|…`. @throws RowRejected */
export function itemsOf(cell: string): Record<string, unknown>[] {
  if (cell.startsWith('[')) {
    try {
      return JSON.parse(cell) as Record<string, unknown>[];
    } catch {
      throw new RowRejected('has a list that is not JSON');
    }
  }
  return cell
    .split(';')
    .filter((item) => item.trim() !== '')
    .map((item) =>
      Object.fromEntries(
        item
          .split('|')
          .map((field) => [field.slice(0, field.indexOf(':')).trim(), field.slice(field.indexOf(':') + 1)]),
      ),
    );
}
