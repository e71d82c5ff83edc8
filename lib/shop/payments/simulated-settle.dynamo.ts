import { ChargeNotWaiting } from './gateway.ts';
import { itemStore, type StoreOptions } from './simulated-items.dynamo.ts';

/**
 * Plays the customer whom a charge with `pm_requiresAction` waits for: `complete` captures it, `fail` declines it as
 * `authentication_failed`. Doing the same again changes nothing.
 * @returns what became of the charge
 * @throws ChargeNotWaiting when there is no such charge, it was voided, or the other thing was done before; OutcomeUnknown
 */
export async function settleSimulated(
  options: StoreOptions,
  orderId: string,
  outcome: 'complete' | 'fail',
): Promise<'captured' | 'declined'> {
  const store = itemStore(options);
  const [wanted, declineCode] =
    outcome === 'complete' ? (['captured', undefined] as const) : (['declined', 'authentication_failed'] as const);
  if (await store.leaveAction(orderId, wanted, declineCode)) return wanted;
  const item = await store.find(orderId);
  if (item === undefined || item.status !== wanted) throw new ChargeNotWaiting(orderId, item?.status ?? 'not there');
  // A charge that never waited was not settled by anybody.
  if (item.paymentMethod !== 'pm_requiresAction') throw new ChargeNotWaiting(orderId, item.status);
  return wanted;
}
