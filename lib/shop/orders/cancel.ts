import type { Sql } from 'postgres';
import { Problem } from '../../contract/api/problems.ts';
import { type Answer, type Claim, idempotent, type KeyOptions } from '../../database/idempotency.sql.ts';
import type { Clock } from '../../kernel/clock.ts';
import { dropParcels } from '../fulfilment/fulfilments.sql.ts';
import { cancelIfPossible, readCancellation } from './cancel.sql.ts';
import type { OfOwner } from './owner.sql.ts';
import { findArchivedStatus, findOrder } from './read.sql.ts';
import { type OrderToCancel, type StartSaga, startOrLeave } from './start-saga.ts';

export type CancelDeps = {
  sql: Sql;
  clock: Clock;
  keys: KeyOptions;
  startCompensating: StartSaga<OrderToCancel>;
  /** Resumes a saga that waits for its customer to act on the payment. */
  resumeSaga: (orderId: string) => Promise<void>;
  windowSeconds: number;
};

/**
 * Cancels an order. A saga under way compensates the order at its next step; one that waits for its customer is resumed.
 * A confirmed order gets a saga of its own. The sweeper starts or resumes what cannot be started or resumed now.
 * @returns the answer to the request; whether it repeats an earlier one; why the saga could not be started or resumed
 * @throws Problem not-found, order-ended, order-shipped, order-too-late-to-cancel
 */
export async function cancelOrder(
  deps: CancelDeps,
  claim: Claim,
  of: OfOwner,
): Promise<{ answer: Answer; replayed: boolean; startError?: unknown }> {
  let start: (() => Promise<void>) | undefined;
  const now = deps.clock.now();
  const { answer, replayed } = await idempotent(deps.sql, claim, deps.keys, async (tx) => {
    const cancellation = await cancelIfPossible(tx, {
      ...of,
      at: new Date(now),
      requestId: claim.requestId,
      confirmedAfter: new Date(now - deps.windowSeconds * 1000),
    });
    if (cancellation.outcome === 'unknown') {
      const status = await findArchivedStatus(tx, of);
      if (status === undefined) throw new Problem('not-found', 'You have no such order.');
      throw refusal({ status }, deps.windowSeconds);
    }
    if (cancellation.outcome === 'refused') throw refusal(cancellation, deps.windowSeconds);
    if (cancellation.was === 'confirmed') {
      await dropParcels(tx, { orderId: of.orderId, at: new Date(now) });
      const order = orderToCancel(await readCancellation(tx, of.orderId));
      start = () => deps.startCompensating(order);
    } else if (cancellation.was === 'pending_payment') {
      start = () => deps.resumeSaga(of.orderId);
    }
    const order = await findOrder(tx, of);
    return { status: 202, headers: { location: `/orders/${of.orderId}` }, body: JSON.stringify(order) };
  });
  return { answer, replayed, ...(await startOrLeave(start)) };
}

/** What the saga of a cancellation is started with. */
export const orderToCancel = (
  order: Pick<
    Awaited<ReturnType<typeof readCancellation>>,
    'id' | 'total' | 'currency' | 'paymentProvider' | 'paymentReference'
  > & { captureAt?: 'shipment' | null },
): OrderToCancel => ({
  orderId: order.id,
  reason: 'cancellation',
  amount: order.total,
  currency: order.currency,
  ...(order.paymentProvider === null || order.paymentReference === null
    ? {}
    : { payment: { provider: order.paymentProvider, reference: order.paymentReference } }),
  ...(order.captureAt === 'shipment' ? { captureAt: 'shipment' } : {}),
});

function refusal({ status, shipped }: { status: string; shipped?: boolean }, windowSeconds: number): Problem {
  if (status !== 'confirmed') {
    return new Problem('order-ended', `The order ${ends[status] ?? `is ${status}`} and cannot be cancelled.`);
  }
  if (shipped) {
    return new Problem(
      'order-shipped',
      'A parcel of the order is on its way. Return what you do not want to keep, and ask the shop to refund what has not shipped.',
    );
  }
  return new Problem(
    'order-too-late-to-cancel',
    `An order can be cancelled for ${Math.round(windowSeconds / 3600)} hours after it was confirmed.`,
  );
}

const ends: Readonly<Record<string, string>> = {
  failed: 'has failed',
  cancelled: 'is cancelled already',
  needs_attention: 'is being looked at by our staff',
};
