import type { Fragment, Sql, TransactionSql } from 'postgres';
import type { Fulfilment, Tracking } from '../../contract/api/fulfilments.ts';
import { orderDelivered, orderShipped } from '../../contract/events/domain-events.ts';
import { eventData } from '../../events/outbox.sql.ts';
import { reachableOf } from '../orders/announcements.sql.ts';
import type { Entry } from '../orders/transition.sql.ts';
import { type Counter, counted, statusOf, takenOff, type Units } from './lines.ts';
import { countGoods, type GoodsChange, goodsEvent, type LockedOrder } from './order.sql.ts';

type Change = { at: Date; requestId: string | undefined };

/** Stores a parcel that takes these units of a locked order. The database refuses units beyond what was ordered. */
export async function insertFulfilment(
  tx: TransactionSql,
  order: LockedOrder,
  parcel: Tracking & Change & { id: string; units: readonly Units[]; createdBy: string },
): Promise<Fulfilment> {
  const { id, units, at, requestId } = parcel;
  const [row] = await tx`
    with ${countGoods(tx, order, {
      counter: 'fulfilled',
      units,
      entry: entryOf(tx, 'fulfilment-created', { id }),
      requestId,
      at,
    })},
    made as (
      insert into orders.fulfilments (
        id, order_id, lines, carrier, tracking_number, tracking_url, created_by, created_at, updated_at
      )
      select ${id}, changed.id, ${JSON.stringify(units)}::text::jsonb, ${parcel.carrier ?? null}::text,
        ${parcel.trackingNumber ?? null}::text, ${parcel.trackingUrl ?? null}::text, ${parcel.createdBy}, ${at}::timestamptz,
        ${at}::timestamptz
      from changed
      returning ${columns(tx)}
    )
    select * from made`;
  return toFulfilment(row as Row);
}

/** Ships a pending parcel of a locked order, with the event. What `tracking` has replaces what the parcel has. */
export async function markShipped(
  tx: TransactionSql,
  order: LockedOrder,
  parcel: Fulfilment,
  { eventId, tracking, ...change }: Change & { eventId: string; tracking: Tracking },
): Promise<Fulfilment> {
  const said = {
    carrier: tracking.carrier ?? parcel.carrier,
    trackingNumber: tracking.trackingNumber ?? parcel.trackingNumber,
    trackingUrl: tracking.trackingUrl ?? parcel.trackingUrl,
  };
  const data = eventData(tx, orderShipped, {
    ...common(tx, order, parcel, 'shipped'),
    carrier: tx`${said.carrier}::text`,
    trackingNumber: tx`${said.trackingNumber}::text`,
    trackingUrl: tx`${said.trackingUrl}::text`,
  });
  return await changeParcel(tx, order, parcel, {
    ...change,
    counter: 'shipped',
    units: parcel.lines,
    entry: { type: 'order-shipped', detail: tx`${JSON.stringify({ fulfilmentId: parcel.id, ...said })}::text` },
    event: goodsEvent(tx, { id: eventId, definition: orderShipped, data, subject: parcel.id }),
    set: tx`
      set status = 'shipped', carrier = ${said.carrier}, tracking_number = ${said.trackingNumber},
        tracking_url = ${said.trackingUrl}, shipped_at = ${change.at}`,
  });
}

/** Delivers a shipped parcel of a locked order, with the event. */
export async function markDelivered(
  tx: TransactionSql,
  order: LockedOrder,
  parcel: Fulfilment,
  { eventId, ...change }: Change & { eventId: string },
): Promise<Fulfilment> {
  const data = eventData(tx, orderDelivered, common(tx, order, parcel, 'delivered'));
  return await changeParcel(tx, order, parcel, {
    ...change,
    counter: 'delivered',
    units: parcel.lines,
    entry: entryOf(tx, 'order-delivered', parcel),
    event: goodsEvent(tx, { id: eventId, definition: orderDelivered, data, subject: parcel.id }),
    set: tx`set status = 'delivered', delivered_at = ${change.at}`,
  });
}

