import type { Sql, TransactionSql } from 'postgres';
import type { Clock } from '../../kernel/clock.ts';
import { correlationId } from '../../kernel/correlation.ts';
import { newId } from '../../kernel/ids.ts';
import type { Attachment } from './mailer.ts';
import type { MailKind, TokenKind } from './texts.ts';

export type OutgoingMail = {
  kind: MailKind;
  to: string;
  subject: string;
  text: string;
  /** The network that asked for it, if somebody did. */
  network?: string;
  /** The token that takes its place in the text when the mail is sent. */
  token?: { customerId: string; purpose: TokenKind } | undefined;
  attachment?: Attachment | undefined;
};

const day = 24 * 3600_000;
/** How long the record of a mail, without its text, is kept. */
const keptMs = 30 * day;

/** How many mails of one budget an hour can be requested for one address. */
export const mailsAnHour = 5;

/** The kinds that share a budget. Somebody who uses up one of them leaves the others. */
const budgets = {
  confirm: ['confirm', 'sign-up-again'],
  reset: ['reset', 'nobody'],
  change: ['change', 'change-taken'],
  'change-asked': ['change-asked'],
} as const satisfies Record<string, readonly MailKind[]>;

/**
 * Whether another mail of a budget may be requested for an address now. One network's requests for `x+a@…` and `x+b@…`
 * count together, because one mailbox gets them all. Concurrent requests for a mailbox wait for each other, until their
 * transactions end, so that the count is exact.
 */
export async function mayMail(
  tx: TransactionSql,
  { to, network, of }: { to: string; network: string; of: keyof typeof budgets },
  clock: Clock,
): Promise<boolean> {
  const mailbox = mailboxOf(to);
  await tx`select pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended(${`mail ${of} ${mailbox}`}, 0))`;
  const since = new Date(clock.now() - 3600_000);
  const [row] = await tx<{ own: number; near: number }[]>`
    select count(*) filter (where recipient = ${to})::integer as own,
      count(*) filter (where network = ${network})::integer as near
    from customers.mails
    where mailbox = ${mailbox} and kind = any(string_to_array(${budgets[of].join(',')}, ',')) and created_at > ${since}`;
  return Math.max(row!.own, row!.near) < mailsAnHour;
}

/** An address without its sub-address, as the column has it: `x+tag@example.com` → `x@example.com`. */
export const mailboxOf = (address: string): string => address.replace(/\+[^@]*(?=@)/, '');

/**
 * Writes a mail to the outbox; it is sent after this transaction is committed. A mail of the kind `nobody` is never
 * sent: writing it makes a request for an unknown address cost as much as one for a customer's.
 */
export async function writeMail(
  tx: TransactionSql,
  { kind, to, subject, text, network, token, attachment }: OutgoingMail,
  clock: Clock,
  keepMs: number = keptMs,
): Promise<void> {
  const now = new Date(clock.now());
  const toSend = kind !== 'nobody';
  await tx`
    insert into customers.mails (
      id, kind, recipient, network, correlation_id, token_customer_id, token_purpose, subject, body, attachment_name, attachment,
      created_at, next_attempt_at, sent_at, keep_until
    )
    values (
      ${newId('mail', clock)}, ${kind}, ${to}, ${network ?? null}, ${correlationId() ?? null}, ${token?.customerId ?? null},
      ${token?.purpose ?? null}, ${toSend ? subject : null}, ${toSend ? text : null},
      ${attachment?.name ?? null}, ${attachment?.text ?? null}, ${now}, ${now},
      ${toSend ? null : now}, ${new Date(now.getTime() + keepMs)}
    )`;
}

/**
 * Mails a customer that something about their account has changed. Of one kind they get five an hour at most: whoever
 * is at it has been told on by then, and the customer is not flooded.
 */
export async function writeNotice(
  tx: TransactionSql,
  notice: OutgoingMail,
  clock: Clock,
  keepMs?: number,
): Promise<void> {
  const { kind, to } = notice;
  await tx`select pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended(${`mail ${kind} ${to}`}, 0))`;
  const [row] = await tx<[{ sent: number }]>`
    select count(*)::integer as sent from customers.mails
    where mailbox = ${mailboxOf(to)} and recipient = ${to} and kind = ${kind}
      and created_at > ${new Date(clock.now() - 3600_000)}`;
  if (row.sent < mailsAnHour) await writeMail(tx, notice, clock, keepMs);
}

export type DueMail = OutgoingMail & { id: string; attempts: number; correlationId: string | null };

/** A mail that could not be sent for this long is given up. */
const giveUpAfterMs = day;

