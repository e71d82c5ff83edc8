import type { Fragment, Sql, TransactionSql } from 'postgres';
import type { Order, OrderStatus, TimelineEntry } from '../../contract/api/orders.ts';
import { type OrderRow, toOrder } from './order.ts';
import { type OfOwner, ownedBy } from './owner.sql.ts';

/** The columns of `orders.order_details` that an OrderRow has. */
export const orderColumns = (sql: Sql | TransactionSql) => sql`
  id, customer_id, status, fulfilment_status, version, currency, subtotal, discount_amount, discount_reason, coupon_code, shipping_method,
  shipping_amount, shipping_tax, shipping_tax_rate, tax_amount, tax_included, reverse_charge, total, payment_action,
  failure_code, failure_detail, created_at, updated_at, payment_id, payment_status, payment_refunded, lines, number,
  shipping_address, billing_address, contact, note, metadata, placed_by`;

/**
 * Orders of before and after the archive as the rows of one query; `archived` tells which. Each part takes the same `rest`,
 * follows an index of its own, and reads no more than its `limit`. An order is in one of them, in any one statement.
 */
export const withArchived = (columns: (part: OrderPart) => Fragment, rest: Fragment, sql: Sql | TransactionSql) => sql`
  (select ${columns('orders')}, false as archived from orders.order_details d ${rest})
  union all
  (select ${columns('archive')}, true as archived from archive.order_details d ${rest})`;

/** The schema that has the rows of an order. */
export type OrderPart = 'orders' | 'archive';

/** An order of this owner; undefined when there is none, or it is somebody else's. */
export async function findOrder(sql: Sql | TransactionSql, of: OfOwner): Promise<Order | undefined> {
  return (await findLiveOrder(sql, of)) ?? (await findAnyOrder(sql, of));
}

/** The same of an order that is not in the archive: half the work, and what is asked for most. */
export async function findLiveOrder(sql: Sql | TransactionSql, of: OfOwner): Promise<Order | undefined> {
  const [row] = await sql`
    select ${orderColumns(sql)}, false as archived from orders.order_details d
    where id = ${of.orderId} ${ownedBy(sql, of)}`;
  return row && toOrder(row as OrderRow);
}

/** Looks in both at once: an order that goes to the archive, or comes back, is in one of them. */
async function findAnyOrder(sql: Sql | TransactionSql, of: OfOwner): Promise<Order | undefined> {
  const [row] = await sql`
    ${withArchived(() => orderColumns(sql), sql`where id = ${of.orderId} ${ownedBy(sql, of)}`, sql)} limit 1`;
  return row && toOrder(row as OrderRow);
}

/** At most `limit` orders of a customer, newest first, older than the one that `before` names. */
export async function listOrders(
  sql: Sql,
  list: {
    customerId: string;
    status: OrderStatus | undefined;
    number?: string | undefined;
    before: string | undefined;
    limit: number;
  },
): Promise<Order[]> {
  const page = sql`
    where customer_id = ${list.customerId}
      ${list.status === undefined ? sql`` : sql`and status = ${list.status}`}
      ${list.number === undefined ? sql`` : sql`and number = ${list.number}`}
      ${list.before === undefined ? sql`` : sql`and id < ${list.before}`}
    order by id desc
    limit ${list.limit}`;
  const rows = await sql`
    ${withArchived(() => orderColumns(sql), page, sql)} order by id desc limit ${list.limit}`;
  return rows.map((row) => toOrder(row as OrderRow));
}

/** What happened to an order, oldest first; undefined when there is no such order, or it is somebody else's. */
export async function readTimeline(sql: Sql, of: OfOwner): Promise<TimelineEntry[] | undefined> {
  const rows = await sql`
    select t.version, t.entry, t.at, t.type, t.detail
    from orders.timeline t
    join orders.orders o on o.id = t.order_id
    where t.order_id = ${of.orderId} ${ownedBy(sql, of)}
    union all
    select t.version, t.entry, t.at, t.type, t.detail
    from archive.timeline t
    join archive.order_keys o on o.id = t.order_id
    where t.order_id = ${of.orderId} ${ownedBy(sql, of)}
    order by version, entry`;
  if (rows.length === 0) return undefined;
  return rows.map(({ at, type, detail }) => ({ at: at.toISOString(), type, detail }));
}

/** The status of an archived order; undefined when no such order is archived, or it is somebody else's. */
export async function findArchivedStatus(sql: Sql | TransactionSql, of: OfOwner): Promise<OrderStatus | undefined> {
  const [row] = await sql`
    select status from archive.order_keys
    where id = ${of.orderId} ${ownedBy(sql, of)}`;
  return row?.status;
}
