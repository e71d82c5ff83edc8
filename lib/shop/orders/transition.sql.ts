import type { Fragment, Sql, TransactionSql } from 'postgres';
import type { OrderStatus, TimelineEntry } from '../../contract/api/orders.ts';
import type { EventData } from '../../contract/events/define-event.ts';
import {
  orderPlaced,
  orderUpdated,
  type paymentAuthorized,
  type paymentCaptured,
  type paymentRefunded,
  type paymentVoided,
} from '../../contract/events/domain-events.ts';
import { eventData, insertEvents, type OutboxEvent } from '../../events/outbox.sql.ts';
import { couponGivenBack } from '../pricing/coupon-uses.sql.ts';
import { toQuote } from '../pricing/quote.ts';
import {
  type Announced,
  announcement,
  eventOf,
  idsOf,
  isAnnounced,
  ofOrder,
  reachableOf,
} from './announcements.sql.ts';
import { type NewOrder, priceColumns } from './order.ts';
import { outOfStock } from './out-of-stock.ts';

type Db = Sql | TransactionSql;

/** An entry of the timeline. It is left out if its detail is null. */
export type Entry = {
  type: TimelineEntry['type'] | Fragment;
  detail: Fragment;
  /** The order's version that the entry tells of: the last, unless it is given. */
  version?: Fragment;
};

/** A change of one order, in parts of the statement that makes it. `o` is the order, `changed` the order afterwards. */
type Change = {
  /** More columns to set: `set confirmed_at = …`. */
  set?: Fragment;
  /** Which order changes, at most one: `from this where o.id = this.id`. */
  which: Fragment;
  /** The API request that asked for the change: the correlation id of this event and of those that follow. */
  requestId?: string | undefined;
  at: Date;
};

/** A change of an order's status. A status that has an event needs an id for it. */
export type Transition<Status extends OrderStatus> = Change & {
  /**
   * The status before the change, of the row that the caller locked. PostgreSQL 18 returns an outdated `old.status` if the
   * row changed since the statement began, because `orders.orders` has a trigger before the update.
   */
  from: Fragment;
  /** The new status, or a part that yields one of several. */
  to: Status | { among: readonly Status[]; status: Fragment };
  /** What else happened to the order. */
  entries?: readonly Entry[];
  /** What the timeline says about the change, besides the two statuses. Nulls are left out. */
  detail?: Readonly<Record<string, Fragment>>;
  /** An event of the same change that comes before that of the status, and how many there are of it: one or none. */
  before?: { event: OutboxEvent; count: Fragment };
} & (
    | ([Extract<Status, Announced>] extends [never] ? { eventId?: undefined } : { eventId: string })
    /** The order goes back to a status that it had: that is no event. */
    | { restores: true; eventId?: undefined }
  );

/**
 * Changes the status of an order and writes its timeline and its event. No other function does that. An order that fails or
 * is cancelled gives its use of a coupon back.
 *
 * The result belongs after `with` in the caller's statement, so that a transition costs no statement of its own. There,
 * the query `changed` holds the order after the change: `id`, `number`, `customer_id`, `contact`, `version`, `status`, `from_status`,
 * `total`, `currency`, `failure_code`, `compensation_attempts`, `capture_retries`, `correlation_id` and `created_at`; it has no row if no
 * order matched. The database refuses a transition that `transitions` lacks.
 */
export function transition<Status extends OrderStatus>(sql: Db, change: Transition<Status>): Fragment {
  const { from, to, detail = {}, entries = [], before, eventId, at } = change;
  const status = typeof to === 'string' ? sql`${to}` : to.status;
  const more = Object.entries(detail).map(([name, part]) => sql`, ${name}::text, ${part}`);
  const statuses = sql`'from', changed.from_status, 'to', changed.status`;
  const statusChanged: Entry = {
    type: 'status-changed',
    detail:
      more.length === 0
        ? sql`jsonb_build_object(${statuses})`
        : sql`jsonb_strip_nulls(jsonb_build_object(${statuses} ${more}))`,
  };
  const among: readonly OrderStatus[] = typeof to === 'string' ? [to] : to.among;
  const ofStatus = eventId === undefined ? [] : among.filter(isAnnounced).map((each) => eventOf(sql, eventId, each));
  const events = before === undefined ? ofStatus : [before.event, ...ofStatus];
  const versions = before === undefined ? sql`1` : sql`1 + ${before.count}`;
  const returning = sql`, (${from})::text as from_status`;
  return sql`
    ${changed(sql, change, { set: sql`status = ${status},`, versions, returning })},
    ${recorded(sql, [...entries, statusChanged], events, at)}
    ${among.some(isGivenUp) ? couponGivenBack(sql, sql`(select id from changed where status in ('failed', 'cancelled')) ended`) : sql``}`;
}

