import { Problem } from '../../contract/api/problems.ts';
import { type Answer, type Claim, idempotent } from '../../database/idempotency.sql.ts';
import { newId } from '../../kernel/ids.ts';
import { auditAction, putBack } from './audit.sql.ts';
import { findReviewOrder } from './find.sql.ts';
import type { Asker, ReviewDeps } from './retry.ts';

/** How long an order stays out of the archive, in days. */
export const staysDays = 30;

/**
 * Puts an archived order back as it was, with an entry in the audit. An order that is not archived stays unchanged.
 * @throws Problem not-found
 */
export async function unarchiveOrder(
  deps: ReviewDeps,
  claim: Claim,
  { orderId, keyId, requestId }: Asker & { orderId: string },
): Promise<{ answer: Answer; replayed: boolean }> {
  return idempotent(deps.sql, claim, deps.keys, async (tx) => {
    const now = deps.clock.now();
    const until = new Date(now + staysDays * 24 * 3600_000);
    if (await putBack(tx, orderId, until)) {
      await auditAction(tx, orderId, 'unarchive', {
        actionId: newId('action', deps.clock),
        keyId,
        requestId,
        at: new Date(now),
      });
    }
    const order = await findReviewOrder(tx, orderId, now);
    if (order === undefined) throw new Problem('not-found', 'There is no such order.');
    return { status: 200, headers: {}, body: JSON.stringify(order) };
  });
}
