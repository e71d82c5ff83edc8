import type { Sql } from 'postgres';
import type { Explanation, OperatorAction } from '../../contract/api/manual-review.ts';
import type { Movement } from '../../contract/api/stock.ts';
import { listRefunds } from '../../shop/payments/refunds.sql.ts';
import { type ManualReviewRow, toManualReview } from './order.ts';

/** The most rows of a kind that an explanation holds. An order has far fewer, except of readings. */
const most = 500;

type Records = Pick<
  Explanation,
  'manualReview' | 'timeline' | 'payments' | 'refunds' | 'reservations' | 'stockMovements' | 'events' | 'actions'
>;

/** Everything that the database holds about an order, oldest first; of operators' actions the newest 500. */
export async function readRecords(sql: Sql, orderId: string, currency: string, now: number): Promise<Records> {
  const money = (amount: number) => ({ amount, currency });
  const [manualReview, timeline, payments, refunds, reservations, movements, events, actions] = await Promise.all([
    sql`
      select attempt, opened_at, from_status, reason, steps, error, message, money_at_stake, money_certain,
        stock_at_stake, execution, settled_at, settled_how
      from orders.manual_reviews where order_id = ${orderId} order by attempt`,
    sql`select at, type, detail from orders.timeline where order_id = ${orderId} order by version, entry limit ${most}`,
    sql`
      select id, provider, reference, status, amount, captured_at, refunded_at, refund_reference,
        case status when 'refunded' then amount else refunded_amount end as refunded
      from payments.payments where order_id = ${orderId}`,
    listRefunds(sql, { orderId, before: undefined, limit: most }),
    sql`
      select r.product_id, w.sku, r.quantity, r.state, r.expires_at
      from stock.reservations r
      join stock.wanted w on w.order_id = r.order_id and w.product_id = r.product_id
      where r.order_id = ${orderId} order by r.product_id`,
    sql`
      select id, product_id, kind, quantity, reserved, reason, order_id, created_at
      from stock.movements where order_id = ${orderId} order by id`,
    sql`select id, type, occurred_at, published_at from outbox.events where subject = ${orderId} order by id limit ${most}`,
    sql`
      select id, at, key_id, action, outcome, note, refund_reference, request_id
      from audit.operator_actions where order_id = ${orderId} order by id desc limit ${most}`,
  ]);
  return {
    manualReview: manualReview.map((row) => toManualReview(row as ManualReviewRow, currency, now)),
    timeline: timeline.map(({ at, type, detail }) => ({ at: at.toISOString(), type, detail })),
    payments: payments.map(({ id, provider, reference, status, amount, ...rest }) => ({
      id,
      provider,
      reference,
      status,
      amount: money(amount),
      refunded: money(rest.refunded),
      capturedAt: rest.capturedAt.toISOString(),
      refundedAt: rest.refundedAt?.toISOString() ?? null,
      refundReference: rest.refundReference,
    })),
    refunds,
    reservations: reservations.map(({ expiresAt, productId, sku, quantity, state }) => ({
      productId,
      sku,
      quantity,
      state,
      expiresAt: expiresAt.toISOString(),
    })),
    stockMovements: movements.map(({ createdAt, ...rest }) => ({
      ...(rest as Omit<Movement, 'createdAt'>),
      createdAt: createdAt.toISOString(),
    })),
    events: events.map(({ id, type, occurredAt, publishedAt }) => ({
      id,
      type,
      occurredAt: occurredAt.toISOString(),
      publishedAt: publishedAt?.toISOString() ?? null,
    })),
    actions: actions
      .toReversed()
      .map(({ at, ...rest }) => ({ ...(rest as Omit<OperatorAction, 'at'>), at: at.toISOString() })),
  };
}
