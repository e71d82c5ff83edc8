import type { Sql } from 'postgres';
import type { Fulfilment } from '../../contract/api/fulfilments.ts';
import type { TimelineEntry } from '../../contract/api/orders.ts';
import type { ExportedOrder } from '../../contract/api/privacy.ts';
import type { Refund, RefundRefusalCode } from '../../contract/api/refunds.ts';
import type { OrderReturn } from '../../contract/api/returns.ts';
import type { RefundLine } from '../payments/refund-lines.ts';
import { refundParts } from '../payments/refunds.sql.ts';
import { type OrderRow, toOrder } from './order.ts';
import { type OrderPart, orderColumns, withArchived } from './read.sql.ts';

type Row = OrderRow & {
  paymentMethod: string;
  timeline: TimelineEntry[];
  fulfilments: Fulfilment[];
  returns: OrderReturn[];
  refunds: (Omit<Refund, 'amount' | 'failure' | 'lines' | 'shipping'> & {
    amount: number;
    lines: RefundLine[];
    shippingAmount: number;
    failureCode: RefundRefusalCode | null;
  })[];
};

/** At most `limit` orders of a customer with all that is kept of them, newest first, older than `before`. */
export async function exportOrders(
  sql: Sql,
  { customerId, before, limit }: { customerId: string; before: string | undefined; limit: number },
): Promise<ExportedOrder[]> {
  const columns = (part: OrderPart) => sql`${orderColumns(sql)}, payment_method,
      (
        select coalesce(jsonb_agg(jsonb_build_object('at', t.at, 'type', t.type, 'detail', t.detail)
          order by t.version, t.entry), '[]'::jsonb)
        from ${sql(part === 'orders' ? 'orders.timeline' : 'archive.timeline')} t where t.order_id = d.id
      ) as timeline,
      (
        select coalesce(jsonb_agg(jsonb_build_object('id', r.id, 'orderId', r.order_id, 'status', r.status,
          'amount', r.amount, 'lines', r.lines, 'shippingAmount', r.shipping_amount, 'returnId', r.return_id,
          'reason', r.reason, 'failureCode', r.failure_code, 'createdAt', r.created_at,
          'updatedAt', r.updated_at) order by r.id desc), '[]'::jsonb)
        from ${sql(part === 'orders' ? 'payments.refunds' : 'archive.refunds')} r where r.order_id = d.id
      ) as refunds,
      (
        select coalesce(jsonb_agg(jsonb_build_object('id', f.id, 'orderId', f.order_id, 'status', f.status,
          'lines', f.lines, 'carrier', f.carrier, 'trackingNumber', f.tracking_number, 'trackingUrl', f.tracking_url,
          'shippedAt', f.shipped_at, 'deliveredAt', f.delivered_at, 'createdAt', f.created_at, 'updatedAt', f.updated_at)
          order by f.id), '[]'::jsonb)
        from ${sql(`${part}.fulfilments`)} f where f.order_id = d.id
      ) as fulfilments,
      (
        select coalesce(jsonb_agg(jsonb_build_object('id', r.id, 'orderId', r.order_id, 'status', r.status,
          'lines', r.lines, 'rejection', r.rejection, 'createdAt', r.created_at, 'updatedAt', r.updated_at)
          order by r.id), '[]'::jsonb)
        from ${sql(`${part}.returns`)} r where r.order_id = d.id
      ) as returns`;
  const page = sql`
    where customer_id = ${customerId} ${before === undefined ? sql`` : sql`and id < ${before}`}
    order by id desc
    limit ${limit}`;
  const rows = await sql`${withArchived(columns, page, sql)} order by id desc limit ${limit}`;
  return rows.map((row) => toExported(row as unknown as Row));
}

const toExported = (row: Row): ExportedOrder => ({
  ...toOrder(row),
  paymentMethod: row.paymentMethod,
  timeline: row.timeline.map((entry) => ({ ...entry, at: iso(entry.at) })),
  fulfilments: row.fulfilments.map((parcel) => ({
    ...parcel,
    shippedAt: parcel.shippedAt && iso(parcel.shippedAt),
    deliveredAt: parcel.deliveredAt && iso(parcel.deliveredAt),
    createdAt: iso(parcel.createdAt),
    updatedAt: iso(parcel.updatedAt),
  })),
  returns: row.returns.map((each) => ({ ...each, createdAt: iso(each.createdAt), updatedAt: iso(each.updatedAt) })),
  refunds: row.refunds.map(({ amount, failureCode, lines, shippingAmount, ...refund }) => ({
    ...refund,
    ...refundParts({ ...refund, currency: row.currency, lines, shippingAmount }),
    amount: { amount, currency: row.currency },
    failure: failureCode === null ? null : { code: failureCode },
    createdAt: iso(refund.createdAt),
    updatedAt: iso(refund.updatedAt),
  })),
});

/** PostgreSQL writes a time within JSON with an offset. */
const iso = (time: string): string => new Date(time).toISOString();
