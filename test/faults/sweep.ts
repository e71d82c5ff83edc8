import { isConnectionLoss } from '../../lib/kernel/outage.ts';
import { runSweep } from '../support/sweep-job.ts';
import type { World } from './world.ts';

const minute = 60_000;

/** What the scheduled job would do for an order, as often as it can be needed. */
export async function sweepUntilEnded({ saga }: World, orderId: string): Promise<void> {
  const isOpen = async () => {
    const [row] = await saga.owner`
      select status not in ('confirmed', 'failed', 'cancelled', 'needs_attention') as order,
        exists (select from payments.refunds r where r.order_id = o.id and r.status = 'requested') as refund,
        o.status = 'confirmed' and exists (
          select from payments.payments p
          where p.order_id = o.id and p.status = 'authorized' and p.capture_requested_at is not null
        ) as capture
      from orders.orders o where o.id = ${orderId}`;
    return (row ?? { order: false, refund: false, capture: false }) as Record<'order' | 'refund' | 'capture', boolean>;
  };
  for (let time = 1; time <= 4; time++) {
    const { order, refund, capture } = await isOpen();
    if (!order && !refund && !capture) return;
    // A refund or a capture that was never answered is asked about again after a quarter of an hour.
    const later = order ? time * 1.1 * minute : time * 20 * minute;
    await runSweep(saga, later).catch((error: unknown) => {
      // The connection that the fault cut may be the one that this run got: the schedule's next run has another.
      if (!isConnectionLoss(error)) throw error;
    });
    await saga.states.idle();
  }
}
