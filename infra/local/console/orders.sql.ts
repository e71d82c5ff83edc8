import type { Sql } from 'postgres';
import type { OrderStatus } from '../../../lib/contract/api/orders.ts';

/** Statuses by what somebody looks for. */
export const statusGroups = {
  open: ['pending', 'reserved', 'pending_payment', 'cancelling'],
  problems: ['failed', 'needs_attention'],
} as const satisfies Record<string, readonly OrderStatus[]>;

export type OrderRow = {
  id: string;
  status: OrderStatus;
  /** Null for a guest. */
  customerId: string | null;
  total: number;
  currency: string;
  paymentMethod: string;
  goods: string;
  failureCode: string | null;
  failureDetail: string | null;
  createdAt: Date;
  updatedAt: Date;
  /** Of the open manual review. */
  steps: string[] | null;
  error: string | null;
  message: string | null;
};

export type OrderSearch = {
  statuses: readonly string[] | undefined;
  /** The beginning of an order's id, or a customer, request, product, SKU or failure code. */
  text: string | undefined;
  /** The list goes on with the order before this one. */
  before: string | undefined;
  limit: number;
};

/** Orders, newest first. Those in the archive are not among them. */
export const findOrders = (sql: Sql, { statuses, text, before, limit }: OrderSearch): Promise<OrderRow[]> => sql<
  OrderRow[]
>`
  select o.id, o.status, o.customer_id, o.total, o.currency, o.payment_method, o.failure_code, o.failure_detail,
    o.created_at, o.updated_at, goods.goods, r.steps, r.error, r.message
  from orders.orders o
  cross join lateral (
    select string_agg(l.quantity || ' × ' || l.sku, ', ' order by l.position) as goods
    from orders.lines l where l.order_id = o.id
  ) goods
  left join orders.manual_reviews r on r.order_id = o.id and r.settled_at is null
  where true
    ${before === undefined ? sql`` : sql`and o.id < ${before}`}
    ${statuses === undefined ? sql`` : sql`and o.status in ${sql(statuses as string[])}`}
    ${
      text === undefined
        ? sql``
        : sql`and (
            starts_with(o.id, ${text}) or o.customer_id = ${text} or o.correlation_id = ${text} or o.failure_code = ${text}
            or exists (
              select from orders.lines l
              where l.order_id = o.id and (l.sku = ${text} or l.product_id = ${text})
            )
          )`
    }
  order by o.id desc limit ${limit}`;

export type OrderFacts = {
  id: string;
  currency: string;
  compensationAttempts: number;
  updatedAt: Date;
  archived: boolean;
  correlationId: string | null;
};

/** What the other reads about an order need; undefined when there is no such order. */
export async function findFacts(sql: Sql, orderId: string): Promise<OrderFacts | undefined> {
  const columns = sql`id, currency, compensation_attempts, updated_at, correlation_id`;
  const [row] = await sql<OrderFacts[]>`
    select ${columns}, false as archived from orders.orders where id = ${orderId}
    union all
    select ${columns}, true from archive.orders where id = ${orderId}
    limit 1`;
  return row;
}

export type RefundAttempts = { id: string; attempt: number };

/** The refunds of an order with the number of the execution that works on each. */
export const refundAttempts = (sql: Sql, orderId: string): Promise<RefundAttempts[]> =>
  sql<RefundAttempts[]>`select id, attempt from payments.refunds where order_id = ${orderId} order by id`;

export type CaptureAttempt = { id: string; attempt: number };

/** The payment of an order whose capture was requested, with the number of the execution that works on it. */
export const captureAttempts = (sql: Sql, orderId: string): Promise<CaptureAttempt[]> => sql<CaptureAttempt[]>`
  select id, capture_attempt as attempt from payments.payments
  where order_id = ${orderId} and capture_requested_at is not null`;

export type StockLevel = { productId: string; sku: string; onHand: number; reserved: number };

/** How many units of an order's products there are now. */
export const stockLevels = (sql: Sql, productIds: readonly string[]): Promise<StockLevel[]> => sql<StockLevel[]>`
  select l.product_id, p.sku, l.on_hand, l.reserved
  from stock.levels l join catalog.products p on p.id = l.product_id
  where l.product_id in ${sql(productIds as string[])} order by p.sku`;
