import type { Order } from '../client.ts';
import type { Field, Values } from './forms.ts';

/** Units of a product: of a parcel, of a return, of a refund. */
export type Units = { productId: string; quantity: number };
type Lines = Order['lines'];

/** A control for the units of each product. Products without a unit left have none. */
export const unitFields = (left: readonly Units[], lines: Lines, value: 'all' | 'none'): Field[] =>
  left
    .filter(({ quantity }) => quantity > 0)
    .map(({ productId, quantity }) => ({
      name: productId,
      label: `${nameOf(productId, lines)}, at most ${quantity}`,
      type: 'number',
      value: value === 'all' ? String(quantity) : '0',
      required: true,
      min: 0,
      max: quantity,
    }));

/** What the controls of `unitFields` say. @throws Error when they say nothing */
export function unitsIn(values: Values, lines: Lines): Units[] {
  const units = lines
    .map(({ productId }) => ({ productId, quantity: Number(values[productId] ?? 0) }))
    .filter(({ quantity }) => quantity > 0);
  if (units.length === 0) throw new Error('Say how many units of which product.');
  return units;
}

export const nameOf = (id: string, lines: Lines): string => lines.find(({ productId }) => productId === id)?.name ?? id;

export const namesOf = (units: readonly Units[], lines: Lines): string =>
  units.map(({ productId, quantity }) => `${quantity} × ${nameOf(productId, lines)}`).join(', ');
