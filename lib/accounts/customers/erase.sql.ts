import type { Sql, TransactionSql } from 'postgres';
import { Problem } from '../../contract/api/problems.ts';
import { personalFieldsOf } from '../../contract/events/define-event.ts';
import { customerCreated, customerErased, customerUpdated } from '../../contract/events/domain-events.ts';
import { eventData, insertEvents } from '../../events/outbox.sql.ts';
import type { Clock } from '../../kernel/clock.ts';
import { forgetMails } from '../mail/outbox.sql.ts';
import { forgetFeedEntries } from './feeds.sql.ts';

/**
 * Locks a customer until the transaction ends, so that neither identities nor orders are added meanwhile.
 * @returns their e-mail address, and how many of their orders have not ended
 * @throws Problem not-found
 */
export async function lockForErasure(
  tx: TransactionSql,
  id: string,
): Promise<{ email: string; ordersUnderWay: number }> {
  const [customer] = await tx<{ email: string }[]>`
    select email from customers.customers where id = ${id} and erased_at is null for update`;
  if (customer === undefined) throw new Problem('not-found', 'This customer does not exist.');
  const [orders] = await tx<[{ count: number }]>`
    select count(*)::integer as count from orders.under_way where customer_id = ${id}`;
  return { email: customer.email, ordersUnderWay: orders.count };
}

/**
 * Deletes the tokens and addresses of a customer, what feeds said of them, the stored answers that show them, what their orders say of persons, and within the hour
 * the mails to them.
 */
export async function deletePersonalRecords(
  tx: TransactionSql,
  { id, email }: { id: string; email: string },
  clock: Clock,
): Promise<void> {
  const caller = `customer:${id}`;
  await forgetMails(tx, { to: email }, clock);
  const wanted = await tx<{ email: string | null }[]>`
    delete from customers.email_tokens where customer_id = ${id} returning email`;
  for (const { email: to } of wanted) if (to !== null) await forgetMails(tx, { to, kinds: ['change'] }, clock);
  await tx`delete from customers.idempotency_keys where caller = ${caller}`;
  await tx`delete from customers.idempotency_keys where operation = 'sign-up' and body = ${JSON.stringify({ email })}`;
  await tx`delete from orders.idempotency_keys where caller = ${caller}`;
  await tx`delete from customers.addresses where customer_id = ${id}`;
  await forgetFeedEntries(tx, id);
  await tx`select orders.forget_customer(${id})`;
}

/** Empties the row of a customer and the personal fields of their events, and writes the event of it. Nobody gets in any more. */
export async function emptyCustomer(
  tx: TransactionSql,
  { id, eventId, requestId }: { id: string; eventId: string; requestId: string },
  clock: Clock,
): Promise<void> {
  const now = new Date(clock.now());
  const forgotten = Object.fromEntries(personalFieldsOf(customerUpdated).map((name) => [name, null]));
  for (const events of [tx`outbox.events`, tx`archive.events`]) {
    await tx`
      update ${events} set data = data || ${JSON.stringify(forgotten)}::text::jsonb
      where aggregate_id = ${id} and type in (${customerCreated.type}, ${customerUpdated.type})`;
  }
  await tx`
    with erased as (
      update customers.customers set
        email = null, name = null, address = null, password_hash = null, confirmed_at = null, premium = false,
        verified_vat_number = null, suspended_at = null, access_version = access_version + 1, tokens_not_before = ${now}, erased_at = ${now},
        updated_at = ${now}, version = version + 1
      where id = ${id} returning id, version
    )
    ${insertEvents(
      tx,
      [
        {
          id: eventId,
          definition: customerErased,
          subject: tx`erased.id`,
          aggregateId: tx`erased.id`,
          sequence: tx`erased.version`,
          correlationId: tx`${requestId}::text`,
          data: eventData(tx, customerErased, { customerId: tx`erased.id` }),
          from: tx`erased`,
        },
      ],
      now,
    )}`;
}

/** Where a page of customers ends: the next begins after it. A time as text, since a Date would lose microseconds. */
export type UnconfirmedEnd = { at: string; id: string };

/**
 * Goes through the next `limit` customers who have never confirmed their e-mail address, and deletes those who can no longer
 * do so: the last sign-up was before `signedUpBefore`.
 * @returns how many it deleted, and where to go on; null at the end
 */
export async function dropUnconfirmed(
  sql: Sql,
  {
    signedUpBefore,
    now,
    after,
    limit,
  }: { signedUpBefore: Date; now: Date; after: UnconfirmedEnd | undefined; limit: number },
): Promise<{ rows: number; next: UnconfirmedEnd | null }> {
  const { at, id } = after ?? { at: '-infinity', id: '' };
  const [row] = await sql<[{ dropped: number; at: string | null; id: string | null }]>`
    select dropped, reached::text as at, reached_id as id
    from customers.drop_unconfirmed(${at}::text::timestamptz, ${id}::text, ${signedUpBefore}::timestamptz, ${now}::timestamptz,
      ${limit}::integer)`;
  return { rows: row.dropped, next: row.at === null || row.id === null ? null : { at: row.at, id: row.id } };
}
