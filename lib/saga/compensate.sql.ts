import type { Sql } from 'postgres';
import type { OrderStatus } from '../contract/api/orders.ts';
import { OrderNotActive } from '../kernel/errors.ts';
import type { CompensationOutcome } from '../shop/payments/gateway.ts';
import type { CompensationFailure } from './compensation-failure.ts';

/**
 * Decides, once and for all, whether an order whose confirmation nobody answered for was confirmed. When it was not,
 * it can never be from here on.
 */
export async function abandonUnlessConfirmed(
  sql: Sql,
  { orderId, at }: { orderId: string; at: Date },
): Promise<{ confirmed: boolean }> {
  const [abandoned] = await sql`
    update orders.orders set abandoned_at = coalesce(abandoned_at, ${at}), updated_at = ${at}
    where id = ${orderId} and status in ('pending', 'reserved', 'pending_payment', 'cancelling') and confirmed_at is null
    returning status`;
  if (abandoned !== undefined) return { confirmed: false };
  // A confirmed order that its customer cancels meanwhile is compensated by the saga of that cancellation.
  const [now] = await sql`select confirmed_at is not null as confirmed from orders.orders where id = ${orderId}`;
  if (now === undefined) throw new OrderNotActive('order is unknown');
  return { confirmed: now.confirmed };
}

export type Closing = {
  orderId: string;
  paymentId: string;
  eventId: string;
  failure: { code: string; detail: string };
  refund: CompensationOutcome | undefined;
  at: Date;
};

/**
 * Closes an order that has been compensated: `cancelled` when its customer asked for it, `failed` otherwise, together with
 * the refund, the timeline and the outbox event. The database refuses it while money or stock is kept.
 * @returns the status it ended in, and whether this call did it
 * @throws OrderNotActive when the order is one that was not compensated
 */
export async function closeCompensated(sql: Sql, closing: Closing): Promise<{ status: OrderStatus; closed: boolean }> {
  const { orderId, at, refund, failure } = closing;
  const refunded = refund?.outcome === 'refunded';
  const [row] = await sql`
    with this as materialized (
      select id, customer_id, version, status, total, currency,
        case status when 'cancelling' then 'cancelled' else 'failed' end as outcome
      from orders.orders
      where id = ${orderId} and status in ('pending', 'reserved', 'pending_payment', 'cancelling')
      for update
    ),
    refunded as (
      insert into payments.payments as p (
        id, order_id, provider, reference, status, amount, currency, captured_at, refunded_at, refund_reference
      )
      select ${closing.paymentId}, this.id, ${refund?.provider ?? ''}, ${refund?.reference ?? ''}, 'refunded',
        this.total, this.currency, ${at}::timestamptz, ${at}::timestamptz, ${refund?.refundReference ?? null}
      from this where ${refunded}
      on conflict (order_id) do update
        set status = 'refunded', refunded_at = excluded.refunded_at, refund_reference = excluded.refund_reference
        where p.status = 'captured'
      returning p.id
    ),
    stepped as (
      update orders.orders o
      set status = this.outcome, version = this.version + 1, updated_at = ${at},
        failure_code = case this.outcome when 'failed' then ${failure.code} end,
        failure_detail = case this.outcome when 'failed' then ${failure.detail} end
      from this where o.id = this.id
    ),
    noted as (
      insert into orders.timeline (order_id, version, entry, type, detail, at)
      select this.id, this.version + 1, 1, 'payment-refunded', jsonb_build_object('paymentId', refunded.id),
        ${at}::timestamptz
      from this, refunded
      union all
      select this.id, this.version + 1, 2, 'status-changed', jsonb_strip_nulls(jsonb_build_object(
        'from', this.status, 'to', this.outcome,
        'reason', case this.outcome when 'failed' then ${failure.code}::text end
      )), ${at}::timestamptz
      from this
    ),
    published as (
      insert into outbox.events (id, type, subject, data, occurred_at)
      select ${closing.eventId}, 'order.' || this.outcome, this.id, jsonb_strip_nulls(jsonb_build_object(
        'orderId', this.id, 'customerId', this.customer_id,
        'reason', case this.outcome when 'failed' then ${failure.code}::text end
      )), ${at}::timestamptz
      from this
    )
    select outcome from this`;
  if (row !== undefined) return { status: row.outcome, closed: true };
  return { status: await statusOfEnded(sql, orderId), closed: false };
}

