import type { Sql, TransactionSql } from 'postgres';
import type { OrderStatus } from '../../contract/api/orders.ts';
import { Problem } from '../../contract/api/problems.ts';
import { type Answer, type Claim, idempotent, type KeyOptions } from '../../database/idempotency.sql.ts';
import type { Clock } from '../../kernel/clock.ts';
import { cancelUnits } from '../fulfilment/cancellation.ts';
import { dropParcels } from '../fulfilment/fulfilments.sql.ts';
import { isRestOf, type Units, unitsToCancel } from '../fulfilment/lines.ts';
import { lockOrder } from '../fulfilment/order.sql.ts';
import { cancelIfPossible, readCancellation, wasConfirmedAfter } from './cancel.sql.ts';
import type { OfOwner } from './owner.sql.ts';
import { findArchivedStatus, findOrder } from './read.sql.ts';
import { askedFor, type OrderToCancel, type RefundToMake, type StartSaga, startOrLeave } from './start-saga.ts';
import { hasEnded } from './transitions.ts';

export type CancelDeps = {
  sql: Sql;
  clock: Clock;
  keys: KeyOptions;
  startCompensating: StartSaga<OrderToCancel>;
  startRefunding: StartSaga<RefundToMake>;
  /** Resumes a saga that waits for its customer to act on the payment. */
  resumeSaga: (orderId: string) => Promise<void>;
  /** How long after it was confirmed customers and guests can cancel an order. An application can at any time. */
  windowSeconds: number;
};

export type WhatToCancel = OfOwner & { lines?: readonly Units[] | undefined; requestedBy: string };

/** Starts or resumes a saga; undefined where there is none to start. */
type Start = (() => Promise<void>) | undefined;

/**
 * Cancels an order, or what has not shipped of it, or units of it. A saga under way compensates the order at its next step; one
 * that waits for its customer is resumed. A confirmed order gets a saga of its own. Of an order that goes on, units are put back
 * on the shelf at once, and their refund gets a saga. The sweeper starts or resumes what cannot be started or resumed now.
 * @returns the answer to the request; whether it repeats an earlier one; why the saga could not be started or resumed
 * @throws Problem not-found, order-archived, order-ended, order-shipped, order-not-fulfillable, order-too-late-to-cancel,
 *   line-unknown, cancellation-too-large
 */
export async function cancelOrder(
  deps: CancelDeps,
  claim: Claim,
  wanted: WhatToCancel,
): Promise<{ answer: Answer; replayed: boolean; startError?: unknown }> {
  let start: Start;
  const { answer, replayed } = await idempotent(deps.sql, claim, deps.keys, async (tx) => {
    const cancelled = await cancelWanted(tx, deps, { ...wanted, requestId: claim.requestId });
    start = cancelled.start;
    const order = await findOrder(tx, wanted);
    const status = cancelled.whole ? 202 : 200;
    return { status, headers: { location: `/orders/${wanted.orderId}` }, body: JSON.stringify(order) };
  });
  return { answer, replayed, ...(await startOrLeave(start)) };
}

type Cancelled = { whole: boolean; start: Start };
type Request = WhatToCancel & { requestId: string | undefined };

/** Units that are all that is left of an order, of which nothing has shipped, are the whole order. */
async function cancelWanted(tx: TransactionSql, deps: CancelDeps, request: Request): Promise<Cancelled> {
  if (request.lines === undefined) return await cancelWhole(tx, deps, request);
  const order = await lockOrder(tx, request);
  if (order.status !== 'confirmed') throw notConfirmed(order.status);
  const units = unitsToCancel(order.lines, request.lines);
  return isRestOf(order.lines, units)
    ? await cancelWhole(tx, deps, request)
    : await cancelPart(tx, deps, request, units);
}

async function cancelWhole(tx: TransactionSql, deps: CancelDeps, request: Request): Promise<Cancelled> {
  const { orderId } = request;
  const at = new Date(deps.clock.now());
  const cancellation = await cancelIfPossible(tx, { ...request, at, confirmedAfter: confirmedAfter(deps, request) });
  if (cancellation.outcome === 'unknown') {
    const status = await findArchivedStatus(tx, request);
    if (status === undefined) throw new Problem('not-found', 'You have no such order.');
    throw status === 'confirmed' ? tooLate(deps.windowSeconds) : ended(status);
  }
  if (cancellation.outcome === 'refused') {
    if (cancellation.status !== 'confirmed') throw ended(cancellation.status);
    if (cancellation.late) throw tooLate(deps.windowSeconds);
    return await cancelPart(tx, deps, request, undefined);
  }
  if (cancellation.was === 'pending_payment') return { whole: true, start: () => deps.resumeSaga(orderId) };
  if (cancellation.was !== 'confirmed') return { whole: true, start: undefined };
  await dropParcels(tx, { orderId, at });
  const order = orderToCancel(await readCancellation(tx, orderId));
  return { whole: true, start: () => deps.startCompensating(order) };
}

/** Cancels units of a confirmed order; without any, all that have not shipped. */
async function cancelPart(
  tx: TransactionSql,
  deps: CancelDeps,
  request: Request,
  wanted: readonly Units[] | undefined,
): Promise<Cancelled> {
  const { orderId, requestedBy, requestId } = request;
  if (!(await wasConfirmedAfter(tx, orderId, confirmedAfter(deps, request)))) throw tooLate(deps.windowSeconds);
  const order = await lockOrder(tx, request);
  const units = wanted ?? unitsToCancel(order.lines, undefined);
  const refund = await cancelUnits(tx, order, { clock: deps.clock, units, requestedBy, requestId });
  return { whole: false, start: refund && (() => deps.startRefunding(refund)) };
}

const confirmedAfter = ({ clock, windowSeconds }: CancelDeps, of: OfOwner): Date =>
  'anybody' in of ? new Date(0) : new Date(clock.now() - windowSeconds * 1000);

/** What the saga of a cancellation is started with. */
export const orderToCancel = (
  order: Pick<
    Awaited<ReturnType<typeof readCancellation>>,
    'id' | 'total' | 'currency' | 'paymentProvider' | 'paymentReference'
  > & { captureAt?: 'shipment' | null; correlationId?: string | null },
): OrderToCancel => ({
  orderId: order.id,
  reason: 'cancellation',
  amount: order.total,
  currency: order.currency,
  ...(order.paymentProvider === null || order.paymentReference === null
    ? {}
    : { payment: { provider: order.paymentProvider, reference: order.paymentReference } }),
  ...(order.captureAt === 'shipment' ? { captureAt: 'shipment' } : {}),
  ...askedFor(order),
});

const notConfirmed = (status: OrderStatus): Problem =>
  hasEnded(status)
    ? ended(status)
    : new Problem(
        'order-not-fulfillable',
        `Only of a confirmed order units are cancelled; this one is ${status}. Without lines the whole order is cancelled.`,
      );

const ended = (status: string): Problem =>
  new Problem('order-ended', `The order ${ends[status] ?? `is ${status}`} and cannot be cancelled.`);

const tooLate = (windowSeconds: number): Problem =>
  new Problem(
    'order-too-late-to-cancel',
    `An order can be cancelled for ${Math.round(windowSeconds / 3600)} hours after it was confirmed.`,
  );

const ends: Readonly<Record<string, string>> = {
  failed: 'has failed',
  cancelled: 'is cancelled already',
  needs_attention: 'is being looked at by our staff',
};
