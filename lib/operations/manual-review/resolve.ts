import { Problem } from '../../contract/api/problems.ts';
import { type Answer, type Claim, once } from '../../database/idempotency.sql.ts';
import { newId } from '../../kernel/ids.ts';
import { releaseWhatIsHeld } from '../../shop/stock/reservations.sql.ts';
import { findDeskOrder } from './find.sql.ts';
import { endByHand, lockForResolution } from './resolve.sql.ts';
import { type Asker, type DeskDeps, notFlagged } from './retry.ts';

/** What the customer is told. */
export const byHand = { code: 'undone', detail: 'Our staff undid the order; no money is kept.' };

/**
 * Ends an order before a person as that person declares: no money of it is kept. Stock that it still has goes back.
 * @throws Problem not-found, order-not-flagged, outcome-does-not-fit
 */
export async function resolveOrder(
  deps: DeskDeps,
  claim: Claim,
  request: Asker & {
    orderId: string;
    outcome: 'failed' | 'cancelled';
    note: string;
    refundReference?: string | undefined;
  },
): Promise<{ answer: Answer; replayed: boolean }> {
  const { orderId, outcome } = request;
  return once(deps.sql, claim, deps.keys, async (tx) => {
    const found = await lockForResolution(tx, orderId);
    if (found === undefined) throw new Problem('not-found', 'There is no such order.');
    if (found.status !== 'needs_attention') throw notFlagged(found.status);
    if (found.undone !== outcome) {
      const why = found.undone === 'cancelled' ? 'was confirmed or being cancelled' : 'was never confirmed';
      throw new Problem('outcome-does-not-fit', `The order ${why}, so it can only end ${found.undone}.`);
    }
    const now = deps.clock.now();
    const at = new Date(now);
    await releaseWhatIsHeld(tx, { orderId, at });
    await endByHand(tx, {
      ...request,
      refundReference: request.refundReference,
      at,
      failure: byHand,
      actionId: newId('action', deps.clock),
      eventId: newId('event', deps.clock),
    });
    return { status: 200, headers: {}, body: JSON.stringify(await findDeskOrder(tx, orderId, now)) };
  });
}
