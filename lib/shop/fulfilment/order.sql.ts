import type { Fragment, Sql, TransactionSql } from 'postgres';
import type { FulfilmentStatus, OrderStatus } from '../../contract/api/orders.ts';
import { Problem } from '../../contract/api/problems.ts';
import type { OutboxEvent } from '../../events/outbox.sql.ts';
import { type OfOwner, ownedBy } from '../orders/owner.sql.ts';
import { type Entry, revision } from '../orders/transition.sql.ts';
import { type Counter, counted, type LineProgress, statusOf, type Units } from './lines.ts';

/** An order that nobody else changes until the transaction ends. */
export type LockedOrder = {
  id: string;
  status: OrderStatus;
  fulfilmentStatus: FulfilmentStatus;
  lines: LineProgress[];
};

/**
 * Locks an order of an owner and reads its lines after that, so that they are as the last change left them.
 * @throws Problem not-found, order-archived
 */
export async function lockOrder(tx: TransactionSql, of: OfOwner): Promise<LockedOrder> {
  const theirs = ownedBy(tx, of);
  const [order] = await tx<Omit<LockedOrder, 'lines'>[]>`
    select id, status, fulfilment_status from orders.orders where id = ${of.orderId} ${theirs} for update`;
  if (order === undefined) {
    const [old] = await tx`select true from archive.order_keys where id = ${of.orderId} ${theirs}`;
    if (old === undefined) throw noSuchOrder();
    throw new Problem(
      'order-archived',
      'The order is old and in the archive, where nothing changes. Take it out of the archive first.',
    );
  }
  const lines = await tx<LineProgress[]>`
    select product_id, quantity, fulfilled, shipped, delivered, returned, cancelled from orders.lines
    where order_id = ${of.orderId}
    order by position`;
  return { ...order, lines };
}

/** Whether an owner has such an order, archived or not. */
export async function orderExists(sql: Sql, of: OfOwner): Promise<boolean> {
  const theirs = ownedBy(sql, of);
  const rows = await sql`
    select from orders.orders where id = ${of.orderId} ${theirs}
    union all
    select from archive.order_keys where id = ${of.orderId} ${theirs}`;
  return rows.length > 0;
}

export const noSuchOrder = (): Problem => new Problem('not-found', 'There is no such order.');

/** A change of goods of a locked order: one of the counters of its lines, and what the order says about it. */
export type GoodsChange = {
  counter: Counter;
  units: readonly Units[];
  entry: Entry;
  event?: OutboxEvent;
  requestId: string | undefined;
  at: Date;
};

/**
 * Counts units of an order's lines, with its fulfilment status, timeline and event, in parts of one statement that belong
 * after `with`. The database refuses counters beyond what was ordered or shipped.
 */
export function countGoods(sql: TransactionSql, order: LockedOrder, change: GoodsChange): Fragment {
  const { counter, units, entry, event, requestId, at } = change;
  const status = statusOf(counted(order.lines, counter, units));
  return sql`
    counted as (
      update orders.lines l set ${sql(counter)} = l.${sql(counter)} + n.quantity
      from jsonb_to_recordset(${JSON.stringify(units)}::text::jsonb) as n ("productId" text, quantity integer)
      where l.order_id = ${order.id} and l.product_id = n."productId"
    ),
    ${revision(sql, {
      set: sql`set fulfilment_status = ${status}`,
      which: sql`where o.id = ${order.id}`,
      entries: [entry],
      ...(event === undefined ? {} : { events: [event] }),
      requestId,
      at,
    })}`;
}

/** The fields of an event about a locked order's goods: `changed` is the order afterwards. */
export const goodsEvent = (
  sql: TransactionSql,
  event: Pick<OutboxEvent, 'id' | 'definition' | 'data'> & { subject: string },
): OutboxEvent => ({
  ...event,
  subject: sql`${event.subject}`,
  aggregateId: sql`changed.id`,
  sequence: sql`changed.version`,
  correlationId: sql`changed.correlation_id`,
  from: sql`changed`,
});
