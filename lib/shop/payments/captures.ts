import type { Sql } from 'postgres';
import type { PaymentCapture } from '../../contract/api/captures.ts';
import { Problem } from '../../contract/api/problems.ts';
import { type Answer, type Claim, idempotent, type KeyOptions } from '../../database/idempotency.sql.ts';
import type { Clock } from '../../kernel/clock.ts';
import { type CaptureToMake, type StartSaga, startOrLeave } from '../orders/start-saga.ts';
import { type CaptureState, claimCapture, readCaptureState } from './captures.sql.ts';

export type CaptureDeps = { sql: Sql; clock: Clock; keys: KeyOptions; startCapturing: StartSaga<CaptureToMake> };

/**
 * Requests the capture of an order's authorized payment, in the transaction of its idempotency key, and starts the saga that
 * makes it. The sweeper starts a saga that cannot be started now.
 * @returns the answer to the request; whether it repeats an earlier one; why its saga could not be started
 * @throws Problem not-found, order-archived, order-not-capturable
 */
export async function requestCapture(
  deps: CaptureDeps,
  claim: Claim,
  { orderId, requestedBy }: { orderId: string; requestedBy: string },
): Promise<{ answer: Answer; replayed: boolean; startError?: unknown }> {
  let start: (() => Promise<void>) | undefined;
  const { answer, replayed } = await idempotent(deps.sql, claim, deps.keys, async (tx) => {
    const at = new Date(deps.clock.now());
    const toMake = await claimCapture(tx, { orderId, by: requestedBy, requestId: claim.requestId, at });
    if (toMake !== undefined) start = () => deps.startCapturing(toMake);
    const state = await readCaptureState(tx, orderId);
    if (state?.archived) throw archived();
    const capture = toCapture(orderId, state);
    if (capture.status !== 'captured' && !isUnderWay(capture)) throw notCapturable(capture);
    return {
      status: isUnderWay(capture) ? 202 : 200,
      headers: { location: `/orders/${orderId}/capture` },
      body: JSON.stringify(capture),
    };
  });
  return { answer, replayed, ...(await startOrLeave(start)) };
}

/** The capture of an order's payment. @throws Problem not-found */
export async function findCapture(sql: Sql, orderId: string): Promise<PaymentCapture> {
  const state = await readCaptureState(sql, orderId);
  return toCapture(orderId, state);
}

/** Whether a capture goes on by itself. */
export const isUnderWay = ({ status, orderStatus }: PaymentCapture): boolean =>
  status === 'authorized' && orderStatus === 'confirmed';

const archived = () =>
  new Problem(
    'order-archived',
    'The order is old and in the archive, where nothing changes. No authorization lasts that long.',
  );

const notCapturable = ({ status, orderStatus }: PaymentCapture): Problem =>
  new Problem(
    'order-not-capturable',
    status !== 'authorized'
      ? `The payment is ${status}.`
      : orderStatus === 'needs_attention'
        ? 'The order is in manual review. Retry it there.'
        : `Only the payment of a confirmed order can be captured; this one is ${orderStatus}.`,
  );

function toCapture(orderId: string, state: CaptureState | undefined): PaymentCapture {
  if (state === undefined) throw new Problem('not-found', 'There is no such order.');
  if (state.paymentId === null || state.status === null) {
    throw new Problem('not-found', `The order is ${state.orderStatus} and has no payment.`);
  }
  return {
    orderId,
    orderStatus: state.orderStatus,
    paymentId: state.paymentId,
    status: state.status,
    amount: { amount: state.amount, currency: state.currency },
    expiresAt: state.expiresAt?.toISOString() ?? null,
    requestedAt: state.captureRequestedAt?.toISOString() ?? null,
    requestedBy: state.captureRequestedBy,
    capturedAt: state.capturedAt?.toISOString() ?? null,
  };
}
