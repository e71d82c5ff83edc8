import type { Sql, TransactionSql } from 'postgres';
import type { Refund, RefundRefusalCode } from '../../contract/api/refunds.ts';
import type { RefundToMake } from '../orders/start-saga.ts';

/** A request to refund `amount` minor units of an order's payment; without it, all that is left of the payment. */
export type RefundRequest = {
  id: string;
  orderId: string;
  amount: number | undefined;
  reason: string;
  requestedBy: string;
  /** The API request: the correlation id of the refund's event. */
  requestId?: string | undefined;
  at: Date;
};

export type Claimed =
  | { outcome: 'unknown' }
  | { outcome: 'archived' }
  /** The order is not confirmed, or nothing was paid for it. */
  | { outcome: 'not-refundable'; status: string }
  | { outcome: 'too-large'; left: number; currency: string }
  | { outcome: 'claimed'; refund: Refund };

/**
 * Stores a refund and claims its amount of the order's payment. All claims together never exceed what was paid, however
 * many are made at once.
 */
export async function claimRefund(tx: TransactionSql, request: RefundRequest): Promise<Claimed> {
  const { orderId, at } = request;
  const amount = request.amount ?? null;
  // `old` is up to date because payments.payments has no trigger before an update: see Transition in transition.sql.ts.
  const [claimed] = await tx`
    with paid as (
      update payments.payments p set refund_claimed = p.refund_claimed + coalesce(${amount}::bigint, p.amount - p.refund_claimed)
      from payments.refundable_orders o
      where p.order_id = ${orderId} and o.order_id = p.order_id and o.status = 'confirmed' and p.status = 'captured'
        and p.refund_claimed < p.amount
        and p.refund_claimed + coalesce(${amount}::bigint, p.amount - p.refund_claimed) <= p.amount
      returning p.id, p.order_id, p.currency, new.refund_claimed - old.refund_claimed as amount
    )
    insert into payments.refunds (
      id, payment_id, order_id, status, amount, currency, reason, requested_by, correlation_id, created_at, updated_at
    )
    select ${request.id}, paid.id, paid.order_id, 'requested', paid.amount, paid.currency, ${request.reason},
      ${request.requestedBy}, ${request.requestId ?? null}::text, ${at}::timestamptz, ${at}::timestamptz
    from paid
    returning ${refundColumns(tx)}`;
  if (claimed !== undefined) return { outcome: 'claimed', refund: toRefund(claimed as RefundRow) };

  const [order] = await tx`
    select o.status, o.currency, p.status = 'captured' as captured, p.amount - p.refund_claimed as left
    from payments.refundable_orders o
    left join payments.payments p on p.order_id = o.order_id
    where o.order_id = ${orderId}`;
  if (order === undefined) return { outcome: (await isArchived(tx, orderId)) ? 'archived' : 'unknown' };
  if (order.status === 'confirmed' && order.captured && order.left > 0) {
    return { outcome: 'too-large', left: order.left, currency: order.currency };
  }
  return { outcome: 'not-refundable', status: order.status };
}

async function isArchived(tx: TransactionSql, orderId: string): Promise<boolean> {
  const [row] = await tx`select true from archive.order_keys where id = ${orderId}`;
  return row !== undefined;
}

/** The currency of an order, archived or not; undefined if there is no such order. */
export async function currencyOf(tx: TransactionSql | Sql, orderId: string): Promise<string | undefined> {
  const [row] = await tx`
    select currency from payments.refundable_orders where order_id = ${orderId}
    union all
    select currency from archive.orders where id = ${orderId}
    limit 1`;
  return row?.currency;
}

/** A refund of an order; undefined if the order has none with this id. */
export async function findRefund(sql: Sql, of: { orderId: string; refundId: string }): Promise<Refund | undefined> {
  const [row] = await sql`
    select ${refundColumns(sql)} from payments.refunds where id = ${of.refundId} and order_id = ${of.orderId}
    union all
    select ${refundColumns(sql)} from archive.refunds where id = ${of.refundId} and order_id = ${of.orderId}
    limit 1`;
  return row && toRefund(row as RefundRow);
}

/** At most `limit` refunds of an order, the newest first, all older than the refund `before`. */
export async function listRefunds(
  sql: Sql,
  list: { orderId: string; before: string | undefined; limit: number },
): Promise<Refund[]> {
  const older = list.before === undefined ? sql`` : sql`and id < ${list.before}`;
  const rows = await sql`
    select ${refundColumns(sql)} from payments.refunds where order_id = ${list.orderId} ${older}
    union all
    select ${refundColumns(sql)} from archive.refunds where order_id = ${list.orderId} ${older}
    order by id desc
    limit ${list.limit}`;
  return rows.map((row) => toRefund(row as RefundRow));
}

/** What the saga of a refund is started with. @throws Error when there is no such refund */
export async function readRefundToMake(sql: Sql | TransactionSql, refundId: string): Promise<RefundToMake> {
  const [row] = await sql`
    select r.order_id, r.amount, r.attempt, r.currency, p.provider, p.reference
    from payments.refunds r
    join payments.payments p on p.id = r.payment_id
    where r.id = ${refundId}`;
  if (row === undefined) throw new Error(`no refund ${refundId}`);
  return {
    refundId,
    attempt: row.attempt,
    orderId: row.orderId,
    amount: row.amount,
    currency: row.currency,
    payment: { provider: row.provider, reference: row.reference },
  };
}

type RefundRow = {
  id: string;
  orderId: string;
  status: Refund['status'];
  amount: number;
  currency: string;
  reason: string;
  failureCode: RefundRefusalCode | null;
  createdAt: Date;
  updatedAt: Date;
};

const refundColumns = (sql: Sql | TransactionSql) =>
  sql`id, order_id, status, amount, currency, reason, failure_code, created_at, updated_at`;

const toRefund = (row: RefundRow): Refund => ({
  id: row.id,
  orderId: row.orderId,
  status: row.status,
  amount: { amount: row.amount, currency: row.currency },
  reason: row.reason,
  failure: row.failureCode === null ? null : { code: row.failureCode },
  createdAt: row.createdAt.toISOString(),
  updatedAt: row.updatedAt.toISOString(),
});
