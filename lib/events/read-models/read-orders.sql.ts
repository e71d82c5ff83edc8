import type { Sql } from 'postgres';
import type { App } from '../../contract/api/caller.ts';
import type { AnnouncedStatus, Freshness, OrderDetails, OrderStory } from '../../contract/api/order-details.ts';
import { freshnessOf, liveGeneration } from './generations.sql.ts';

export type OrderFilter = {
  status?: AnnouncedStatus | undefined;
  customerId?: string | undefined;
  email?: string | undefined;
  /** Orders older than this one. */
  before?: string | undefined;
  limit: number;
};

type Row = {
  orderId: string;
  sequence: number;
  status: AnnouncedStatus;
  customerId: string | null;
  customerEmail: string | null;
  customerName: string | null;
  customerPremium: boolean;
  placedAt: Date;
  changedAt: Date;
  details: OrderStory;
};
type Live = { position: number; lacks: Date | null };

/** Orders of all customers, newest first, and how old the read model is. */
export async function listOrderDetails(
  sql: Sql,
  filter: OrderFilter,
  now: number,
): Promise<{ orders: OrderDetails[]; readModel: Freshness }> {
  const { status, customerId, email, before, limit } = filter;
  const [row] = await sql<[Live & { orders: RawRow[] }]>`
    with ${liveGeneration(sql, 'order_details')}
    select live.position, live.lacks, coalesce((
      select jsonb_agg(to_jsonb(found) order by found.order_id desc)
      from (
        select ${columns(sql)} from read_models.order_details o
        where o.generation = live.generation
          ${status === undefined ? sql`` : sql`and o.status = ${status}`}
          ${customerId === undefined ? sql`` : sql`and o.customer_id = ${customerId}`}
          ${email === undefined ? sql`` : sql`and o.customer_email = ${email}`}
          ${before === undefined ? sql`` : sql`and o.order_id < ${before}`}
        order by o.order_id desc
        limit ${limit}
      ) found
    ), '[]') as orders
    from live`;
  return { orders: row.orders.map(fromJson).map(toOrderDetails), readModel: freshnessOf(row, now) };
}

export type Found = {
  order: OrderDetails | undefined;
  /** Whether events of the order up to `minSequence`, or all of them for an order that is not there, are still to come. */
  behind: boolean;
  readModel: Freshness;
};

/** One order, and whether the read model has its events up to `minSequence`. */
export async function findOrderDetails(
  sql: Sql,
  { orderId, minSequence }: { orderId: string; minSequence: number | undefined },
  now: number,
): Promise<Found> {
  const [row] = await sql<[Live & (Row | { orderId: null }) & { behind: boolean }]>`
    with ${liveGeneration(sql, 'order_details')}
    select live.position, live.lacks, o.*, exists (
      select from outbox.events e
      where e.aggregate_id = ${orderId} and e.sequence > coalesce(o.sequence, 0)
        and (o.order_id is null or e.sequence <= ${minSequence ?? 0}::integer)
    ) as behind
    from live left join lateral (
      select ${columns(sql)} from read_models.order_details o
      where o.generation = live.generation and o.order_id = ${orderId}
    ) o on true`;
  const order = row.orderId === null ? undefined : toOrderDetails(row);
  return { order, behind: row.behind, readModel: freshnessOf(row, now) };
}

const columns = (sql: Sql) => sql`
  o.order_id, o.sequence, o.status, o.customer_id, o.customer_email, o.customer_name, o.customer_premium, o.placed_at,
  o.changed_at, o.details`;

/** A row that PostgreSQL has written as JSON: its names are those of the columns, its times are text. */
type RawRow = Record<string, unknown> & { details: OrderStory };

const fromJson = (raw: RawRow): Row => ({
  orderId: raw.order_id as string,
  sequence: raw.sequence as number,
  status: raw.status as AnnouncedStatus,
  customerId: raw.customer_id as string | null,
  customerEmail: raw.customer_email as string | null,
  customerName: raw.customer_name as string | null,
  customerPremium: raw.customer_premium as boolean,
  placedAt: new Date(raw.placed_at as string),
  changedAt: new Date(raw.changed_at as string),
  details: raw.details,
});

const toOrderDetails = (row: Row): OrderDetails => ({
  id: row.orderId,
  sequence: row.sequence,
  status: row.status,
  customerId: row.customerId,
  customer:
    row.customerEmail === null || row.customerName === null
      ? null
      : { email: row.customerEmail, name: row.customerName, premium: row.customerPremium },
  ...row.details,
  placedAt: row.placedAt.toISOString(),
  changedAt: row.changedAt.toISOString(),
});

/** An order for an application: without its customer's data unless it may read customers. */
export const shownTo =
  ({ application }: App) =>
  (order: OrderDetails): OrderDetails =>
    application.scopes.includes('customers:read') ? order : { ...order, customer: null };
