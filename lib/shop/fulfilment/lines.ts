import type { FulfilmentStatus } from '../../contract/api/orders.ts';
import { Problem, type ProblemCode } from '../../contract/api/problems.ts';

/** A line of an order with its units in parcels; of them shipped; of those delivered; in returns; and cancelled. */
export type LineProgress = {
  productId: string;
  quantity: number;
  fulfilled: number;
  shipped: number;
  delivered: number;
  returned: number;
  cancelled: number;
};

export type Units = { productId: string; quantity: number };

/**
 * The units that a new parcel takes: these, or all that are left. A product that is named twice counts once, with the sum.
 * @throws Problem line-unknown, fulfilment-too-large
 */
export function unitsToFulfil(lines: readonly LineProgress[], wanted: readonly Units[] | undefined): Units[] {
  const units = unitsOf(lines, wanted, { left: unpacked, code: 'fulfilment-too-large' });
  if (units.length > 0) return units;
  throw new Problem('fulfilment-too-large', 'Every unit of the order is in a parcel already, or cancelled.');
}

/**
 * The units that a cancellation takes: these, or all that are left; whether they are packed does not matter. A product that
 * is named twice counts once, with the sum.
 * @throws Problem line-unknown, cancellation-too-large, order-shipped
 */
export function unitsToCancel(lines: readonly LineProgress[], wanted: readonly Units[] | undefined): Units[] {
  const left = ({ quantity, cancelled, shipped }: LineProgress) => quantity - cancelled - shipped;
  const units = unitsOf(lines, wanted, { left, code: 'cancellation-too-large' });
  if (units.length > 0) return units;
  throw new Problem(
    'order-shipped',
    'Everything that was not cancelled has shipped. Return what you do not want to keep.',
  );
}

/** Whether units are everything that is left of an order of which nothing has shipped. */
export const isRestOf = (lines: readonly LineProgress[], units: readonly Units[]): boolean =>
  lines.every(({ productId, quantity, cancelled, shipped }) => {
    const wanted = units.find((each) => each.productId === productId)?.quantity ?? 0;
    return shipped === 0 && wanted === quantity - cancelled;
  });

/**
 * The parcels that must be unpacked so that these units can be cancelled: units that are in no parcel go first, then those of
 * the newest parcel.
 * @param parcels the parcels that have not shipped, newest first
 */
export function parcelsToDrop<Parcel extends { lines: readonly Units[] }>(
  lines: readonly LineProgress[],
  units: readonly Units[],
  parcels: readonly Parcel[],
): Parcel[] {
  const free = new Map(lines.map((line) => [line.productId, unpacked(line)]));
  return parcels.filter((parcel) => {
    const isShort = units.some(
      ({ productId, quantity }) =>
        quantity > free.get(productId)! && parcel.lines.some((line) => line.productId === productId),
    );
    if (isShort) for (const line of parcel.lines) free.set(line.productId, free.get(line.productId)! + line.quantity);
    return isShort;
  });
}

const unpacked = ({ quantity, cancelled, fulfilled }: LineProgress) => quantity - cancelled - fulfilled;

type Limit = { left: (line: LineProgress) => number; code: ProblemCode };

/** These units, or all that are left of each line. @throws Problem line-unknown; `code` where more is wanted than is left */
function unitsOf(lines: readonly LineProgress[], wanted: readonly Units[] | undefined, { left, code }: Limit): Units[] {
  if (wanted === undefined) {
    const rest = lines.map((line) => ({ productId: line.productId, quantity: left(line) }));
    return rest.filter(({ quantity }) => quantity > 0);
  }
  const summed = new Map<string, number>();
  for (const { productId, quantity } of wanted) summed.set(productId, (summed.get(productId) ?? 0) + quantity);
  const units = [...summed].map(([productId, quantity]) => ({ productId, quantity }));
  const first = ({ productId }: Units) => wanted.findIndex((each) => each.productId === productId);
  refuseBeyond(lines, units, { left, code, pointer: first });
  return units;
}

/** @throws Problem line-unknown for what is not in the order; `code` where more is wanted than is left */
export function refuseBeyond(
  lines: readonly LineProgress[],
  units: readonly Units[],
  limit: Limit & { pointer: (units: Units, index: number) => number },
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

/** What a change of goods counts; a cancellation of units counts for itself. */
export type Counter = 'fulfilled' | 'shipped' | 'delivered' | 'returned';

/** The lines after a counter of some of them changed by so many units. */
export const counted = (lines: readonly LineProgress[], counter: Counter, units: readonly Units[]): LineProgress[] =>
  lines.map((line) => {
    const change = units.find(({ productId }) => productId === line.productId)?.quantity ?? 0;
    return { ...line, [counter]: line[counter] + change };
  });

/** How much of an order has shipped and arrived, over all units of its lines that are not cancelled. */
export function statusOf(lines: readonly LineProgress[]): FulfilmentStatus {
  const total = (counter: 'quantity' | 'cancelled' | Counter) => lines.reduce((sum, line) => sum + line[counter], 0);
  const [ordered, shipped, delivered] = [total('quantity') - total('cancelled'), total('shipped'), total('delivered')];
  if (shipped === 0) return 'unfulfilled';
  if (shipped < ordered) return 'partially_fulfilled';
  return delivered < ordered ? 'fulfilled' : 'delivered';
}

/** Units as negative ones, to take them off a counter. */
export const takenOff = (units: readonly Units[]): Units[] =>
  units.map(({ productId, quantity }) => ({ productId, quantity: -quantity }));
