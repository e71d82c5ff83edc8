import type { Sql, TransactionSql } from 'postgres';
import type { Fulfilment, Tracking } from '../../contract/api/fulfilments.ts';
import type { FulfilmentStatus } from '../../contract/api/orders.ts';
import { Problem } from '../../contract/api/problems.ts';
import { type Claim, idempotent, type KeyOptions } from '../../database/idempotency.sql.ts';
import type { Clock } from '../../kernel/clock.ts';
import { newId } from '../../kernel/ids.ts';
import { type CaptureToMake, type StartSaga, startOrLeave } from '../orders/start-saga.ts';
import { claimCapture } from '../payments/captures.sql.ts';
import { isPaidBack } from '../payments/refunds.sql.ts';
import { insertFulfilment, markCancelled, markDelivered, markShipped, readFulfilments } from './fulfilments.sql.ts';
import { counted, statusOf, takenOff, type Units, unitsToFulfil } from './lines.ts';
import { type LockedOrder, lockOrder } from './order.sql.ts';

export type GoodsDeps = { sql: Sql; clock: Clock; keys: KeyOptions };

/** A fulfilment as it is answered, with how much of its order has shipped by then. */
type Answered = Fulfilment & { fulfilmentStatus: FulfilmentStatus };

/**
 * Packs a parcel of an order, once for each idempotency key: these units, or all that are left.
 * @throws Problem not-found, order-archived, order-not-fulfillable, order-paid-back, line-unknown, fulfilment-too-large
 */
export const createFulfilment = (
  deps: GoodsDeps,
  claim: Claim,
  { orderId, lines, ...wanted }: Tracking & { orderId: string; lines?: Units[] | undefined; createdBy: string },
) =>
  idempotent(deps.sql, claim, deps.keys, async (tx) => {
    const order = await lockPaid(tx, orderId);
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

type Parcel = { orderId: string; fulfilmentId: string };

/**
 * Ships a parcel. The first one of an order that is captured at shipment requests the capture of its payment, in the same
 * transaction. The sweeper starts a saga that cannot be started now.
 * @returns the answer; whether it repeats an earlier one; why the saga of the capture could not be started
 * @throws Problem not-found, order-archived, order-not-fulfillable, order-paid-back, fulfilment-status
 */
export async function shipFulfilment(
  deps: GoodsDeps & { startCapturing: StartSaga<CaptureToMake> },
  claim: Claim,
  wanted: Parcel & { tracking: Tracking },
) {
  let start: (() => Promise<void>) | undefined;
  const { answer, replayed } = await idempotent(deps.sql, claim, deps.keys, async (tx) => {
    const order = await lockPaid(tx, wanted.orderId);
    const parcel = await findParcel(tx, wanted, { from: 'pending', to: 'shipped' });
    const change = { at: new Date(deps.clock.now()), requestId: claim.requestId };
    const eventId = newId('event', deps.clock);
    const shipped = await markShipped(tx, order, parcel, { ...change, eventId, tracking: wanted.tracking });
    const capture = await claimCapture(tx, { ...change, orderId: wanted.orderId, by: 'shipment' });
    if (capture !== undefined) start = () => deps.startCapturing(capture);
    return answerOf(after(order, shipped, 'shipped'));
  });
  return { answer, replayed, ...(await startOrLeave(start)) };
}

/**
 * Delivers a shipped parcel, or cancels a pending one.
 * @throws Problem not-found, order-archived, fulfilment-status
 */
export const changeFulfilment = (deps: GoodsDeps, claim: Claim, wanted: Parcel & { to: 'delivered' | 'cancelled' }) =>
  idempotent(deps.sql, claim, deps.keys, async (tx) => {
    // Parcels arrive whatever becomes of the payment.
    const order = await lockOrder(tx, { orderId: wanted.orderId, anybody: true });
    const change = { at: new Date(deps.clock.now()), requestId: claim.requestId };
    if (wanted.to === 'cancelled') {
      const parcel = await findParcel(tx, wanted, { from: 'pending', to: 'cancelled' });
      return answerOf(after(order, await markCancelled(tx, order, parcel, change), 'cancelled'));
    }
    const parcel = await findParcel(tx, wanted, { from: 'shipped', to: 'delivered' });
    const eventId = newId('event', deps.clock);
    return answerOf(after(order, await markDelivered(tx, order, parcel, { ...change, eventId }), 'delivered'));
  });

/** A parcel that has the status from which it may go on. */
async function findParcel(
  tx: TransactionSql,
  of: Parcel,
  { from, to }: { from: Fulfilment['status']; to: Fulfilment['status'] },
): Promise<Fulfilment> {
  const [parcel] = await readFulfilments(tx, of);
  if (parcel === undefined) throw new Problem('not-found', 'The order has no such fulfilment.');
  if (parcel.status === from) return parcel;
  throw new Problem('fulfilment-status', `Only a ${from} fulfilment can be ${to}; this one is ${parcel.status}.`);
}

/** Locks an order that is confirmed, and of whose payment something is left for what has not shipped. */
async function lockPaid(tx: TransactionSql, orderId: string): Promise<LockedOrder> {
  const order = await lockOrder(tx, { orderId, anybody: true });
  if (order.status !== 'confirmed') {
    throw new Problem('order-not-fulfillable', `Only a confirmed order is fulfilled; this one is ${order.status}.`);
  }
  if (await isPaidBack(tx, orderId)) {
    throw new Problem(
      'order-paid-back',
      'All that was paid for the order has been refunded. Cancel what has not shipped.',
    );
  }
  return order;
}

function after(order: LockedOrder, parcel: Fulfilment, to: 'shipped' | 'delivered' | 'cancelled'): Answered {
  const lines =
    to === 'cancelled'
      ? counted(order.lines, 'fulfilled', takenOff(parcel.lines))
      : counted(order.lines, to, parcel.lines);
  return { ...parcel, fulfilmentStatus: statusOf(lines) };
}

const answerOf = (body: Answered) => ({ status: 200, headers: {}, body: JSON.stringify(body) });
