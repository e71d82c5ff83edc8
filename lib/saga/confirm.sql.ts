import type { Sql } from 'postgres';
import { paymentAuthorized, paymentCaptured } from '../contract/events/domain-events.ts';
import { OrderNotActive, ReservationLost } from '../kernel/errors.ts';
import { paymentEvent, transition } from '../shop/orders/transition.sql.ts';

/** The charge that pays an order, and the ids of the rows to write. */
export type Confirmation = {
  orderId: string;
  paymentId: string;
  eventId: string;
  /** The id of the event of the payment. */
  paymentEventId: string;
  provider: string;
  reference: string;
  /** The charge only holds the money, and until when. */
  authorization?: { expiresAt: string } | undefined;
  at: Date;
};

/**
 * Confirms a reserved order in one statement: payment, committed stock, status, timeline and event. Repeating it
 * changes nothing.
 * @returns when the order was placed, if this call confirmed it; undefined if an earlier delivery did
 * @throws OrderNotActive if the order no longer goes forward; ReservationLost if its stock is not held
 */
export async function confirmIfReserved(sql: Sql, confirmation: Confirmation): Promise<Date | undefined> {
  const { orderId, at, authorization } = confirmation;
  const [status, type, event] =
    authorization === undefined
      ? (['captured', 'payment-captured', paymentCaptured] as const)
      : (['authorized', 'payment-authorized', paymentAuthorized] as const);
  const times =
    authorization === undefined
      ? { columns: sql`captured_at`, values: sql`${at}::timestamptz` }
      : {
          columns: sql`authorized_at, expires_at`,
          values: sql`${at}::timestamptz, ${new Date(authorization.expiresAt)}::timestamptz`,
        };
  const [confirmed] = await sql`
    with this as materialized (
      select o.id, o.status, o.total, o.currency from orders.orders o
      where o.id = ${orderId} and o.status in ('reserved', 'pending_payment') and o.abandoned_at is null
        and not exists (
          select from stock.wanted w
          left join stock.reservations r on r.order_id = w.order_id and r.product_id = w.product_id
          where w.order_id = o.id and r.state is distinct from 'held'
        )
      for update of o
    ),
    paid as (
      insert into payments.payments (id, order_id, provider, reference, status, amount, currency, ${times.columns})
      select ${confirmation.paymentId}, this.id, ${confirmation.provider}, ${confirmation.reference}, ${status},
        this.total, this.currency, ${times.values}
      from this
      returning id, provider
    ),
    ${transition(sql, {
      set: sql`set confirmed_at = ${at}`,
      which: sql`from this where o.id = this.id`,
      from: sql`this.status`,
      to: 'confirmed',
      entries: [
        { type, detail: sql`(select jsonb_build_object('paymentId', paid.id) from paid)` },
        { type: 'stock-committed', detail: sql`'{}'` },
      ],
      before: paymentEvent(sql, event, { id: confirmation.paymentEventId, payment: sql`paid` }),
      eventId: confirmation.eventId,
      at,
    })},
    committed as (
      update stock.reservations r set state = 'committed'
      -- By its key: the index of what is held is shorter, and has the reservations of every order.
      from changed where r.order_id = changed.id and r.state in ('held', 'committed')
      returning r.product_id, r.quantity
    ),
    moved as (
      insert into stock.movements (id, product_id, kind, quantity, reserved, reason, order_id, created_at)
      select 'mov_' || replace(uuidv7()::text, '-', ''), c.product_id, 'commitment', -c.quantity, -c.quantity,
        'sold', changed.id, ${at}::timestamptz
      from changed, committed c
      order by c.product_id
    )
    select created_at from changed`;
  const placedAt = confirmed?.createdAt as Date | undefined;
  if (placedAt !== undefined) return placedAt;

  const [now] = await sql`select status, abandoned_at from orders.orders where id = ${orderId}`;
  if (now?.status === 'confirmed') return undefined;
  if ((now?.status === 'reserved' || now?.status === 'pending_payment') && now.abandonedAt === null)
    throw new ReservationLost('the stock is no longer held');
  throw new OrderNotActive(`order is ${now?.status ?? 'unknown'}`);
}
