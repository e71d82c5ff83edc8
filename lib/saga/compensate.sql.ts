import type { Fragment, Sql, TransactionSql } from 'postgres';
import type { OrderStatus } from '../contract/api/orders.ts';
import { paymentRefunded, paymentVoided } from '../contract/events/domain-events.ts';
import { OrderNotActive } from '../kernel/errors.ts';
import { paymentEvent, transition } from '../shop/orders/transition.sql.ts';
import type { CompensationOutcome } from '../shop/payments/gateway.ts';
import type { CompensationFailure } from './compensation-failure.ts';

/**
 * Decides for good whether an order was confirmed, after the outcome of its confirmation stayed unknown. An order that
 * was not confirmed cannot be confirmed afterwards.
 * @throws OrderNotActive if there is no such order
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
  // A confirmed order that its customer has cancelled since is compensated by the saga of that cancellation.
  const [now] = await sql`select confirmed_at is not null as confirmed from orders.orders where id = ${orderId}`;
  if (now === undefined) throw new OrderNotActive('order is unknown');
  return { confirmed: now.confirmed };
}

export type Closing = {
  orderId: string;
  paymentId: string;
  eventId: string;
  /** The id of the event of the payment, if it is given back. */
  paymentEventId: string;
  failure: { code: string; detail: string };
  refund: CompensationOutcome | undefined;
  at: Date;
};

/**
 * Closes a compensated order, with its refund, timeline and event: as `cancelled` if its customer asked for that, as
 * `failed` otherwise. The database refuses it while money or stock of the order is kept.
 * @returns the status in which the order ended, and whether this call closed it
 * @throws OrderNotActive if the order was not compensated
 */
export async function closeCompensated(sql: Sql, closing: Closing): Promise<{ status: OrderStatus; closed: boolean }> {
  const { orderId, refund } = closing;
  const payment = refund?.outcome === 'refunded' ? refundedPayment(sql, closing) : voidedPayment(sql, closing);
  const [row] = await sql`
    with this as materialized (
      select id, status, total, currency, case status when 'cancelling' then 'cancelled' else 'failed' end as outcome
      from orders.orders
      where id = ${orderId} and status in ('pending', 'reserved', 'pending_payment', 'cancelling')
      for update
    ),
    returned as (${payment}),
    ${endCompensated(sql, {
      ...closing,
      payment: refund?.outcome ?? 'voided',
      reason: sql`changed.failure_code`,
    })}
    select outcome from this`;
  if (row !== undefined) return { status: row.outcome, closed: true };
  return { status: await statusOfEnded(sql, orderId), closed: false };
}

/** The payment that was given back. One that was taken without its order being confirmed has no row yet. */
const refundedPayment = (sql: Sql, { refund, paymentId, at }: Closing) => sql`
  insert into payments.payments as p (
    id, order_id, provider, reference, status, amount, currency, captured_at, refunded_at, refund_reference
  )
  select ${paymentId}, this.id, ${refund?.provider ?? ''}, ${refund?.reference ?? ''}, 'refunded',
    this.total, this.currency, ${at}::timestamptz, ${at}::timestamptz, ${refund?.refundReference ?? null}
  from this
  on conflict (order_id) do update
    -- The provider may have captured it without our having written that.
    set status = 'refunded', captured_at = coalesce(p.captured_at, excluded.captured_at),
      refunded_at = excluded.refunded_at, refund_reference = excluded.refund_reference
    where p.status in ('authorized', 'captured')
  returning p.id, p.provider`;

/** The authorized payment of which nothing was taken; none of an order that was never confirmed. */
const voidedPayment = (sql: Sql, { at }: Closing) => sql`
  update payments.payments p set status = 'voided', voided_at = ${at}
  from this where p.order_id = this.id and p.status = 'authorized'
  returning p.id, p.provider`;

/**
 * The parts of a statement that end a compensated order. The caller's query `this` has its `id`, its `status` and its
 * `outcome`, `failed` or `cancelled`; `returned` has the `id` and the `provider` of the payment that was refunded or voided,
 * if one was.
 * @param end.payment what happened to that payment
 * @param end.failure why the order failed; not written if it was cancelled
 * @param end.reason what the timeline gives as the reason
 */
export const endCompensated = (
  sql: Sql | TransactionSql,
  end: Pick<Closing, 'failure' | 'eventId' | 'paymentEventId' | 'at'> & {
    payment: 'refunded' | 'voided';
    reason: Fragment;
    requestId?: string;
  },
): Fragment =>
  transition(sql, {
    set: sql`
      set failure_code = case this.outcome when 'failed' then ${end.failure.code} end,
        failure_detail = case this.outcome when 'failed' then ${end.failure.detail} end`,
    which: sql`from this where o.id = this.id`,
    from: sql`this.status`,
    to: { among: ['failed', 'cancelled'], status: sql`this.outcome` },
    entries: [
      {
        type: `payment-${end.payment}`,
        detail: sql`(select jsonb_build_object('paymentId', returned.id) from returned)`,
      },
    ],
    detail: { reason: end.reason },
    before: paymentEvent(sql, end.payment === 'refunded' ? paymentRefunded : paymentVoided, {
      id: end.paymentEventId,
      payment: sql`returned`,
    }),
    eventId: end.eventId,
    requestId: end.requestId,
    at: end.at,
  });

