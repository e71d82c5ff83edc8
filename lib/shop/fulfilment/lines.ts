import type { FulfilmentStatus } from '../../contract/api/orders.ts';
import { Problem, type ProblemCode } from '../../contract/api/problems.ts';

/** A line of an order with its units in parcels; of them shipped; of those delivered; and in returns. */
export type LineProgress = {
  productId: string;
  quantity: number;
  fulfilled: number;
  shipped: number;
  delivered: number;
  returned: number;
};

export type Units = { productId: string; quantity: number };

/**
 * The units that a new parcel takes: these, or all that are left. A product that is named twice counts once, with the sum.
 * @throws Problem line-unknown, fulfilment-too-large
 */
export function unitsToFulfil(lines: readonly LineProgress[], wanted: readonly Units[] | undefined): Units[] {
  const left = ({ quantity, fulfilled }: LineProgress) => quantity - fulfilled;
  if (wanted === undefined) {
    const rest = lines.map((line) => ({ productId: line.productId, quantity: left(line) }));
    const units = rest.filter(({ quantity }) => quantity > 0);
    if (units.length === 0)
      throw new Problem('fulfilment-too-large', 'Every unit of the order is in a parcel already.');
    return units;
  }
  const summed = new Map<string, number>();
  for (const { productId, quantity } of wanted) summed.set(productId, (summed.get(productId) ?? 0) + quantity);
  const units = [...summed].map(([productId, quantity]) => ({ productId, quantity }));
  const first = ({ productId }: Units) => wanted.findIndex((each) => each.productId === productId);
  refuseBeyond(lines, units, { left, code: 'fulfilment-too-large', pointer: first });
  return units;
}

/** @throws Problem line-unknown for what is not in the order; `code` where more is wanted than is left */
export function refuseBeyond(
  lines: readonly LineProgress[],
  units: readonly Units[],
  limit: { left: (line: LineProgress) => number; code: ProblemCode; pointer: (units: Units, index: number) => number },
): void {
  const of = new Map(lines.map((line) => [line.productId, line]));
  const pointers = units.map((each, index) => `/lines/${limit.pointer(each, index)}`);
  const unknown = units.flatMap(({ productId }, i) =>
    of.has(productId) ? [] : [{ pointer: `${pointers[i]}/productId`, detail: 'is not in the order' }],
  );
  if (unknown.length > 0) throw new Problem('line-unknown', 'A product is not in the order.', { errors: unknown });
  const beyond = units.flatMap(({ productId, quantity }, i) => {
    const left = limit.left(of.get(productId)!);
    return quantity <= left ? [] : [{ pointer: `${pointers[i]}/quantity`, detail: `at most ${left} are left` }];
  });
  if (beyond.length > 0) throw new Problem(limit.code, 'More units are wanted than are left.', { errors: beyond });
}

export type Counter = 'fulfilled' | 'shipped' | 'delivered' | 'returned';

/** The lines after a counter of some of them changed by so many units. */
export const counted = (lines: readonly LineProgress[], counter: Counter, units: readonly Units[]): LineProgress[] =>
  lines.map((line) => {
    const change = units.find(({ productId }) => productId === line.productId)?.quantity ?? 0;
    return { ...line, [counter]: line[counter] + change };
  });

/** How much of an order has shipped and arrived, over all of its lines. */
export function statusOf(lines: readonly LineProgress[]): FulfilmentStatus {
  const total = (counter: 'quantity' | Counter) => lines.reduce((sum, line) => sum + line[counter], 0);
  const [ordered, shipped, delivered] = [total('quantity'), total('shipped'), total('delivered')];
  if (shipped === 0) return 'unfulfilled';
  if (shipped < ordered) return 'partially_fulfilled';
  return delivered < ordered ? 'fulfilled' : 'delivered';
}

/** Units as negative ones, to take them off a counter. */
export const takenOff = (units: readonly Units[]): Units[] =>
  units.map(({ productId, quantity }) => ({ productId, quantity: -quantity }));
