import type { Sql } from 'postgres';
import { inTransaction } from '../database/transaction.sql.ts';
import { OrderNotActive, ReservationLost } from '../kernel/errors.ts';
import { transition } from '../shop/orders/transition.sql.ts';

/** The charge that pays an order, and the ids of the rows to write. */
export type Confirmation = {
  orderId: string;
  paymentId: string;
  eventId: string;
  provider: string;
  reference: string;
  at: Date;
};

/**
 * Confirms a reserved order in one transaction: payment, committed stock, status, timeline and event. Repeating it
 * changes nothing.
 * @returns when the order was placed, if this call confirmed it; undefined if an earlier delivery did
 * @throws OrderNotActive if the order no longer goes forward; ReservationLost if its stock is not held
 */
export async function confirmIfReserved(sql: Sql, confirmation: Confirmation): Promise<Date | undefined> {
  const { orderId, at } = confirmation;
  const placedAt = await inTransaction(sql, async (tx) => {
    const paying = tx`
      with this as materialized (
        select o.id, o.status from orders.orders o
        where o.id = ${orderId} and o.status in ('reserved', 'pending_payment') and o.abandoned_at is null
          and not exists (
            select from stock.wanted w
            left join stock.reservations r on r.order_id = w.order_id and r.product_id = w.product_id
            where w.order_id = o.id and r.state is distinct from 'held'
          )
        for update of o
      ),
      ${transition(tx, {
        which: tx`from this where o.id = this.id`,
        from: tx`this.status`,
        to: 'paid',
        entries: [
          {
            type: 'payment-captured',
            detail: tx`jsonb_build_object('paymentId', ${confirmation.paymentId}::text)`,
          },
        ],
        at,
      })},
      captured as (
        insert into payments.payments (id, order_id, provider, reference, status, amount, currency, captured_at)
        select ${confirmation.paymentId}, changed.id, ${confirmation.provider}, ${confirmation.reference}, 'captured',
          changed.total, changed.currency, ${at}::timestamptz
        from changed
      )
      select created_at from changed`;
    // Sent without waiting for the first statement. It finds nothing to do unless that one made the order paid.
    const committing = tx`
      with ${transition(tx, {
        set: tx`set confirmed_at = ${at}`,
        which: tx`where o.id = ${orderId} and o.status = 'paid'`,
        from: tx`'paid'`,
        to: 'confirmed',
        entries: [{ type: 'stock-committed', detail: tx`'{}'` }],
        eventId: confirmation.eventId,
        at,
      })},
      committed as (
        update stock.reservations r set state = 'committed'
        from changed where r.order_id = changed.id and r.state = 'held'
        returning r.product_id, r.quantity
      ),
      moved as (
        insert into stock.movements (id, product_id, kind, quantity, reserved, reason, order_id, created_at)
        select 'mov_' || replace(uuidv7()::text, '-', ''), c.product_id, 'commitment', -c.quantity, -c.quantity,
          'sold', changed.id, ${at}::timestamptz
        from changed, committed c
        order by c.product_id
      )
      select from changed`;
    const [[paid]] = await Promise.all([paying, committing]);
    return paid?.createdAt as Date | undefined;
  });
  if (placedAt !== undefined) return placedAt;

  const [now] = await sql`select status, abandoned_at from orders.orders where id = ${orderId}`;
  if (now?.status === 'confirmed') return undefined;
  if ((now?.status === 'reserved' || now?.status === 'pending_payment') && now.abandonedAt === null)
    throw new ReservationLost('the stock is no longer held');
  throw new OrderNotActive(`order is ${now?.status ?? 'unknown'}`);
}