/**
 * The event of an order's payment, which comes `before` that of its status, under a version of its own.
 * @param of.payment the query that has the payment's `id` and `provider`, if something happened to it
 */
export const paymentEvent = (
  sql: Db,
  definition: typeof paymentAuthorized | typeof paymentCaptured | typeof paymentVoided | typeof paymentRefunded,
  { id, payment }: { id: string; payment: Fragment },
): { event: OutboxEvent; count: Fragment } => ({
  count: sql`(select count(*)::integer from ${payment})`,
  event: {
    ...ofOrder(sql, id, {
      definition,
      data: eventData(sql, definition, {
        paymentId: sql`payment.id`,
        ...idsOf(sql),
        provider: sql`payment.provider`,
        amount: sql`jsonb_build_object('amount', changed.total, 'currency', changed.currency)`,
      }),
    }),
    subject: sql`payment.id`,
    sequence: sql`changed.version - 1`,
    from: sql`changed, ${payment} payment`,
  },
});

/**
 * Writes that something happened to an order whose status stays: its timeline and an event, under a new version. The
 * result belongs after `with`, as that of `transition`.
 */
export const revision = (
  sql: Db,
  change: Change & { entries: readonly Entry[]; events?: readonly OutboxEvent[]; returning?: Fragment },
): Fragment => sql`
    ${changed(sql, change, { set: sql``, versions: sql`1`, returning: change.returning ?? sql`` })},
    ${recorded(sql, change.entries, change.events ?? [], change.at)}`;

/**
 * Writes that what an order says besides its lines changed: its timeline and its event. The result belongs after `with`, as
 * that of `transition`.
 * @param change.changed the list of the fields that changed, as JSON
 * @param change.detail what the timeline says
 */
export const changeOfDetails = (
  sql: Db,
  { changed: list, detail, eventId, ...change }: Change & { changed: Fragment; detail: Fragment; eventId: string },
): Fragment =>
  revision(sql, {
    ...change,
    returning: sql`, o.shipping_address, o.billing_address, o.note, o.metadata`,
    entries: [{ type: 'details-changed', detail }],
    events: [
      {
        ...ofOrder(
          sql,
          eventId,
          announcement(sql, orderUpdated, {
            ...reachableOf(sql),
            changed: list,
            shippingAddress: sql`changed.shipping_address`,
            billingAddress: sql`changed.billing_address`,
            note: sql`changed.note`,
            metadata: sql`coalesce(changed.metadata, '{}')`,
          }),
        ),
        occurrence: sql`changed.version`,
      },
    ],
  });

/**
 * Writes a new order, the first entry of its timeline and its event; its lines are the caller's. The result belongs after
 * `with`, as that of `transition`.
 * @param placing.when the queries that have a row if the order is to be written; one is `numbered`, with its `number`
 * @param placing.missing the query that names the `skus` that are short, or null: with them the order fails as it is placed,
 *   by a second change with an event of this id
 */
