import type { Sql } from 'postgres';
import { inTransaction } from '../database/transaction.sql.ts';
import { OrderNotActive, ReservationLost } from '../kernel/errors.ts';

/** The charge that pays an order, and the ids of what is written. */
export type Confirmation = {
  orderId: string;
  paymentId: string;
  eventId: string;
  provider: string;
  reference: string;
  at: Date;
};

/**
 * Confirms a reserved order in one transaction: payment row, stock committed, status, timeline and outbox event.
 * Repeating it changes nothing.
 * @returns when the order was placed, if this call confirmed it; undefined if an earlier delivery had
 * @throws OrderNotActive when the order does not go forward any more; ReservationLost when its stock is not held
 */
export async function confirmIfReserved(sql: Sql, confirmation: Confirmation): Promise<Date | undefined> {
  const { orderId, at } = confirmation;
  const placedAt = await inTransaction(sql, async (tx) => {
    const paying = tx`
      with paid as (
        update orders.orders o set status = 'paid', version = o.version + 1, updated_at = ${at}
        where o.id = ${orderId} and o.status in ('reserved', 'pending_payment') and o.abandoned_at is null
          and not exists (
            select from stock.wanted w
            left join stock.reservations r on r.order_id = w.order_id and r.product_id = w.product_id
            where w.order_id = o.id and r.state is distinct from 'held'
          )
        returning o.id, o.version, o.total, o.currency, o.created_at, old.status as came_from
      ),
      recorded as (
        insert into payments.payments (id, order_id, provider, reference, status, amount, currency, captured_at)
        select ${confirmation.paymentId}, paid.id, ${confirmation.provider}, ${confirmation.reference}, 'captured',
          paid.total, paid.currency, ${at}::timestamptz
        from paid
      ),
      noted as (
        insert into orders.timeline (order_id, version, entry, type, detail, at)
        select paid.id, paid.version, entry.number, entry.type, entry.detail, ${at}::timestamptz
        from paid, lateral (values
          (1, 'payment-captured', jsonb_build_object('paymentId', ${confirmation.paymentId}::text)),
          (2, 'status-changed', jsonb_build_object('from', paid.came_from, 'to', 'paid'))
        ) as entry (number, type, detail)
      )
      select created_at from paid`;
    // Sent without waiting for the first: it finds nothing to do unless that one made the order paid.
    const committing = tx`
      with confirmed as (
        update orders.orders o
        set status = 'confirmed', version = o.version + 1, updated_at = ${at}, confirmed_at = ${at}
        where o.id = ${orderId} and o.status = 'paid'
        returning o.id, o.version, o.customer_id, o.total, o.currency
      ),
      committed as (
        update stock.reservations r set state = 'committed'
        from confirmed where r.order_id = confirmed.id and r.state = 'held'
        returning r.product_id, r.quantity
      ),
      moved as (
        insert into stock.movements (id, product_id, kind, quantity, reserved, reason, order_id, created_at)
        select 'mov_' || replace(uuidv7()::text, '-', ''), c.product_id, 'commitment', -c.quantity, -c.quantity,
          'sold', confirmed.id, ${at}::timestamptz
        from confirmed, committed c
        order by c.product_id
      ),
      noted as (
        insert into orders.timeline (order_id, version, entry, type, detail, at)
        select confirmed.id, confirmed.version, entry.number, entry.type, entry.detail, ${at}::timestamptz
        from confirmed, (values
          (1, 'stock-committed', '{}'::jsonb),
          (2, 'status-changed', '{"from": "paid", "to": "confirmed"}')
        ) as entry (number, type, detail)
      )
      insert into outbox.events (id, type, subject, data, occurred_at)
      select ${confirmation.eventId}, 'order.confirmed', confirmed.id, jsonb_build_object(
        'orderId', confirmed.id, 'customerId', confirmed.customer_id, 'paymentId', ${confirmation.paymentId}::text,
        'total', jsonb_build_object('amount', confirmed.total, 'currency', confirmed.currency)
      ), ${at}::timestamptz
      from confirmed`;
    const [[paid]] = await Promise.all([paying, committing]);
    return paid?.createdAt as Date | undefined;
  });
  if (placedAt !== undefined) return placedAt;

  const [now] = await sql`select status, abandoned_at from orders.orders where id = ${orderId}`;
  if (now?.status === 'confirmed') return undefined;
  if ((now?.status === 'reserved' || now?.status === 'pending_payment') && now.abandonedAt === null)
    throw new ReservationLost('the stock is not held any more');
  throw new OrderNotActive(`order is ${now?.status ?? 'unknown'}`);
}
