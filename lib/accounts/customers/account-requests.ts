import type { TransactionSql } from 'postgres';
import type { Clock } from '../../kernel/clock.ts';
import { mayMail, writeMail } from '../mail/outbox.sql.ts';
import { type AccountMailKind, mailOf, type TokenKind, tokenPlace } from '../mail/texts.ts';
import { enrol, findByEmail } from './accounts.sql.ts';
import { giveToken } from './email-tokens.sql.ts';

/*
 * Requests about an account that send a mail. Anybody may make the first two. Neither the answer nor its timing shows
 * whether an e-mail address has an account: every case runs the same statements, and parameters decide whether they
 * write a row. Only the mail tells.
 */

export type AccountRules = {
  clock: Clock;
  /** Whether customers must confirm their e-mail address before they can sign in. */
  mustConfirm: boolean;
  /** Base URL of the shop's account pages, which the links in mails point to. */
  pagesUrl: string | undefined;
};

/**
 * Signs up a customer, unless the e-mail address has an account. Its owner gets a mail either way.
 * @returns the id of the address's customer
 */
export async function signUp(
  tx: TransactionSql,
  { network, ...person }: { email: string; name: string; passwordHash: string; network: string },
  rules: AccountRules,
): Promise<string> {
  const { clock, mustConfirm } = rules;
  const { email } = person;
  const allowed = await mayMail(tx, { to: email, network, of: 'confirm' }, clock);
  // Nobody has proved yet that an unconfirmed account is theirs. Its name is that of the latest sign-up.
  const { id, isNew } = await enrol(tx, { ...person, replace: mustConfirm && allowed }, clock);
  const kind = isNew ? 'confirm' : 'sign-up-again';
  await sendMail(
    tx,
    { kind, to: email, network, customerId: id, allowed, token: isNew ? 'confirm' : undefined },
    rules,
  );
  return id;
}

/**
 * Mails a token to reset the password, if the e-mail address has an account.
 * @returns the id of the address's customer, if there is one
 */
export async function requestPasswordReset(
  tx: TransactionSql,
  { email, network }: { email: string; network: string },
  rules: AccountRules,
): Promise<string | undefined> {
  const allowed = await mayMail(tx, { to: email, network, of: 'reset' }, rules.clock);
  const customerId = await findByEmail(tx, email);
  const exists = customerId !== undefined;
  const kind = exists ? 'reset' : 'nobody';
  await sendMail(tx, { kind, to: email, network, customerId, allowed, token: exists ? 'reset' : undefined }, rules);
  return customerId;
}

/** Mails a token to the e-mail address that a customer wants to change to, and a notice to their current one. */
export async function requestEmailChange(
  tx: TransactionSql,
  customer: { id: string; email: string },
  { email: newEmail, network }: { email: string; network: string },
  rules: AccountRules,
): Promise<void> {
  const allowed = await mayMail(tx, { to: newEmail, network, of: 'change' }, rules.clock);
  const noticeAllowed = await mayMail(tx, { to: customer.email, network, of: 'change-asked' }, rules.clock);
  const free = (await findByEmail(tx, newEmail)) === undefined;
  const request = { to: newEmail, network, customerId: customer.id, allowed };
  await sendMail(
    tx,
    free ? { ...request, kind: 'change', token: 'change' } : { ...request, kind: 'change-taken' },
    rules,
  );
  const notice = { to: customer.email, network, customerId: customer.id, allowed: noticeAllowed };
  await sendMail(tx, { ...notice, kind: 'change-asked' }, rules);
}

type RequestedMail = {
  kind: AccountMailKind;
  to: string;
  /** The network that asked for it. */
  network: string;
  customerId: string | undefined;
  /** Whether the address may get another mail in this hour. */
  allowed: boolean;
  /** The purpose of the token in the mail, if it has one. */
  token?: TokenKind | undefined;
};

/**
 * Writes a mail, and the token in it. The statement that writes the token runs in every case. Without a token, or when
 * the address may not get another mail, its condition is false and it writes no row.
 */
async function sendMail(
  tx: TransactionSql,
  { kind, to, network, customerId = '', allowed, token: purpose }: RequestedMail,
  { clock, pagesUrl }: AccountRules,
): Promise<void> {
  await giveToken(
    tx,
    {
      customerId,
      purpose: purpose ?? 'confirm',
      ...(purpose === 'change' ? { email: to } : {}),
      when: allowed && purpose !== undefined,
    },
    clock,
  );
  if (!allowed) return;
  const token = purpose === undefined ? undefined : { customerId, purpose };
  await writeMail(tx, { kind, to, network, token, ...mailOf(kind, { token: tokenPlace, pagesUrl }) }, clock);
}
