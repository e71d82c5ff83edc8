import type { TransactionSql } from 'postgres';
import type { Order } from '../../contract/api/orders.ts';
import type { OrderDetails } from './order.ts';
import { type OfOwner, ownedBy } from './owner.sql.ts';
import { changeOfDetails } from './transition.sql.ts';

export type DetailName = keyof OrderDetails;

/** Locks an order until the transaction ends, so that it is read as it will be changed. */
export async function lockForChange(tx: TransactionSql, of: OfOwner): Promise<void> {
  await tx`select id from orders.orders where id = ${of.orderId} ${ownedBy(tx, of)} for update`;
}

/** Writes what a locked order says now, with an entry in its timeline that names what `changed`, and the event. */
export async function writeDetails(
  tx: TransactionSql,
  orderId: string,
  change: {
    next: Pick<Order, DetailName>;
    changed: readonly DetailName[];
    by: 'customer' | 'guest' | 'application';
    requestId: string;
    eventId: string;
    at: Date;
  },
): Promise<void> {
  const { next, changed, by, requestId, eventId, at } = change;
  const json = (value: object | null | undefined) => tx`${value == null ? null : JSON.stringify(value)}::text::jsonb`;
  const list = tx`${JSON.stringify(changed)}::text::jsonb`;
  await tx`
    with ${changeOfDetails(tx, {
      set: tx`set shipping_address = ${json(next.shippingAddress)}, billing_address = ${json(next.billingAddress)},
        contact = ${json(next.contact)}, note = ${next.note ?? null}::text, metadata = ${json(next.metadata)}`,
      which: tx`where o.id = ${orderId}`,
      changed: list,
      detail: tx`jsonb_build_object('changed', ${list}, 'by', ${by}::text, 'requestId', ${requestId}::text)`,
      eventId,
      requestId,
      at,
    })}
    select true`;
}
