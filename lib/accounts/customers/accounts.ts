import type { TransactionSql } from 'postgres';
import type { Clock } from '../../kernel/clock.ts';
import { mayMail, writeMail } from '../mail/outbox.sql.ts';
import { type MailKind, mailOf } from '../mail/texts.ts';
import { enrol, findByEmail } from './accounts.sql.ts';
import { giveToken } from './email-tokens.sql.ts';
import { mintEmailToken } from './email-tokens.ts';

/*
 * What anybody may ask for without saying who they are. Whether a customer has the e-mail shows in nothing: the answer is
 * the same, and so are the statements, of which each writes or leaves its row by its parameters. Only mails tell.
 */

export type AccountRules = {
  clock: Clock;
  /** Whether an e-mail must be confirmed before its customer can sign in. */
  mustConfirm: boolean;
  /** Pages of the shop that links in mails lead to. */
  pagesUrl: string | undefined;
};

/** Signs up whoever has no account yet; the owner of the e-mail gets a mail either way. */
export async function signUp(
  tx: TransactionSql,
  person: { email: string; name: string; passwordHash: string },
  rules: AccountRules,
): Promise<void> {
  const { clock, mustConfirm } = rules;
  const { email } = person;
  const may = await mayMail(tx, email, clock);
  // Nobody has proved yet that an account is theirs that cannot be used yet: its newest sign-up stands.
  const { id, isNew } = await enrol(tx, { ...person, anew: mustConfirm && may }, clock);
  const kind = isNew ? 'confirm' : 'sign-up-again';
  await tell(tx, { kind, to: email, customerId: id, may, token: isNew ? 'confirm' : undefined }, rules);
}

/** Mails a token to reset the password by, to whoever has an account. */
export async function askForReset(tx: TransactionSql, email: string, rules: AccountRules): Promise<void> {
  const may = await mayMail(tx, email, rules.clock);
  const id = await findByEmail(tx, email);
  const known = id !== undefined;
  const kind = known ? 'reset' : 'nobody';
  await tell(tx, { kind, to: email, customerId: id, may, token: known ? 'reset' : undefined }, rules);
}

/** Mails a token to the e-mail that a customer wants, and a notice to the one that they have. */
export async function askForEmail(
  tx: TransactionSql,
  customer: { id: string; email: string },
  wanted: string,
  rules: AccountRules,
): Promise<void> {
  const [may, mayTell] = [await mayMail(tx, wanted, rules.clock), await mayMail(tx, customer.email, rules.clock)];
  const free = (await findByEmail(tx, wanted)) === undefined;
  const kind = free ? 'change' : 'change-taken';
  await tell(tx, { kind, to: wanted, customerId: customer.id, may, token: free ? 'change' : undefined }, rules);
  await tell(tx, { kind: 'change-asked', to: customer.email, customerId: customer.id, may: mayTell }, rules);
}

type Told = {
  kind: MailKind;
  to: string;
  customerId: string | undefined;
  /** Whether the address may get another mail in this hour. */
  may: boolean;
  token?: 'confirm' | 'reset' | 'change' | undefined;
};

/** Nobody's token is written by the same statement as anybody's: to no row. */
async function tell(tx: TransactionSql, { kind, to, customerId = '', may, token: purpose }: Told, rules: AccountRules) {
  const { token, hash } = mintEmailToken();
  await giveToken(
    tx,
    {
      customerId,
      purpose: purpose ?? 'confirm',
      hash,
      ...(purpose === 'change' ? { email: to } : {}),
      when: may && purpose !== undefined,
    },
    rules.clock,
  );
  if (!may) return;
  await writeMail(tx, { kind, to, ...mailOf(kind, { token, pagesUrl: rules.pagesUrl }) }, rules.clock);
}
