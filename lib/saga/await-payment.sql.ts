import type { Sql } from 'postgres';
import type { PaymentAction } from '../contract/api/payment-action.ts';
import { OrderNotActive, PaymentActionExpired } from '../kernel/errors.ts';
import { transition } from '../shop/orders/transition.sql.ts';

/**
 * Lets a reserved order wait for its customer to act on the payment. Stores what the client needs for that, and when the
 * reservation ends. Repeating it changes nothing.
 * @returns when the reservation ends
 * @throws OrderNotActive if the order no longer goes forward; PaymentActionExpired if its reservation has ended
 */
export async function awaitPaymentAction(
  sql: Sql,
  { orderId, action, at }: { orderId: string; action: PaymentAction; at: Date },
): Promise<Date> {
  const [waiting] = await sql`
    with held as materialized (
      select min(r.expires_at) as expires_at from stock.reservations r
      where r.order_id = ${orderId} and r.state = 'held'
      having min(r.expires_at) > ${at}
    ),
    ${transition(sql, {
      set: sql`
        set payment_action = jsonb_build_object(
          'action', ${JSON.stringify(action)}::text::jsonb,
          'expiresAt', to_char(held.expires_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
        )`,
      which: sql`
        from held
        where o.id = ${orderId} and o.status = 'reserved' and o.abandoned_at is null`,
      from: sql`'reserved'`,
      to: 'pending_payment',
      at,
    })}
    select held.expires_at from held, changed`;
  if (waiting !== undefined) return waiting.expiresAt;

  const [now] = await sql`
    select o.status, (
      select min(r.expires_at) from stock.reservations r where r.order_id = o.id and r.state = 'held'
    ) as expires_at
    from orders.orders o
    where o.id = ${orderId} and o.abandoned_at is null`;
  if (now?.status === 'pending_payment' && now.expiresAt > at) return now.expiresAt;
  if (now?.status === 'pending_payment' || now?.status === 'reserved') {
    throw new PaymentActionExpired('the payment was not completed while the stock was reserved');
  }
  throw new OrderNotActive(`order is ${now?.status ?? 'given up'}`);
}