/** Cancels a pending parcel of a locked order, whose units are free again. */
export const markCancelled = (
  tx: TransactionSql,
  order: LockedOrder,
  parcel: Fulfilment,
  change: Change,
): Promise<Fulfilment> =>
  changeParcel(tx, order, parcel, {
    ...change,
    counter: 'fulfilled',
    units: takenOff(parcel.lines),
    entry: entryOf(tx, 'fulfilment-cancelled', parcel),
    set: tx`set status = 'cancelled'`,
  });

async function changeParcel(
  tx: TransactionSql,
  order: LockedOrder,
  parcel: Fulfilment,
  { set, ...change }: GoodsChange & { set: Fragment },
): Promise<Fulfilment> {
  const [row] = await tx`
    with ${countGoods(tx, order, change)},
    made as (
      update orders.fulfilments ${set}, updated_at = ${change.at} where id = ${parcel.id} returning ${columns(tx)}
    )
    select * from made`;
  return toFulfilment(row as Row);
}

/**
 * Cancels what was packed for an order that is being cancelled. The caller holds the order's lock, from a statement before
 * this one, so that no parcel is missed.
 */
export async function dropParcels(tx: TransactionSql, { orderId, at }: { orderId: string; at: Date }): Promise<void> {
  await tx`
    with dropped as (
      update orders.fulfilments set status = 'cancelled', updated_at = ${at}
      where order_id = ${orderId} and status = 'pending'
    )
    update orders.lines set fulfilled = 0 where order_id = ${orderId}`;
}

/** The parcels of an order, oldest first, or one of them. */
export async function readFulfilments(
  sql: Sql | TransactionSql,
  of: { orderId: string; fulfilmentId?: string },
): Promise<Fulfilment[]> {
  const one = of.fulfilmentId === undefined ? sql`` : sql`and id = ${of.fulfilmentId}`;
  const rows = await sql`
    select ${columns(sql)} from orders.fulfilments where order_id = ${of.orderId} ${one}
    union all
    select ${columns(sql)} from archive.fulfilments where order_id = ${of.orderId} ${one}
    order by id`;
  return rows.map((row) => toFulfilment(row as Row));
}

const entryOf = (sql: TransactionSql, type: Entry['type'], { id }: { id: string }): Entry => ({
  type,
  detail: sql`jsonb_build_object('fulfilmentId', ${id}::text)`,
});

/** What both events say of a parcel, whose units then count as this. */
const common = (sql: TransactionSql, order: LockedOrder, parcel: Fulfilment, counter: Counter) => ({
  fulfilmentId: sql`${parcel.id}::text`,
  ...reachableOf(sql),
  lines: sql`${JSON.stringify(parcel.lines)}::text::jsonb`,
  fulfilmentStatus: sql`${statusOf(counted(order.lines, counter, parcel.lines))}::text`,
});

type Row = Omit<Fulfilment, 'shippedAt' | 'deliveredAt' | 'createdAt' | 'updatedAt'> &
  Record<'shippedAt' | 'deliveredAt', Date | null> &
  Record<'createdAt' | 'updatedAt', Date>;

const columns = (sql: Sql | TransactionSql) => sql`
  id, order_id, status, lines, carrier, tracking_number, tracking_url, created_at, updated_at, shipped_at, delivered_at`;

const toFulfilment = (row: Row): Fulfilment => ({
  id: row.id,
  orderId: row.orderId,
  status: row.status,
  lines: row.lines,
  carrier: row.carrier,
  trackingNumber: row.trackingNumber,
  trackingUrl: row.trackingUrl,
  shippedAt: row.shippedAt?.toISOString() ?? null,
  deliveredAt: row.deliveredAt?.toISOString() ?? null,
  createdAt: row.createdAt.toISOString(),
  updatedAt: row.updatedAt.toISOString(),
});