export function placement(
  sql: Db,
  order: NewOrder,
  { when, requestId, missing }: { when: Fragment; requestId: string | undefined; missing?: { eventId: string } },
): Fragment {
  const at = new Date(order.createdAt);
  const data: Omit<EventData<typeof orderPlaced>, 'number'> = {
    orderId: order.id,
    placedBy: order.placedBy,
    customerId: order.customerId,
    ...toQuote(order),
    shippingAddress: order.shippingAddress,
    billingAddress: order.billingAddress,
    contact: order.contact,
    note: order.note,
    metadata: order.metadata ?? {},
  };
  const json = (value: object | null) => sql`${value === null ? null : JSON.stringify(value)}::text::jsonb`;
  const price = priceColumns(order);
  const detail = { status: 'pending', total: data.total, requestId };
  const first = beginning(sql, missing);
  const placed = {
    definition: orderPlaced,
    data: sql`${JSON.stringify(data)}::text::jsonb || jsonb_build_object('number', changed.number)`,
  };
  return sql`
    changed as (
      insert into orders.orders (
        id, number, placed_by, application_id, segment, guest_token, customer_id, status, currency, subtotal, discount_amount, discount_reason, coupon_code, shipping_method,
        shipping_amount, shipping_tax, shipping_tax_rate, tax_amount, tax_included, reverse_charge, total, payment_method,
        shipping_address, billing_address, contact, note, metadata, capture_at, correlation_id, created_at, updated_at
        ${first.columns}
      )
      select
        ${order.id}, numbered.number, ${order.placedBy}::text, ${order.applicationId}::text, ${order.segment}, ${order.guestToken}::text, ${order.customerId}::text, ${first.status}, ${order.currency}, ${order.subtotal}::bigint,
        ${price.discountAmount}::bigint, ${price.discountReason}::text, ${price.couponCode}::text,
        ${price.shippingMethod}::text, ${price.shippingAmount}::bigint, ${price.shippingTax}::bigint,
        ${price.shippingTaxRate}::integer, ${price.taxAmount}::bigint, ${price.taxIncluded}::boolean,
        ${price.reverseCharge}::boolean, ${order.total}::bigint, ${order.paymentMethod},
        ${json(order.shippingAddress)}, ${json(order.billingAddress)}, ${json(order.contact)}, ${order.note}::text,
        ${json(order.metadata)}, ${order.captureAt ?? null}::text, ${requestId ?? null}::text, ${at}::timestamptz, ${at}::timestamptz
        ${first.values}
      from ${when}
      returning id, number, customer_id, contact, status, version, failure_code, failure_detail, correlation_id
    ),
    ${recorded(
      sql,
      [{ type: 'order-placed', detail: sql`${JSON.stringify(detail)}::text`, version: sql`1` }, ...first.entries],
      [{ ...ofOrder(sql, order.eventId, placed), sequence: sql`1` }, ...first.events],
      at,
    )}`;
}

/** The parts of a placement by which an order is pending, or has failed where the query `missing` names SKUs that are short. */
function beginning(sql: Db, missing: { eventId: string } | undefined) {
  if (missing === undefined) return { status: sql`'pending'`, columns: sql``, values: sql``, entries: [], events: [] };
  return {
    status: sql`case when missing.skus is null then 'pending' else 'failed' end`,
    columns: sql`, version, failure_code, failure_detail`,
    values: sql`,
        case when missing.skus is null then 1 else 2 end, case when missing.skus is not null then ${outOfStock.code}::text end,
        ${outOfStock.before}::text || missing.skus || ${outOfStock.after}::text`,
    entries: [
      {
        type: 'status-changed',
        detail: sql`case when changed.status = 'failed' then
          jsonb_build_object('from', 'pending', 'to', 'failed', 'reason', changed.failure_code) end`,
      } as const,
    ],
    events: [eventOf(sql, missing.eventId, 'failed')],
  };
}

const changed = (
  sql: Db,
  { set, which, requestId, at }: Change,
  status: { set: Fragment; versions: Fragment; returning: Fragment },
): Fragment => sql`
    changed as (
      update orders.orders o
      ${set === undefined ? sql`set` : sql`${set},`}
        ${status.set} ${requestId === undefined ? sql`` : sql`correlation_id = ${requestId},`}
        version = o.version + ${status.versions}, updated_at = ${at}
      ${which}
      returning o.id, o.number, o.customer_id, o.contact, o.version, o.status, o.total, o.currency, o.failure_code,
        o.compensation_attempts, o.capture_retries, o.correlation_id, o.created_at ${status.returning}
    )`;

const isGivenUp = (status: OrderStatus): boolean => status === 'failed' || status === 'cancelled';

const recorded = (sql: Db, entries: readonly Entry[], events: readonly OutboxEvent[], at: Date): Fragment => sql`
    noted as (
      insert into orders.timeline (order_id, version, entry, type, detail, at)
      select changed.id, entry.version, entry.number, entry.type, entry.detail, ${at}::timestamptz
      from changed, lateral (values ${entries.map(
        ({ type, detail, version = sql`changed.version` }, index) =>
          sql`${index === 0 ? sql`` : sql`,`} (${index + 1}::smallint, ${version}, (${type})::text, (${detail})::jsonb)`,
      )}) as entry (number, version, type, detail)
      where entry.detail is not null
    )${events.length === 0 ? sql`` : sql`, published as (${insertEvents(sql, events, at)})`}`;
