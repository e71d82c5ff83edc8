import type { Sql, TransactionSql } from 'postgres';
import type { Refund, RefundRefusalCode } from '../../contract/api/refunds.ts';
import type { OrderReturn } from '../../contract/api/returns.ts';
import { askedFor, type RefundToMake } from '../orders/start-saga.ts';
import type { RefundableLine, RefundLine } from './refund-lines.ts';

/** A request to refund `amount` minor units of an order's payment; without it, all that is left of the payment. */
export type RefundRequest = {
  id: string;
  orderId: string;
  amount: number | undefined;
  /** What of the amount goes back for units of lines and for shipping, and the return that it pays back. */
  lines?: readonly RefundLine[] | undefined;
  shipping?: number | undefined;
  returnId?: string | undefined;
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
      id, payment_id, order_id, status, amount, currency, lines, shipping_amount, return_id, reason, requested_by,
      correlation_id, created_at, updated_at
    )
    select ${request.id}, paid.id, paid.order_id, 'requested', paid.amount, paid.currency,
      ${JSON.stringify(request.lines ?? [])}::text::jsonb, ${request.shipping ?? 0}::bigint, ${request.returnId ?? null}::text,
      ${request.reason}, ${request.requestedBy}, ${request.requestId ?? null}::text, ${at}::timestamptz, ${at}::timestamptz
    from paid
    returning ${refundColumns(tx)}`;
  if (claimed !== undefined) return { outcome: 'claimed', refund: toRefund(claimed as RefundRow) };
  return await whyNotClaimed(tx, orderId);
}

/** Why nothing of an order's payment, or not so much, can be claimed. */
async function whyNotClaimed(tx: TransactionSql, orderId: string): Promise<Exclude<Claimed, { outcome: 'claimed' }>> {
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

/** What of an order can still be given back, and a return of it. */
export type Refundable = {
  lines: RefundableLine[];
  /** In minor units; of what was paid for shipping. */
  shipping: { paid: number; refunded: number };
  /** The return that was asked for; undefined if the order has none with this id. */
  orderReturn: { status: OrderReturn['status']; lines: OrderReturn['lines']; refunded: boolean } | undefined;
};

/**
 * Locks an order's payment until the transaction ends, and reads after that what of its lines can still be given back: refunds
 * that were requested meanwhile count.
 * @returns why the order cannot be refunded, if it cannot
 */
export async function lockRefundable(
  tx: TransactionSql,
  of: { orderId: string; returnId: string | undefined },
): Promise<Refundable | Exclude<Claimed, { outcome: 'claimed' }>> {
  const { orderId } = of;
  const locked = await tx`select from payments.payments where order_id = ${orderId} and status = 'captured' for update`;
  const refundable = await readRefundable(tx, of);
  if (refundable === undefined || locked.length === 0) return await whyNotClaimed(tx, orderId);
  return refundable;
}

/** What of a confirmed order can still be given back; undefined if there is no such order. Lock its payment before. */
export async function readRefundable(
  tx: TransactionSql,
  { orderId, returnId }: { orderId: string; returnId?: string | undefined },
): Promise<Refundable | undefined> {
  const [row] = await tx<[Refundable | undefined]>`
    select
      (
        select jsonb_agg(jsonb_build_object(
          'productId', l.product_id, 'quantity', l.quantity, 'total', l.total, 'discount', l.discount, 'tax', l.tax,
          'paid', l.paid, 'shipped', l.shipped, 'cancelled', l.cancelled, 'refunded', (
            select jsonb_build_object('quantity', coalesce(sum(n.quantity), 0), 'amount', coalesce(sum(n.amount), 0),
              'discount', coalesce(sum(n.discount), 0), 'tax', coalesce(sum(n.tax), 0))
            from payments.refunds r,
              jsonb_to_recordset(r.lines)
                as n ("productId" text, quantity integer, amount bigint, discount bigint, tax bigint)
            where r.order_id = o.order_id and r.status <> 'failed' and n."productId" = l.product_id
          )
        ) order by l.position)
        from payments.refundable_lines l where l.order_id = o.order_id
      ) as lines,
      (
        select jsonb_build_object('paid', o.paid_for_shipping, 'refunded', coalesce(sum(r.shipping_amount), 0))
        from payments.refunds r where r.order_id = o.order_id and r.status <> 'failed'
      ) as shipping,
      (
        select jsonb_build_object('status', b.status, 'lines', b.lines, 'refunded', exists (
          select from payments.refunds r where r.return_id = b.id and r.status <> 'failed'
        ))
        from payments.refundable_returns b where b.id = ${returnId ?? null}::text and b.order_id = o.order_id
      ) as order_return
    from payments.refundable_orders o
    where o.order_id = ${orderId} and o.status = 'confirmed'`;
  return row && { ...row, orderReturn: row.orderReturn ?? undefined };
}

/** Whether refunds take all that was paid for an order, of which there are units that were paid for and have not shipped. */
export async function isPaidBack(tx: TransactionSql, orderId: string): Promise<boolean> {
  const rows = await tx`select from payments.paid_back_orders where order_id = ${orderId}`;
  return rows.length > 0;
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
    select r.order_id, r.amount, r.attempt, r.currency, r.correlation_id, p.provider, p.reference
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
    ...askedFor(row),
  };
}

type RefundRow = {
  id: string;
  orderId: string;
  status: Refund['status'];
  amount: number;
  currency: string;
  lines: RefundLine[];
  shippingAmount: number;
  returnId: string | null;
  reason: string;
  failureCode: RefundRefusalCode | null;
  createdAt: Date;
  updatedAt: Date;
};

const refundColumns = (sql: Sql | TransactionSql) =>
  sql`id, order_id, status, amount, currency, lines, shipping_amount, return_id, reason, failure_code, created_at, updated_at`;

function toRefund(row: RefundRow): Refund {
  const money = (amount: number) => ({ amount, currency: row.currency });
  return {
    id: row.id,
    orderId: row.orderId,
    status: row.status,
    amount: money(row.amount),
    reason: row.reason,
    ...refundParts(row),
    failure: row.failureCode === null ? null : { code: row.failureCode },
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  };
}

/** What a refund gives back for lines and shipping, as the API shows it. */
export function refundParts(row: {
  currency: string;
  lines: readonly RefundLine[];
  shippingAmount: number;
  returnId: string | null;
}): Pick<Refund, 'lines' | 'shipping' | 'returnId'> {
  const money = (amount: number) => ({ amount, currency: row.currency });
  return {
    lines: row.lines.map(({ productId, quantity, amount, discount, tax }) => ({
      productId,
      quantity,
      amount: money(amount),
      discount: money(discount),
      tax: money(tax),
    })),
    shipping: row.shippingAmount === 0 ? null : money(row.shippingAmount),
    returnId: row.returnId,
  };
}
