import type { Sql } from 'postgres';
import { Problem } from '../../contract/api/problems.ts';
import { type Answer, type Claim, idempotent, type KeyOptions } from '../../database/idempotency.sql.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { SagaInput } from '../../saga/state.ts';
import { cancelIfPossible, readCancellation } from './cancel.sql.ts';
import type { StartSaga } from './place.ts';
import { findOrder } from './read.sql.ts';

export type CancelDeps = {
  sql: Sql;
  clock: Clock;
  keys: KeyOptions;
  startSaga: StartSaga;
  /** Resumes a saga that waits for its customer to act on the payment. */
  resumeSaga: (orderId: string) => Promise<void>;
  windowSeconds: number;
};

/**
 * Asks for an order to be compensated. One whose saga is under way is compensated by it at its next step, and one that waits for
 * its customer is resumed for it; a confirmed one gets a saga of its own. The sweeper sees to what cannot be done now.
 * @throws Problem not-found, order-ended, order-too-late-to-cancel
 */
export async function cancelOrder(
  deps: CancelDeps,
  claim: Claim,
  of: { orderId: string; customerId: string },
): Promise<{ answer: Answer; replayed: boolean; startError?: unknown }> {
  let toDo: (() => Promise<void>) | undefined;
  const now = deps.clock.now();
  const { answer, replayed } = await idempotent(deps.sql, claim, deps.keys, async (tx) => {
    const cancellation = await cancelIfPossible(tx, {
      ...of,
      at: new Date(now),
      requestId: claim.requestId,
      confirmedAfter: new Date(now - deps.windowSeconds * 1000),
    });
    if (cancellation.outcome === 'unknown') throw new Problem('not-found', 'You have no such order.');
    if (cancellation.outcome === 'refused') throw refusal(cancellation.status, deps.windowSeconds);
    if (cancellation.was === 'confirmed') {
      const input = cancellationInput(await readCancellation(tx, of.orderId));
      toDo = () => deps.startSaga(input);
    } else if (cancellation.was === 'pending_payment') {
      toDo = () => deps.resumeSaga(of.orderId);
    }
    const order = await findOrder(tx, of);
    return { status: 202, headers: { location: `/orders/${of.orderId}` }, body: JSON.stringify(order) };
  });
  try {
    await toDo?.();
  } catch (startError) {
    return { answer, replayed, startError };
  }
  return { answer, replayed };
}

/** What the saga of a cancellation is started with. */
export const cancellationInput = (order: Awaited<ReturnType<typeof readCancellation>>): SagaInput => ({
  orderId: order.id,
  intent: 'cancel',
  amount: order.total,
  currency: order.currency,
  paymentMethod: order.paymentMethod,
  ...(order.paymentId === null || order.paymentProvider === null || order.paymentReference === null
    ? {}
    : { payment: { id: order.paymentId, provider: order.paymentProvider, reference: order.paymentReference } }),
});

/** What a saga is started with that only compensates, run again for the `attempt`th time. */
export const compensationInput = (order: Parameters<typeof cancellationInput>[0], attempt: number): SagaInput => ({
  ...cancellationInput(order),
  intent: 'compensation',
  attempt,
});

const refusal = (status: string, windowSeconds: number): Problem =>
  status === 'confirmed'
    ? new Problem(
        'order-too-late-to-cancel',
        `An order can be cancelled for ${Math.round(windowSeconds / 3600)} hours after it was confirmed.`,
      )
    : new Problem('order-ended', `The order ${ends[status] ?? `is ${status}`} and cannot be cancelled.`);

const ends: Readonly<Record<string, string>> = {
  failed: 'has failed',
  cancelled: 'is cancelled already',
  needs_attention: 'is being looked at by our staff',
};
