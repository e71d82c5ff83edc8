import type { Sql, TransactionSql } from 'postgres';
import type { OrderStatus, PaymentStatus } from '../../contract/api/orders.ts';
import { askedFor, type CaptureToMake } from '../orders/start-saga.ts';

/** A request to capture an order's authorized payment. */
export type CaptureRequest = {
  orderId: string;
  /** `shipment`, `expiry`, or the application that asks. */
  by: string;
  /** The API request: the correlation id of the events that follow. */
  requestId?: string | undefined;
  at: Date;
};

/**
 * Requests the capture of an order's authorized payment, once however often it is asked for. Call it in the transaction of
 * what the capture is for, and start the saga when that is committed; the sweeper starts one that was not started.
 * @returns what the saga is started with; undefined when there is nothing to request: the order is not confirmed, its
 *   payment is not authorized, or its capture was requested before
 */
export async function claimCapture(
  tx: Sql | TransactionSql,
  { orderId, by, requestId, at }: CaptureRequest,
): Promise<CaptureToMake | undefined> {
  const [row] = await tx`
    update payments.payments p
    set capture_requested_at = ${at}, capture_requested_by = ${by}, capture_correlation_id = ${requestId ?? null}::text,
      capture_attempt = 1
    from payments.refundable_orders o
    where p.order_id = ${orderId} and o.order_id = p.order_id and o.status = 'confirmed'
      and p.status = 'authorized' and p.capture_requested_at is null
    returning ${captureColumns(tx)}`;
  return row && toCaptureToMake(row as CaptureRow);
}

/** Columns of `payments.payments p` that start the saga of a capture. */
export const captureColumns = (sql: Sql | TransactionSql) =>
  sql`p.id, p.order_id, p.amount, p.released_amount, p.currency, p.capture_attempt, p.provider, p.reference`;

export type CaptureRow = {
  id: string;
  orderId: string;
  amount: number;
  releasedAmount: number;
  currency: string;
  captureAttempt: number;
  provider: string;
  reference: string;
  correlationId?: string | null;
};

export const toCaptureToMake = (row: CaptureRow): CaptureToMake => ({
  orderId: row.orderId,
  paymentId: row.id,
  amount: row.amount,
  ...(row.releasedAmount === 0 ? {} : { captureAmount: row.amount - row.releasedAmount }),
  currency: row.currency,
  attempt: row.captureAttempt,
  payment: { provider: row.provider, reference: row.reference },
  ...askedFor(row),
});

/** An order's payment, as far as its capture goes; times are null where it did not happen. */
export type CaptureState = {
  paymentId: string | null;
  orderStatus: OrderStatus;
  status: PaymentStatus | null;
  amount: number;
  currency: string;
  expiresAt: Date | null;
  captureRequestedAt: Date | null;
  captureRequestedBy: string | null;
  capturedAt: Date | null;
  archived: boolean;
};

/** The payment of an order, archived or not; undefined if there is no such order. */
export async function readCaptureState(sql: Sql | TransactionSql, orderId: string): Promise<CaptureState | undefined> {
  const columns = sql`
    p.id as payment_id, p.status, p.amount, p.expires_at, p.capture_requested_at, p.capture_requested_by, p.captured_at`;
  const [row] = await sql`
    select o.status as order_status, o.currency, ${columns}, false as archived
    from payments.refundable_orders o
    left join payments.payments p on p.order_id = o.order_id
    where o.order_id = ${orderId}
    union all
    select o.status, o.currency, ${columns}, true
    from archive.orders o
    left join archive.payments p on p.order_id = o.id
    where o.id = ${orderId}
    limit 1`;
  return row as CaptureState | undefined;
}

/** Requested captures of confirmed orders that have not succeeded, requested before a time, the oldest first. */
export async function listOpenCaptures(
  sql: Sql,
  { before, limit }: { before: Date; limit: number },
): Promise<{ capture: CaptureToMake; requestedAt: Date }[]> {
  const rows = await sql`
    select ${captureColumns(sql)}, p.capture_requested_at,
      coalesce(p.capture_correlation_id, o.correlation_id) as correlation_id
    from payments.payments p
    join orders.orders o on o.id = p.order_id and o.status = 'confirmed'
    where p.status = 'authorized' and p.capture_requested_at < ${before}
    order by p.capture_requested_at
    limit ${limit}`;
  return rows.map((row) => ({ capture: toCaptureToMake(row as CaptureRow), requestedAt: row.captureRequestedAt }));
}

/** Counts one more attempt of an open capture, unless another call already did. @returns whether this call did */
export async function nextCaptureAttempt(
  sql: Sql,
  { paymentId, attempt }: Pick<CaptureToMake, 'paymentId' | 'attempt'>,
): Promise<boolean> {
  const rows = await sql`
    update payments.payments set capture_attempt = capture_attempt + 1
    where id = ${paymentId} and capture_attempt = ${attempt} and status = 'authorized'
    returning id`;
  return rows.length === 1;
}

/** Confirmed orders whose authorization ends before a time and whose capture nobody has requested. */
export async function listExpiringAuthorizations(
  sql: Sql,
  { before, limit }: { before: Date; limit: number },
): Promise<{ orderId: string; correlationId: string | null }[]> {
  return await sql<{ orderId: string; correlationId: string | null }[]>`
    select p.order_id, o.correlation_id
    from payments.payments p
    join orders.orders o on o.id = p.order_id and o.status = 'confirmed'
    where p.status = 'authorized' and p.expires_at < ${before} and p.capture_requested_at is null
    order by p.expires_at
    limit ${limit}`;
}
