import type { TransactionSql } from 'postgres';
import type { Clock } from '../../kernel/clock.ts';
import { newId } from '../../kernel/ids.ts';
import type { RefundToMake } from '../orders/start-saga.ts';
import { claimMoneyOf, lockMoneyOf } from '../payments/cancelled-units.sql.ts';
import { markUnitsCancelled, readPendingParcels } from './cancellation.sql.ts';
import { parcelsToDrop, type Units } from './lines.ts';
import type { LockedOrder } from './order.sql.ts';

/**
 * Cancels units of a locked, confirmed order that have not shipped: unpacks them, puts them back on the shelf, and gives back
 * what was paid for them. What was paid for shipping stays paid, because something of the order ships.
 * @returns what the saga of the refund is started with, if one is to start now
 */
export async function cancelUnits(
  tx: TransactionSql,
  order: LockedOrder,
  { clock, ...of }: { clock: Clock; units: readonly Units[]; requestedBy: string; requestId: string | undefined },
): Promise<RefundToMake | undefined> {
  const { units, requestedBy, requestId } = of;
  const at = new Date(clock.now());
  const unpacked = parcelsToDrop(order.lines, units, await readPendingParcels(tx, order.id));
  const money = await lockMoneyOf(tx, { orderId: order.id, units });
  const refundId = money.amount > 0 ? newId('refund', clock) : null;
  const refund = { id: refundId, amount: money.amount, currency: money.currency };
  const change = { eventId: newId('event', clock), requestId, at };
  await markUnitsCancelled(tx, order, { ...change, id: newId('cancellation', clock), units, unpacked, refund });
  if (refundId === null) return undefined;
  return await claimMoneyOf(tx, money, {
    id: refundId,
    eventId: newId('event', clock),
    orderId: order.id,
    requestedBy,
    requestId,
    at,
  });
}