export type ManualReviewRequest = {
  orderId: string;
  eventId: string;
  reason: string;
  detail: string;
  at: Date;
  /** The execution that gives up. */
  execution: string;
  /** Which retry of the compensation it ran; 0 for the saga's own compensation. */
  attempt: number;
  /** What went wrong. Without `money` the order's row says what may be kept. */
  why: Omit<CompensationFailure, 'money' | 'steps'> &
    Partial<Pick<CompensationFailure, 'money'>> & { steps: readonly string[] };
  /** Only an order that still has this version. */
  version?: number;
  /** Only an order that was never confirmed: a confirmed one belongs to the saga of its cancellation. */
  unlessConfirmed?: boolean;
};

/**
 * Puts an order into manual review because its compensation failed. An order that has ended, that the request excludes,
 * or whose compensation was retried since stays unchanged.
 * @returns the order's status, and whether this call put it into manual review
 * @throws OrderNotActive if there is no such order
 */
export async function requestManualReview(
  sql: Sql,
  request: ManualReviewRequest,
): Promise<{ status: OrderStatus; opened: boolean }> {
  const { orderId, at, why } = request;
  const [row] = await sql`
    with this as materialized (
      select id, status, total, compensation_attempts, coalesce(capture_retries, 0) as capture_retries from orders.orders
      where id = ${orderId} and status in ('pending', 'reserved', 'pending_payment', 'cancelling')
        and compensation_attempts = ${request.attempt}
        and ${request.version === undefined ? sql`true` : sql`version = ${request.version}`}
        and ${request.unlessConfirmed ? sql`confirmed_at is null` : sql`true`}
      for update
    ),
    ${transition(sql, {
      set: sql`set failure_code = ${request.reason}, failure_detail = ${request.detail}`,
      which: sql`from this where o.id = this.id`,
      from: sql`this.status`,
      to: 'needs_attention',
      detail: { reason: sql`changed.failure_code` },
      eventId: request.eventId,
      at,
    })},
    ${explained(sql, { ...request, why, certain: why.money?.certain })}
    select true as opened from this`;
  if (row !== undefined) return { status: 'needs_attention', opened: true };
  const [now] = await sql`select status from orders.orders where id = ${orderId}`;
  if (now === undefined) throw new OrderNotActive('order is unknown');
  return { status: now.status, opened: false };
}

/**
 * The part of a statement that explains a manual review to its operator. The caller's query `this` has the order's `id`,
 * its `status` before, `total`, `compensation_attempts` and `capture_retries`.
 */
export const explained = (
  sql: Sql,
  {
    reason,
    execution,
    why,
    certain,
    at,
  }: Pick<ManualReviewRequest, 'reason' | 'execution' | 'why' | 'at'> & { certain?: boolean | undefined },
): Fragment => sql`
  explained as (
    insert into orders.manual_reviews (
      order_id, attempt, opened_at, from_status, reason, steps, error, message, money_at_stake, money_certain,
      stock_at_stake, execution
    )
    select this.id, this.compensation_attempts + this.capture_retries, ${at}::timestamptz, this.status, ${reason},
      ${JSON.stringify(why.steps)}::text::jsonb, ${why.error}, ${why.message},
      greatest(0, coalesce(${why.money?.amount ?? null}::bigint, case this.status when 'pending' then 0 else this.total end)
        - coalesce(p.refunded_amount, 0)),
      coalesce(${certain ?? null}::boolean, this.status = 'pending' or this.total = 0)
        and coalesce(p.refund_claimed = p.refunded_amount, true),
      (
        select coalesce(jsonb_agg(jsonb_build_object(
          'productId', r.product_id, 'sku', w.sku, 'quantity', r.quantity, 'state', r.state
        ) order by r.product_id), '[]')
        from stock.reservations r
        join stock.wanted w on w.order_id = r.order_id and w.product_id = r.product_id
        where r.order_id = this.id and r.state in ('held', 'committed')
      ),
      ${execution}
    from this left join payments.payments p on p.order_id = this.id
  )`;

async function statusOfEnded(sql: Sql, orderId: string): Promise<OrderStatus> {
  const [now] = await sql`select status from orders.orders where id = ${orderId}`;
  if (now?.status === 'failed' || now?.status === 'cancelled' || now?.status === 'needs_attention') return now.status;
  throw new OrderNotActive(`order is ${now?.status ?? 'unknown'}, not compensated`);
}
