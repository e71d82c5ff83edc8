import type { Sql, TransactionSql } from 'postgres';
import type { Clock } from '../../kernel/clock.ts';
import { newId } from '../../kernel/ids.ts';
import type { MailKind } from './texts.ts';

export type OutgoingMail = { kind: MailKind; to: string; subject: string; text: string };

/** How many mails an hour can be requested for one address. */
export const mailsAnHour = 5;

/** Whether another mail may be requested for an address now. */
export async function mayMail(tx: TransactionSql, to: string, clock: Clock): Promise<boolean> {
  const since = new Date(clock.now() - 3600_000);
  const [row] = await tx<{ sent: number }[]>`
    select count(*)::integer as sent from customers.mails where recipient = ${to} and created_at > ${since}`;
  return row!.sent < mailsAnHour;
}

/**
 * Writes a mail to the outbox; it is sent after this transaction is committed. A mail of the kind `nobody` is never
 * sent: writing it makes a request for an unknown address cost as much as one for a customer's.
 */
export async function writeMail(
  tx: TransactionSql,
  { kind, to, subject, text }: OutgoingMail,
  clock: Clock,
): Promise<void> {
  const now = new Date(clock.now());
  const toSend = kind !== 'nobody';
  await tx`
    insert into customers.mails (id, kind, recipient, subject, body, created_at, next_attempt_at, sent_at)
    values (
      ${newId('mail', clock)}, ${kind}, ${to}, ${toSend ? subject : null}, ${toSend ? text : null}, ${now}, ${now},
      ${toSend ? null : now}
    )`;
}

export type DueMail = OutgoingMail & { id: string; attempts: number };

/** A mail that could not be sent for this long is given up. */
const giveUpAfterMs = 24 * 3600_000;

/**
 * Claims mails that are due, the longest waiting first. Concurrent callers get different ones. A mail that is not
 * marked as sent is due again after 1 minute, then 2, 4 and so on, up to an hour.
 */
export async function claimMails(sql: Sql, limit: number, clock: Clock): Promise<DueMail[]> {
  const now = new Date(clock.now());
  const rows = await sql<(Omit<DueMail, 'to' | 'text'> & { recipient: string; body: string })[]>`
    update customers.mails m set
      attempts = attempts + 1,
      next_attempt_at = ${now}::timestamptz + least(interval '1 hour', interval '1 minute' * pg_catalog.power(2, attempts))
    from (
      select id from customers.mails
      where body is not null and next_attempt_at <= ${now}
      order by next_attempt_at limit ${limit}
      for update skip locked
    ) due
    where m.id = due.id
    returning m.id, m.kind, m.recipient, m.subject, m.body, m.attempts`;
  return rows.map(({ recipient, body, ...row }) => ({ ...row, to: recipient, text: body }));
}

/** Marks a mail as sent and deletes its text. */
export async function markSent(sql: Sql, id: string, clock: Clock): Promise<void> {
  await sql`
    update customers.mails set sent_at = ${new Date(clock.now())}, subject = null, body = null
    where id = ${id} and body is not null`;
}

/** Gives up a mail: it is never sent, and its text is deleted. */
export async function giveUpMail(sql: Sql, id: string, clock: Clock): Promise<void> {
  await sql`
    update customers.mails set given_up_at = ${new Date(clock.now())}, subject = null, body = null
    where id = ${id} and body is not null`;
}

/** Gives up mails that are due and at least a day old, or with `all` every mail that is due. @returns how many */
export async function giveUpMails(sql: Sql, clock: Clock, { all = false } = {}): Promise<number> {
  const now = clock.now();
  const { count } = await sql`
    update customers.mails set given_up_at = ${new Date(now)}, subject = null, body = null
    where body is not null and next_attempt_at <= ${new Date(now)}
      and created_at <= ${new Date(all ? now : now - giveUpAfterMs)}`;
  return count;
}

/** Deletes the records of mails that were written before a time. @returns how many */
export async function purgeMails(sql: Sql, before: Date): Promise<number> {
  const { count } = await sql`delete from customers.mails where created_at <= ${before}`;
  return count;
}
