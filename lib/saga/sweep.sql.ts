import type { Sql } from 'postgres';
import type { OrderStatus } from '../contract/api/orders.ts';

export type OpenOrder = {
  id: string;
  status: OrderStatus;
  version: number;
  total: number;
  currency: string;
  paymentMethod: string;
  captureAt: 'shipment' | null;
  /** The API request that it is for. */
  correlationId: string | null;
  /** It was confirmed once, so it is its cancellation that is open. */
  wasConfirmed: boolean;
  /** How often its compensation was run again; that compensation is then what is open. */
  compensationAttempts: number;
  paymentId: string | null;
  paymentProvider: string | null;
  paymentReference: string | null;
};

/** Where a page of stale orders ends: the next begins after it. A time as text, since a Date would lose microseconds. */
export type PageEnd = { id: string; touchedAt: string };

const hasStatus = {
  unbegun: (sql: Sql) => sql`status in ('pending', 'cancelling')`,
  begun: (sql: Sql) => sql`status = 'reserved'`,
  awaited: (sql: Sql) => sql`status = 'pending_payment'`,
};

export type StaleKind = keyof typeof hasStatus;

/**
 * A page of orders on which nothing has happened since `before` though they have not ended, the one longest left alone
 * first: those that may never have had a saga, those with a status that only their saga can have given them, or those
 * whose customer has to act on the payment.
 */
export async function listStaleOrders(
  sql: Sql,
  { before, among, limit, after }: { before: Date; among: StaleKind; limit: number; after?: PageEnd | undefined },
) {
  const rows = await sql`
    select id, status, version, total, currency, payment_method, confirmed_at is not null as was_confirmed,
      payment_id, payment_provider, payment_reference, updated_at::text as touched_at,
      (select o.compensation_attempts from orders.orders o where o.id = d.id) as compensation_attempts,
      (select o.capture_at from orders.orders o where o.id = d.id) as capture_at,
      (select o.correlation_id from orders.orders o where o.id = d.id) as correlation_id
    from orders.order_details d
    where updated_at < ${before}
      and ${hasStatus[among](sql)}
      ${after === undefined ? sql`` : sql`and (updated_at, id) > (${after.touchedAt}::text::timestamptz, ${after.id})`}
    order by updated_at, id
    limit ${limit}`;
  return rows as unknown as (OpenOrder & PageEnd)[];
}

/** A page of orders in manual review whose reservation has expired: nobody owns that stock any more. By their ids. */
export async function listExpiredReservations(
  sql: Sql,
  { now, limit, after = '' }: { now: Date; limit: number; after?: string | undefined },
) {
  const rows = await sql`
    select distinct r.order_id
    from stock.reservations r
    join orders.orders o on o.id = r.order_id
    where r.state = 'held' and r.expires_at < ${now} and o.status = 'needs_attention' and r.order_id > ${after}
    order by r.order_id
    limit ${limit}`;
  return rows.map((row) => row.orderId as string);
}
