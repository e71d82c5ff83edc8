import type { RoomDeps } from './outbox.ts';

/** An order that has not ended, and what its room has heard of the others. */
export type Stuck = { orderId: string; seconds: number; payment: string; stock: string; waitsFor: string };

/**
 * Orders that are older than so many seconds and have not ended. No other part of a choreography notices them: each room has
 * done what it was told, and none knows what was to follow. Why an order waits is in the rooms that it waits for.
 */
export async function findStuck({ sql, clock }: RoomDeps, olderThanSeconds: number): Promise<Stuck[]> {
  const now = clock.now();
  const rows = await sql`
    select id, placed_at, payment, stock from orders.orders
    where status = 'pending' and placed_at < ${new Date(now - olderThanSeconds * 1000)}
    order by placed_at`;
  return rows.map(({ id, placedAt, payment, stock }) => ({
    orderId: id,
    seconds: Math.round((now - placedAt.getTime()) / 1000),
    payment,
    stock,
    waitsFor: waitsFor(payment, stock),
  }));
}

function waitsFor(payment: string, stock: string): string {
  if (payment === 'none' || stock === 'none') {
    return [...(payment === 'none' ? ['payments'] : []), ...(stock === 'none' ? ['stock'] : [])].join(' and ');
  }
  return payment === 'captured' ? 'payments to give the money back' : 'stock to release the units';
}
