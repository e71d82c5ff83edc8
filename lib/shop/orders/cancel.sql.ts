import type { TransactionSql } from 'postgres';
import type { OrderStatus } from '../../contract/api/orders.ts';
import { type OfOwner, ownedBy } from './owner.sql.ts';
import { transition } from './transition.sql.ts';

export type Cancellation =
  | { outcome: 'unknown' }
  | { outcome: 'refused'; status: OrderStatus; shipped: boolean; late: boolean }
  /** An order that `was` confirmed needs a saga of its own; any other is compensated by the saga that works on it. */
  | { outcome: 'cancelling'; was: OrderStatus };

/**
 * Starts the cancellation of a whole order, if it has not ended, or was confirmed after `confirmedAfter` and nothing of it has
 * shipped. An order that is already being cancelled stays unchanged.
 */
export async function cancelIfPossible(
  tx: TransactionSql,
  request: OfOwner & { confirmedAfter: Date; at: Date; requestId?: string | undefined },
): Promise<Cancellation> {
  const { orderId, at } = request;
  const [row] = await tx`
    with this as materialized (
      select id, status, fulfilment_status <> 'unfulfilled' as shipped, confirmed_at <= ${request.confirmedAfter} as late
      from orders.orders
      where id = ${orderId} ${ownedBy(tx, request)}
      for update
    ),
    granted as materialized (
      select id, status from this
      where status in ('pending', 'reserved', 'pending_payment') 
        or (status = 'confirmed' and not late and not shipped)
    ),
    ${transition(tx, {
      which: tx`from granted where o.id = granted.id`,
      from: tx`granted.status`,
      to: 'cancelling',
      detail: { requestId: tx`${request.requestId ?? null}::text` },
      requestId: request.requestId,
      at,
    })}
    select status, shipped, late, exists (select from granted) as granted from this`;
  if (row === undefined) return { outcome: 'unknown' };
  const { status, shipped, late, granted } = row as {
    status: OrderStatus;
    shipped: boolean;
    late: boolean | null;
    granted: boolean;
  };
  if (granted || status === 'cancelling') return { outcome: 'cancelling', was: status };
  return { outcome: 'refused', status, shipped, late: late === true };
}

/** Whether a confirmed order was confirmed after a time. */
export async function wasConfirmedAfter(tx: TransactionSql, orderId: string, time: Date): Promise<boolean> {
  const rows = await tx`select from orders.orders where id = ${orderId} and confirmed_at > ${time}`;
  return rows.length > 0;
}

/** What the saga of a cancellation starts with: the order and the payment to give back. @throws Error if there is none */
export async function readCancellation(tx: TransactionSql, orderId: string) {
  const [row] = await tx`
    select id, total, currency, payment_provider, payment_reference,
      (select o.capture_at from orders.orders o where o.id = d.id) as capture_at,
      (select o.correlation_id from orders.orders o where o.id = d.id) as correlation_id
    from orders.order_details d where id = ${orderId}`;
  if (row === undefined) throw new Error(`no order ${orderId}`);
  return row as {
    id: string;
    total: number;
    currency: string;
    captureAt: 'shipment' | null;
    correlationId: string | null;
    paymentProvider: string | null;
    paymentReference: string | null;
  };
}