/**
 * Claims mails that are due: password resets first, then the longest waiting. Concurrent callers get different ones. A mail that is not
 * marked as sent is due again after 1 minute, then 2, 4 and so on, up to an hour.
 */
export async function claimMails(sql: Sql, limit: number, clock: Clock): Promise<DueMail[]> {
  const now = new Date(clock.now());
  const rows = await sql<Row[]>`
    update customers.mails m set
      attempts = attempts + 1,
      next_attempt_at = ${now}::timestamptz + least(interval '1 hour', interval '1 minute' * pg_catalog.power(2, attempts))
    from (
      select id from customers.mails
      where body is not null and next_attempt_at <= ${now}
      order by kind <> 'reset', next_attempt_at limit ${limit}
      for update skip locked
    ) due
    where m.id = due.id
    returning m.id, m.kind, m.recipient, m.subject, m.body, m.attempts, m.correlation_id, m.token_customer_id,
      m.token_purpose, m.attachment_name, m.attachment`;
  return rows.map(({ recipient, body, tokenCustomerId, tokenPurpose, attachmentName, attachment, ...row }) => ({
    ...row,
    to: recipient,
    text: body,
    attachment: attachmentName === null ? undefined : { name: attachmentName, text: attachment },
    token: tokenCustomerId === null ? undefined : { customerId: tokenCustomerId, purpose: tokenPurpose },
  }));
}

type Row = Omit<DueMail, 'to' | 'text' | 'network' | 'token' | 'attachment'> & { recipient: string; body: string } & (
    | { tokenCustomerId: string; tokenPurpose: TokenKind }
    | { tokenCustomerId: null; tokenPurpose: null }
  ) &
  ({ attachmentName: string; attachment: string } | { attachmentName: null; attachment: null });

/** The age of the oldest mail that is not sent yet, in whole seconds; 0 when there is none. */
export async function oldestUnsent(sql: Sql, clock: Clock): Promise<number> {
  const [row] = await sql<
    [{ since: Date | null }]
  >`select min(created_at) as since from customers.mails where body is not null`;
  return row.since === null ? 0 : Math.max(0, Math.floor((clock.now() - row.since.getTime()) / 1000));
}

/** Marks a mail as sent and deletes its text. */
export async function markSent(sql: Sql, id: string, clock: Clock): Promise<void> {
  await sql`
    update customers.mails set sent_at = ${new Date(clock.now())}, subject = null, body = null,
      attachment_name = null, attachment = null
    where id = ${id} and body is not null`;
}

/** Gives up a mail: it is never sent, and its text is deleted. */
export async function giveUpMail(sql: Sql, id: string, clock: Clock): Promise<void> {
  await sql`
    update customers.mails set given_up_at = ${new Date(clock.now())}, subject = null, body = null,
      attachment_name = null, attachment = null
    where id = ${id} and body is not null`;
}

/** Gives up mails that are due and at least a day old, or with `all` every mail that is due. @returns how many */
export async function giveUpMails(sql: Sql, clock: Clock, { all = false } = {}): Promise<number> {
  const now = clock.now();
  const { count } = await sql`
    update customers.mails set given_up_at = ${new Date(now)}, subject = null, body = null,
      attachment_name = null, attachment = null
    where body is not null and next_attempt_at <= ${new Date(now)}
      and created_at <= ${new Date(all ? now : now - giveUpAfterMs)}`;
  return count;
}

/**
 * Stops the mails to an address that are not sent yet, and lets the records of all of them go within the hour. They
 * count against the address until then: erasing an account must not make its budget new.
 * @param kinds the mails that are meant; all by default
 */
export async function forgetMails(
  tx: TransactionSql,
  { to, kinds }: { to: string; kinds?: readonly MailKind[] },
  clock: Clock,
): Promise<void> {
  const now = new Date(clock.now());
  await tx`
    update customers.mails set
      subject = null, body = null, attachment_name = null, attachment = null,
      given_up_at = case when sent_at is null then coalesce(given_up_at, ${now}) else given_up_at end,
      keep_until = greatest(created_at, ${now}::timestamptz) + interval '1 hour'
    where mailbox = ${mailboxOf(to)} and recipient = ${to}
      ${kinds === undefined ? tx`` : tx`and kind = any(string_to_array(${kinds.join(',')}, ','))`}`;
}

/** Deletes about `limit` records of mails that are kept no longer, the oldest first. @returns how many */
export async function purgeMails(sql: Sql, { now, limit }: { now: Date; limit: number }): Promise<number> {
  const { count } = await sql`
    delete from customers.mails
    where keep_until <= least(${now}, (select keep_until from customers.mails order by keep_until offset ${limit - 1} limit 1))`;
  return count;
}
