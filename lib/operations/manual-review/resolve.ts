import { Problem } from '../../contract/api/problems.ts';
import { type Answer, type Claim, idempotent } from '../../database/idempotency.sql.ts';
import { newId } from '../../kernel/ids.ts';
import { compensatedByHand } from '../../saga/failures.ts';
import { releaseWhatIsHeld } from '../../shop/stock/reservations.sql.ts';
import { findReviewOrder } from './find.sql.ts';
import { endByHand, lockForResolution } from './resolve.sql.ts';
import { type Asker, notInReview, notLive, type ReviewDeps } from './retry.ts';

/**
 * Ends an order in manual review as that person declares: no money of it is kept. Stock that it still has goes back.
 * @throws Problem not-found, order-not-in-review, outcome-does-not-fit
 */
export async function resolveOrder(
  deps: ReviewDeps,
  claim: Claim,
  request: Asker & {
    orderId: string;
    outcome: 'failed' | 'cancelled';
    note: string;
    refundReference?: string | undefined;
  },
): Promise<{ answer: Answer; replayed: boolean }> {
  const { orderId, outcome } = request;
  return idempotent(deps.sql, claim, deps.keys, async (tx) => {
    const found = await lockForResolution(tx, orderId);
    if (found === undefined) throw await notLive(tx, orderId);
    if (found.status !== 'needs_attention') throw notInReview(found.status);
    if (found.compensated !== outcome) {
      const why = found.compensated === 'cancelled' ? 'was confirmed or being cancelled' : 'was never confirmed';
      throw new Problem('outcome-does-not-fit', `The order ${why}, so it can only end ${found.compensated}.`);
    }
    if (found.shipped) {
      throw new Problem('outcome-does-not-fit', 'A parcel of the order has shipped. Retry its capture.');
    }
    const now = deps.clock.now();
    const at = new Date(now);
    await releaseWhatIsHeld(tx, { orderId, at });
    await endByHand(tx, {
      ...request,
      payment: found.payment,
      refundReference: request.refundReference,
      at,
      failure: compensatedByHand,
      actionId: newId('action', deps.clock),
      eventId: newId('event', deps.clock),
      paymentEventId: newId('event', deps.clock),
    });
    return { status: 200, headers: {}, body: JSON.stringify(await findReviewOrder(tx, orderId, now)) };
  });
}