export type ManualReviewRequest = {
  orderId: string;
  eventId: string;
  reason: string;
  detail: string;
  at: Date;
  /** The execution that gives up, and which compensation run again it was; 0 for the saga's own. */
  execution: string;
  attempt: number;
  /** What is told of why; without `money` the order's row says what may be kept. */
  why: Omit<CompensationFailure, 'money'> & Partial<Pick<CompensationFailure, 'money'>>;
  /** Only when nothing has happened to the order since. */
  version?: number;
  /** Only an order that was never confirmed: one that was belongs to the saga of its cancellation. */
  unlessConfirmed?: boolean;
};

/**
 * Puts an order in manual review: what could not be compensated is neither forgotten nor called a success. One that has ended,
 * or is none of the caller's business, stays as it is; so does one whose compensation was run again since.
 * @returns the order's status, and whether this call put it there
 * @throws OrderNotActive when there is no such order
 */
export async function requestManualReview(
  sql: Sql,
  request: ManualReviewRequest,
): Promise<{ status: OrderStatus; opened: boolean }> {
  const { orderId, at, why } = request;
  const [row] = await sql`
    with this as materialized (
      select id, customer_id, version, status, total, compensation_attempts from orders.orders
      where id = ${orderId} and status in ('pending', 'reserved', 'pending_payment', 'paid', 'cancelling')
        and compensation_attempts = ${request.attempt}
        and ${request.version === undefined ? sql`true` : sql`version = ${request.version}`}
        and ${request.unlessConfirmed ? sql`confirmed_at is null` : sql`true`}
      for update
    ),
    stepped as (
      update orders.orders o
      set status = 'needs_attention', version = this.version + 1, updated_at = ${at},
        failure_code = ${request.reason}, failure_detail = ${request.detail}
      from this where o.id = this.id
    ),
    noted as (
      insert into orders.timeline (order_id, version, entry, type, detail, at)
      select this.id, this.version + 1, 1, 'status-changed',
        jsonb_build_object('from', this.status, 'to', 'needs_attention', 'reason', ${request.reason}::text),
        ${at}::timestamptz
      from this
    ),
    explained as (
      insert into orders.manual_reviews (
        order_id, attempt, opened_at, from_status, reason, steps, error, message, money_at_stake, money_certain,
        stock_at_stake, execution
      )
      select this.id, this.compensation_attempts, ${at}::timestamptz, this.status, ${request.reason},
        ${JSON.stringify(why.steps)}::text::jsonb, ${why.error}, ${why.message},
        greatest(0, coalesce(${why.money?.amount ?? null}::bigint, case this.status when 'pending' then 0 else this.total end)
          - coalesce(p.refunded_amount, 0)),
        coalesce(${why.money?.certain ?? null}::boolean, this.status = 'pending' or this.total = 0)
          and coalesce(p.refund_claimed = p.refunded_amount, true),
        (
          select coalesce(jsonb_agg(jsonb_build_object(
            'productId', r.product_id, 'sku', w.sku, 'quantity', r.quantity, 'state', r.state
          ) order by r.product_id), '[]')
          from stock.reservations r
          join stock.wanted w on w.order_id = r.order_id and w.product_id = r.product_id
          where r.order_id = this.id and r.state in ('held', 'committed')
        ),
        ${request.execution}
      from this left join payments.payments p on p.order_id = this.id
    ),
    published as (
      insert into outbox.events (id, type, subject, occurrence, data, occurred_at)
      select ${request.eventId}, 'order.in_review', this.id, this.compensation_attempts + 1,
        jsonb_build_object('orderId', this.id, 'customerId', this.customer_id, 'reason', ${request.reason}::text),
        ${at}::timestamptz
      from this
    )
    select true as opened from this`;
  if (row !== undefined) return { status: 'needs_attention', opened: true };
  const [now] = await sql`select status from orders.orders where id = ${orderId}`;
  if (now === undefined) throw new OrderNotActive('order is unknown');
  return { status: now.status, opened: false };
}

async function statusOfEnded(sql: Sql, orderId: string): Promise<OrderStatus> {
  const [now] = await sql`select status from orders.orders where id = ${orderId}`;
  if (now?.status === 'failed' || now?.status === 'cancelled' || now?.status === 'needs_attention') return now.status;
  throw new OrderNotActive(`order is ${now?.status ?? 'unknown'}, not compensated`);
}
