import type { Sql } from 'postgres';
import type { Clock, Stopwatch } from '../../kernel/clock.ts';
import { makeToken } from '../customers/email-tokens.sql.ts';
import { type Mailer, MailRefused } from './mailer.ts';
import { claimMails, type DueMail, giveUpMail, giveUpMails, markSent } from './outbox.sql.ts';
import { tokenPlace } from './texts.ts';

export type SendDeps = {
  sql: Sql;
  /** Undefined when no sender is configured. */
  mailer: Mailer | undefined;
  clock: Clock;
  stopwatch: Stopwatch;
  /** Seconds after which no more mails are claimed. */
  budgetSeconds: number;
  onSent?: (mail: Pick<DueMail, 'id' | 'kind' | 'correlationId'>) => void;
  onError: (mail: Pick<DueMail, 'id' | 'kind' | 'attempts' | 'correlationId'>, error: unknown) => void;
};

const batchSize = 10;

/** The text with its token, which is made now; undefined when the customer needs the token no more. */
async function textOf({ text, token }: DueMail, { sql, clock }: Pick<SendDeps, 'sql' | 'clock'>) {
  if (token === undefined) return text;
  const made = await makeToken(sql, token, clock);
  return made === undefined ? undefined : text.replace(tokenPlace, made);
}

export type MailCounts = { sent: number; failed: number; refused: number; givenUp: number; dropped: number };

/**
 * Sends the mails that are due, each at least once, and gives up those that could not be sent for a day. A token is made
 * when its mail is sent, so that no stored text ever holds one. Without a sender it drops all mails that are due.
 */
export async function sendMails(deps: SendDeps): Promise<MailCounts> {
  const { sql, mailer, clock, stopwatch, budgetSeconds } = deps;
  const counts: MailCounts = { sent: 0, failed: 0, refused: 0, givenUp: 0, dropped: 0 };
  if (mailer === undefined) return { ...counts, dropped: await giveUpMails(sql, clock, { all: true }) };
  counts.givenUp = await giveUpMails(sql, clock);
  const until = stopwatch.elapsed() + budgetSeconds * 1000;
  while (stopwatch.elapsed() < until) {
    const mails = await claimMails(sql, batchSize, clock);
    if (mails.length === 0) break;
    const byRecipient = [...Map.groupBy(mails, ({ to }) => to).values()];
    const outcomes = await Promise.all(byRecipient.map((each) => sendInTurn(deps, mailer, each)));
    for (const outcome of outcomes.flat()) counts[outcome] += 1;
  }
  return counts;
}

/**
 * Sends the mails to one recipient, oldest first. Each token that is made voids the one before it, so the mail that arrives
 * last has to be the one whose token was made last.
 */
async function sendInTurn(deps: SendDeps, mailer: Mailer, mails: readonly DueMail[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const mail of mails.toSorted((a, b) => (a.id < b.id ? -1 : 1))) outcomes.push(await sendOne(deps, mailer, mail));
  return outcomes;
}

type Outcome = 'sent' | 'failed' | 'refused' | 'dropped';

async function sendOne({ sql, clock, onSent, onError }: SendDeps, mailer: Mailer, mail: DueMail): Promise<Outcome> {
  const { id, kind, attempts, to, subject, correlationId, attachment } = mail;
  try {
    const text = await textOf(mail, { sql, clock });
    if (text === undefined) {
      await giveUpMail(sql, id, clock);
      return 'dropped';
    }
    await mailer.send({
      to,
      subject,
      text,
      ...(correlationId === null ? {} : { correlationId }),
      ...(attachment === undefined ? {} : { attachment }),
    });
  } catch (error) {
    onError({ id, kind, attempts, correlationId }, error);
    if (!(error instanceof MailRefused)) return 'failed';
    await giveUpMail(sql, id, clock);
    return 'refused';
  }
  await markSent(sql, id, clock);
  onSent?.({ id, kind, correlationId });
  return 'sent';
}
