import type { Sql } from 'postgres';
import type { Explanation, OperatorAction } from '../../contract/api/manual-review.ts';
import type { Movement } from '../../contract/api/stock.ts';
import { idAt, idTimestamp } from '../../kernel/ids.ts';
import { listRefunds } from '../../shop/payments/refunds.sql.ts';
import type { KnownOrder } from './audit.sql.ts';
import { type ManualReviewRow, toManualReview } from './order.ts';

/** The most rows of a kind that an explanation holds. An order has far fewer, except of readings. */
const most = 500;

type Records = Pick<
  Explanation,
  'manualReview' | 'timeline' | 'payments' | 'refunds' | 'reservations' | 'stockMovements' | 'events' | 'actions'
>;

/** Everything that the database holds about an order, oldest first; of operators' actions the newest 500. */
export async function readRecords(sql: Sql, order: KnownOrder, now: number): Promise<Records> {
  const { id: orderId, currency, archived } = order;
  const of = (live: string) => sql(archived ? live.replace(/^\w+/, 'archive') : live);
  const money = (amount: number) => ({ amount, currency });
  const [manualReview, timeline, payments, refunds, reservations, movements, events, actions] = await Promise.all([
    sql`
      select attempt, opened_at, from_status, reason, steps, error, message, money_at_stake, money_certain,
        stock_at_stake, execution, settled_at, settled_how
      from ${of('orders.manual_reviews')} where order_id = ${orderId} order by attempt`,
    sql`select at, type, detail from ${of('orders.timeline')} where order_id = ${orderId} order by version, entry limit ${most}`,
    sql`
      select id, provider, reference, status, amount, authorized_at, expires_at, capture_requested_at, capture_requested_by,
        captured_at, voided_at, refunded_at, refund_reference,
        case status when 'refunded' then amount else refunded_amount end as refunded
      from ${of('payments.payments')} where order_id = ${orderId}`,
    listRefunds(sql, { orderId, before: undefined, limit: most }),
    sql`
      select r.product_id, w.sku, r.quantity, r.state, r.expires_at
      from ${of('stock.reservations')} r
      join ${archived ? sql`archive.lines` : sql`stock.wanted`} w on w.order_id = r.order_id and w.product_id = r.product_id
      where r.order_id = ${orderId} order by r.product_id`,
    listMovements(sql, order),
    sql`
      select id, type, occurred_at, published_at from outbox.events where subject = ${orderId}
      union all
      select id, type, occurred_at, published_at from archive.events where subject = ${orderId}
      order by id limit ${most}`,
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
      authorizedAt: rest.authorizedAt?.toISOString() ?? null,
      expiresAt: rest.expiresAt?.toISOString() ?? null,
      captureRequestedAt: rest.captureRequestedAt?.toISOString() ?? null,
      captureRequestedBy: rest.captureRequestedBy,
      capturedAt: rest.capturedAt?.toISOString() ?? null,
      voidedAt: rest.voidedAt?.toISOString() ?? null,
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

/** The movements of an order. They may be archived when it is not, because it was taken out of the archive. */
async function listMovements(sql: Sql, { id, updatedAt }: KnownOrder) {
  const margin = 24 * 3600_000;
  const columns = sql`m.id, m.product_id, m.kind, m.quantity, m.reserved, m.reason, m.order_id, m.created_at`;
  return await sql`
    select ${columns} from stock.movements m where m.order_id = ${id}
    union all
    select ${columns}
    from (
      select product_id from stock.reservations where order_id = ${id}
      union
      select product_id from archive.reservations where order_id = ${id}
    ) held
    join archive.movements m on m.product_id = held.product_id
    -- Only pages of the time in which something happened to the order are unpacked.
    where m.page_last >= ${idAt('movement', idTimestamp(id) - margin)}
      and m.page_first <= ${idAt('movement', updatedAt.getTime() + margin)} and m.order_id = ${id}
    order by id`;
}
