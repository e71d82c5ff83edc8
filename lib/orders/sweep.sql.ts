import type { Sql } from 'postgres';
import type { OrderStatus } from '../contract/orders.ts';

export type OpenOrder = {
  id: string;
  status: OrderStatus;
  version: number;
  total: number;
  currency: string;
  paymentMethod: string;
  /** It was confirmed once, so it is its cancellation that is open. */
  wasConfirmed: boolean;
  paymentId: string | null;
  paymentProvider: string | null;
  paymentReference: string | null;
};

/** Orders on which nothing has happened since `before` though they have not ended, the oldest first. */
export async function listStaleOrders(sql: Sql, { before, limit }: { before: Date; limit: number }) {
  const rows = await sql`
    select id, status, version, total, currency, payment_method, confirmed_at is not null as was_confirmed,
      payment_id, payment_provider, payment_reference
    from orders.order_details
    where status in ('pending', 'reserved', 'paid', 'cancelling') and updated_at < ${before}
    order by updated_at
    limit ${limit}`;
  return rows as unknown as OpenOrder[];
}

/** Orders before a person whose reservation has expired: nobody owns that stock any more. */
export async function listExpiredReservations(sql: Sql, { now, limit }: { now: Date; limit: number }) {
  const rows = await sql`
    select distinct r.order_id
    from stock.reservations r
    join orders.orders o on o.id = r.order_id
    where r.state = 'held' and r.expires_at < ${now} and o.status = 'needs_attention'
    limit ${limit}`;
  return rows.map((row) => row.orderId as string);
}
