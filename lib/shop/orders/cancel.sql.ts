import type { TransactionSql } from 'postgres';
import type { OrderStatus } from '../../contract/api/orders.ts';

export type Cancellation =
  | { outcome: 'unknown' }
  | { outcome: 'refused'; status: OrderStatus }
  /** `was` tells who compensates it: the saga under way, or (from confirmed) one of its own. */
  | { outcome: 'cancelling'; was: OrderStatus };

/**
 * Marks a customer's order as being cancelled, if it is one that still can be: not ended, or confirmed after
 * `confirmedAfter`. One that is being cancelled already stays so.
 */
export async function cancelIfPossible(
  tx: TransactionSql,
  request: { orderId: string; customerId: string; confirmedAfter: Date; at: Date; requestId?: string | undefined },
): Promise<Cancellation> {
  const { orderId, at } = request;
  const [row] = await tx`
    with this as materialized (
      select id, version, status, confirmed_at from orders.orders
      where id = ${orderId} and customer_id = ${request.customerId}
      for update
    ),
    granted as materialized (
      select * from this
      where status in ('pending', 'reserved', 'pending_payment') or (status = 'confirmed' and confirmed_at > ${request.confirmedAfter})
    ),
    stepped as (
      update orders.orders o set status = 'cancelling', version = granted.version + 1, updated_at = ${at}
      from granted where o.id = granted.id
    ),
    noted as (
      insert into orders.timeline (order_id, version, entry, type, detail, at)
      select granted.id, granted.version + 1, 1, 'status-changed',
        jsonb_strip_nulls(jsonb_build_object(
          'from', granted.status, 'to', 'cancelling', 'requestId', ${request.requestId ?? null}::text
        )), ${at}::timestamptz
      from granted
    )
    select status, exists (select from granted) as granted from this`;
  if (row === undefined) return { outcome: 'unknown' };
  const { status, granted } = row as { status: OrderStatus; granted: boolean };
  return granted || status === 'cancelling' ? { outcome: 'cancelling', was: status } : { outcome: 'refused', status };
}

/** What the saga of a cancellation is started with: the payment to give back. */
export async function readCancellation(tx: TransactionSql, orderId: string) {
  const [row] = await tx`
    select id, total, currency, payment_method, payment_id, payment_provider, payment_reference
    from orders.order_details where id = ${orderId}`;
  if (row === undefined) throw new Error(`no order ${orderId}`);
  return row as {
    id: string;
    total: number;
    currency: string;
    paymentMethod: string;
    paymentId: string | null;
    paymentProvider: string | null;
    paymentReference: string | null;
  };
}
