import type { TransactionSql } from 'postgres';
import { orderUnitsCancelled } from '../../contract/events/domain-events.ts';
import { eventData } from '../../events/outbox.sql.ts';
import { reachableOf } from '../orders/announcements.sql.ts';
import { revision } from '../orders/transition.sql.ts';
import { type LineProgress, statusOf, type Units } from './lines.ts';
import { goodsEvent, type LockedOrder } from './order.sql.ts';

export type PendingParcel = { id: string; lines: Units[] };

/** The parcels of a locked order that have not shipped, newest first. */
export async function readPendingParcels(tx: TransactionSql, orderId: string): Promise<PendingParcel[]> {
  return await tx<PendingParcel[]>`
    select id, lines from orders.fulfilments where order_id = ${orderId} and status = 'pending' order by id desc`;
}

/**
 * Cancels units of a locked order, with the event: unpacks these parcels, and puts the units back on the shelf. The database
 * refuses units that are in another parcel.
 * @param cancelled.refund what goes back for them, in minor units; its `id` is null if that is nothing
 */
export async function markUnitsCancelled(
  tx: TransactionSql,
  order: LockedOrder,
  cancelled: {
    id: string;
    eventId: string;
    units: readonly Units[];
    unpacked: readonly PendingParcel[];
    refund: { id: string | null; amount: number; currency: string };
    requestId: string | undefined;
    at: Date;
  },
): Promise<void> {
  const { id, units, unpacked, refund, requestId, at } = cancelled;
  const lines = order.lines.map((line) => after(line, units, unpacked));
  const money = { amount: refund.amount, currency: refund.currency };
  const detail = { cancellationId: id, lines: units, refundId: refund.id, amount: money, requestId };
  const status = statusOf(lines);
  const data = eventData(tx, orderUnitsCancelled, {
    ...reachableOf(tx),
    cancellationId: tx`${id}::text`,
    lines: json(tx, units),
    refundId: tx`${refund.id}::text`,
    amount: json(tx, money),
    fulfilmentStatus: tx`${status}::text`,
  });
  await tx`
    with unpacked as (
      update orders.fulfilments set status = 'cancelled', updated_at = ${at}
      where order_id = ${order.id}
        and id in (select jsonb_array_elements_text(${json(
          tx,
          unpacked.map((parcel) => parcel.id),
        )}))
    ),
    counted as (
      update orders.lines l set fulfilled = n.fulfilled, cancelled = n.cancelled
      from jsonb_to_recordset(${json(tx, lines)}) as n ("productId" text, fulfilled integer, cancelled integer)
      where l.order_id = ${order.id} and l.product_id = n."productId"
        and (l.fulfilled, l.cancelled) <> (n.fulfilled, n.cancelled)
    ),
    back as materialized (
      select n."productId" as product_id, n.quantity
      from jsonb_to_recordset(${json(tx, units)}) as n ("productId" text, quantity integer)
    ),
    freed as (
      -- Of a line that is cancelled whole the row says how many there were.
      update stock.reservations r
      set quantity = case r.quantity when back.quantity then r.quantity else r.quantity - back.quantity end,
        state = case r.quantity when back.quantity then 'returned' else r.state end
      from back
      where r.order_id = ${order.id} and r.product_id = back.product_id and r.state = 'committed'
    ),
    ${revision(tx, {
      set: tx`set fulfilment_status = ${status}`,
      which: tx`where o.id = ${order.id}`,
      entries: [
        ...unpacked.map((parcel) => ({
          type: 'fulfilment-cancelled' as const,
          detail: tx`jsonb_build_object('fulfilmentId', ${parcel.id}::text)`,
        })),
        { type: 'units-cancelled', detail: json(tx, detail) },
      ],
      events: [goodsEvent(tx, { id: cancelled.eventId, definition: orderUnitsCancelled, data, subject: id })],
      requestId,
      at,
    })},
    moved as (
      insert into stock.movements (id, product_id, kind, quantity, reserved, reason, order_id, cancellation_id, created_at)
      select 'mov_' || replace(uuidv7()::text, '-', ''), b.product_id, 'cancellation', b.quantity, 0, 'units were cancelled',
        changed.id, ${id}, ${at}::timestamptz
      -- By product, as everybody who locks several levels does.
      from changed, (select * from back order by product_id) b
    )
    select from changed`;
}

const json = (tx: TransactionSql, value: unknown) => tx`${JSON.stringify(value)}::text::jsonb`;

function after(line: LineProgress, units: readonly Units[], unpacked: readonly PendingParcel[]): LineProgress {
  const sum = (lines: readonly Units[]) =>
    lines.reduce((all, { productId, quantity }) => all + (productId === line.productId ? quantity : 0), 0);
  return {
    ...line,
    fulfilled: line.fulfilled - sum(unpacked.flatMap((parcel) => parcel.lines)),
    cancelled: line.cancelled + sum(units),
  };
}
