import type { Sql, TransactionSql } from 'postgres';
import type { Order, OrderStatus, TimelineEntry } from '../../contract/api/orders.ts';
import { type OrderRow, toOrder } from './order.ts';

/** The columns of `orders.order_details` that an OrderRow has. */
export const orderColumns = (sql: Sql | TransactionSql) => sql`
  id, customer_id, status, version, currency, subtotal, discount_amount, discount_reason, total, payment_action,
  failure_code, failure_detail, created_at, updated_at, payment_id, payment_status, payment_refunded, lines`;

/** An order of this customer; undefined when there is none, or it is somebody else's. */
export async function findOrder(
  sql: Sql | TransactionSql,
  { orderId, customerId }: { orderId: string; customerId: string },
): Promise<Order | undefined> {
  const [row] = await sql`
    select ${orderColumns(sql)} from orders.order_details where id = ${orderId} and customer_id = ${customerId}`;
  return row && toOrder(row as OrderRow);
}

/** At most `limit` orders of a customer, newest first, older than the one that `before` names. */
export async function listOrders(
  sql: Sql,
  list: { customerId: string; status: OrderStatus | undefined; before: string | undefined; limit: number },
): Promise<Order[]> {
  const rows = await sql`
    select ${orderColumns(sql)} from orders.order_details
    where customer_id = ${list.customerId}
      ${list.status === undefined ? sql`` : sql`and status = ${list.status}`}
      ${list.before === undefined ? sql`` : sql`and id < ${list.before}`}
    order by id desc
    limit ${list.limit}`;
  return rows.map((row) => toOrder(row as OrderRow));
}

/** What happened to a customer's order, oldest first; undefined when there is no such order, or it is not theirs. */
export async function readTimeline(
  sql: Sql,
  { orderId, customerId }: { orderId: string; customerId: string },
): Promise<TimelineEntry[] | undefined> {
  const rows = await sql`
    select t.at, t.type, t.detail
    from orders.timeline t
    join orders.orders o on o.id = t.order_id
    where t.order_id = ${orderId} and o.customer_id = ${customerId}
    order by t.version, t.entry`;
  if (rows.length === 0) return undefined;
  return rows.map(({ at, type, detail }) => ({ at: at.toISOString(), type, detail }));
}
