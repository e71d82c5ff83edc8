import type { Sql } from 'postgres';
import type { EventOf } from '../../contract/events/define-event.ts';
import {
  orderCancelled,
  orderConfirmed,
  orderFailed,
  orderShipped,
  orderUnitsCancelled,
  refundSucceeded,
} from '../../contract/events/domain-events.ts';
import type { Clock } from '../../kernel/clock.ts';
import { type OrderNews, orderMailOf } from './order-texts.ts';
import type { OrderMailKind } from './texts.ts';

/** The events that a customer gets a mail about. */
export type NewsEvent = EventOf<
  | typeof orderConfirmed
  | typeof orderFailed
  | typeof orderCancelled
  | typeof orderShipped
  | typeof orderUnitsCancelled
  | typeof refundSucceeded
>;

const keptDays = 30;

/**
 * Writes the mail about what happened to a customer's order, once, however often and in whichever order events come. Nothing
 * is asked of the order or of the account: the event says what happened, and the events of customers where to write to; of a
 * guest's order, its contact. A customer who has erased their account gets none.
 * @returns whether a mail was written
 * @throws CustomerNotKnownYet while the event of the customer is still on its way
 */
export async function writeOrderMail(sql: Sql, event: NewsEvent, clock: Clock): Promise<boolean> {
  const { kind, news } = newsOf(event);
  const { subject, text } = orderMailOf(kind, news);
  const now = new Date(clock.now());
  // The mail's id is the event's, so that the same event never makes a second one.
  const [row] = await sql<[{ known: boolean; written: boolean }]>`
    with customer as (
      ${
        event.data.customerId === null
          ? sql`select ${event.data.contact?.email ?? null}::text as email`
          : sql`select email from read_models.customers where customer_id = ${event.data.customerId}`
      }
    ),
    written as (
      insert into customers.mails (
        id, kind, recipient, correlation_id, subject, body, created_at, next_attempt_at, keep_until
      )
      select ${event.id.replace(/^evt_/, 'eml_')}, ${kind}, email, ${event.correlationId}::text, ${subject}, ${text}, ${now}::timestamptz,
        ${now}::timestamptz, ${now}::timestamptz + ${keptDays} * interval '1 day'
      from customer where email is not null
      on conflict (id) do nothing
      returning id
    )
    select exists (select from customer) as known, exists (select from written) as written`;
  if (!row.known) throw new CustomerNotKnownYet(`no event of customer ${event.data.customerId} has come yet`);
  return row.written;
}

/** A mail has to wait for the event that says where to send it: the bus brings events in any order. */
export class CustomerNotKnownYet extends Error {
  override readonly name = 'CustomerNotKnownYet';
}

function newsOf(event: NewsEvent): { kind: OrderMailKind; news: OrderNews } {
  const { number } = event.data;
  switch (event.type) {
    case orderConfirmed.type:
      return { kind: 'order-confirmed', news: { number, amount: event.data.total } };
    case orderFailed.type:
      return { kind: 'order-failed', news: { number, reason: event.data.reason } };
    case orderCancelled.type:
      return { kind: 'order-cancelled', news: { number } };
    case orderShipped.type: {
      const { carrier, trackingNumber, trackingUrl } = event.data;
      return { kind: 'order-shipped', news: { number, parcel: { carrier, trackingNumber, trackingUrl } } };
    }
    case orderUnitsCancelled.type:
      return { kind: 'units-cancelled', news: { number, amount: event.data.amount } };
    case refundSucceeded.type:
      return { kind: 'order-refunded', news: { number, amount: event.data.amount } };
  }
}
