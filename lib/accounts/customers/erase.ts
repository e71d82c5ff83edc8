import { deleteLink } from '../../auth/identity/identity-links.dynamo.ts';
import { Problem } from '../../contract/api/problems.ts';
import { newId } from '../../kernel/ids.ts';
import { deleteIdentities } from '../identities/identities.sql.ts';
import { writeNotice } from '../mail/outbox.sql.ts';
import { mailOf } from '../mail/texts.ts';
import { type AccountDeps, endingSessions } from './ending-sessions.ts';
import { deletePersonalRecords, emptyCustomer, lockForErasure } from './erase.sql.ts';

/** How long the last mail is kept: a little longer than it is tried. */
const lastMailMs = 25 * 3600_000;

/**
 * Erases a customer: deletes what only they need, and empties the row that orders and accesses name. An event tells
 * others to erase their copies, and a last mail tells the customer.
 * @param requestId the API request: the correlation id of the event
 * @throws Problem orders-under-way, not-found; DependencyUnavailable, and then nothing has changed
 */
export async function eraseCustomer(deps: AccountDeps, customerId: string, requestId: string): Promise<void> {
  const { clock, links } = deps;
  await endingSessions(deps, undefined, async (tx) => {
    const { email, ordersUnderWay } = await lockForErasure(tx, customerId);
    if (ordersUnderWay > 0) throw underWay(ordersUnderWay);
    const linked = await deleteIdentities(tx, customerId);
    await deletePersonalRecords(tx, { id: customerId, email }, clock);
    await emptyCustomer(tx, { id: customerId, eventId: newId('event', clock), requestId }, clock);
    await writeNotice(tx, { kind: 'account-erased', to: email, ...mailOf('account-erased') }, clock, lastMailMs);
    for (const identity of linked) await deleteLink(links, identity);
    return { id: customerId };
  });
}

const underWay = (orders: number): Problem =>
  new Problem(
    'orders-under-way',
    orders === 1
      ? '1 order has not ended yet. Cancel it, or wait until it has ended.'
      : `${orders} orders have not ended yet. Cancel them, or wait until they have ended.`,
  );
