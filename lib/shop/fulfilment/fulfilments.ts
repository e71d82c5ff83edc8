import type { Sql, TransactionSql } from 'postgres';
import type { Fulfilment, Tracking } from '../../contract/api/fulfilments.ts';
import type { FulfilmentStatus } from '../../contract/api/orders.ts';
import { Problem } from '../../contract/api/problems.ts';
import { type Claim, idempotent, type KeyOptions } from '../../database/idempotency.sql.ts';
import type { Clock } from '../../kernel/clock.ts';
import { newId } from '../../kernel/ids.ts';
import { insertFulfilment, markCancelled, markDelivered, markShipped, readFulfilments } from './fulfilments.sql.ts';
import { counted, statusOf, takenOff, type Units, unitsToFulfil } from './lines.ts';
import { type LockedOrder, lockOrder } from './order.sql.ts';

export type GoodsDeps = { sql: Sql; clock: Clock; keys: KeyOptions };

/** A fulfilment as it is answered, with how much of its order has shipped by then. */
type Answered = Fulfilment & { fulfilmentStatus: FulfilmentStatus };

/**
 * Packs a parcel of an order, once for each idempotency key: these units, or all that are left.
 * @throws Problem not-found, order-archived, order-not-fulfillable, line-unknown, fulfilment-too-large
 */
export const createFulfilment = (
  deps: GoodsDeps,
  claim: Claim,
  { orderId, lines, ...wanted }: Tracking & { orderId: string; lines?: Units[] | undefined; createdBy: string },
) =>
  idempotent(deps.sql, claim, deps.keys, async (tx) => {
    const order = await lockConfirmed(tx, orderId);
    const parcel = await insertFulfilment(tx, order, {
      ...wanted,
      id: newId('fulfilment', deps.clock),
      units: unitsToFulfil(order.lines, lines),
      requestId: claim.requestId,
      at: new Date(deps.clock.now()),
    });
    const location = `/orders/${orderId}/fulfilments/${parcel.id}`;
    return { ...answerOf({ ...parcel, fulfilmentStatus: order.fulfilmentStatus }), status: 201, headers: { location } };
  });

export type ParcelChange = { orderId: string; fulfilmentId: string } & (
  | { to: 'shipped'; tracking: Tracking }
  | { to: 'delivered' | 'cancelled' }
);

/**
 * Ships, delivers or cancels a parcel.
 * @throws Problem not-found, order-archived, order-not-fulfillable, fulfilment-status
 */
export const changeFulfilment = (deps: GoodsDeps, claim: Claim, wanted: ParcelChange) =>
  idempotent(deps.sql, claim, deps.keys, async (tx) => {
    const order = await lockConfirmed(tx, wanted.orderId);
    const [parcel] = await readFulfilments(tx, wanted);
    if (parcel === undefined) throw new Problem('not-found', 'The order has no such fulfilment.');
    const from = wanted.to === 'delivered' ? 'shipped' : 'pending';
    if (parcel.status !== from) {
      const detail = `Only a ${from} fulfilment can be ${wanted.to}; this one is ${parcel.status}.`;
      throw new Problem('fulfilment-status', detail);
    }
    const change = { at: new Date(deps.clock.now()), requestId: claim.requestId };
    const eventId = newId('event', deps.clock);
    switch (wanted.to) {
      case 'shipped': {
        const shipped = await markShipped(tx, order, parcel, { ...change, eventId, tracking: wanted.tracking });
        return answerOf(after(order, shipped, 'shipped'));
      }
      case 'delivered':
        return answerOf(after(order, await markDelivered(tx, order, parcel, { ...change, eventId }), 'delivered'));
      case 'cancelled':
        return answerOf(after(order, await markCancelled(tx, order, parcel, change), 'cancelled'));
    }
  });

async function lockConfirmed(tx: TransactionSql, orderId: string): Promise<LockedOrder> {
  const order = await lockOrder(tx, { orderId });
  if (order.status === 'confirmed') return order;
  throw new Problem('order-not-fulfillable', `Only a confirmed order is fulfilled; this one is ${order.status}.`);
}

function after(order: LockedOrder, parcel: Fulfilment, to: ParcelChange['to']): Answered {
  const lines =
    to === 'cancelled'
      ? counted(order.lines, 'fulfilled', takenOff(parcel.lines))
      : counted(order.lines, to, parcel.lines);
  return { ...parcel, fulfilmentStatus: statusOf(lines) };
}

const answerOf = (body: Answered) => ({ status: 200, headers: {}, body: JSON.stringify(body) });
