import type { Sql, TransactionSql } from 'postgres';
import { endAllSessions } from '../../auth/sessions/own-sessions.dynamo.ts';
import type { Session, SessionStore } from '../../auth/sessions/sessions.dynamo.ts';
import { inTransaction } from '../../database/transaction.sql.ts';
import type { Clock } from '../../kernel/clock.ts';
import { writeMail } from '../mail/outbox.sql.ts';
import { type MailKind, mailOf } from '../mail/texts.ts';
import { confirmCustomer, setEmail, setPassword } from './accounts.sql.ts';
import { useToken, voidTokens } from './email-tokens.sql.ts';
import { hashOf } from './email-tokens.ts';

export type AccountDeps = {
  sql: () => Sql;
  clock: Clock;
  sessions: SessionStore;
  /** Sessions that were opened while the change was stored may be left, and DynamoDB does not answer. */
  onLeft: (error: unknown) => void;
};

/**
 * The e-mail that a token was mailed to is its customer's.
 * @throws Problem token-invalid
 */
export const confirmEmail = ({ sql, clock }: Pick<AccountDeps, 'sql' | 'clock'>, token: string): Promise<void> =>
  inTransaction(sql(), async (tx) => {
    const { customerId } = await useToken(tx, { purpose: 'confirm', hash: hashOf(token) }, clock);
    await confirmCustomer(tx, customerId, clock);
  });

/**
 * Gives whoever has a token another password and ends their sessions. @returns their e-mail
 * @throws Problem token-invalid; DependencyUnavailable, which leaves the token as good as before
 */
export function resetPassword(
  deps: AccountDeps,
  { token, passwordHash }: { token: string; passwordHash: string },
): Promise<string> {
  return signingOut(deps, undefined, async (tx) => {
    const { customerId: id } = await useToken(tx, { purpose: 'reset', hash: hashOf(token) }, deps.clock);
    await confirmCustomer(tx, id, deps.clock);
    const email = await setPassword(tx, { id, passwordHash });
    return { id, result: email, tell: { kind: 'password-changed', to: email } };
  });
}

/**
 * Gives a signed-in customer another password and ends their other sessions.
 * @throws DependencyUnavailable, which changes nothing
 */
export function changePassword(deps: AccountDeps, session: Session, passwordHash: string): Promise<void> {
  return signingOut(deps, session, async (tx) => {
    const to = await setPassword(tx, { id: session.customerId, passwordHash });
    return { id: session.customerId, result: undefined, tell: { kind: 'password-changed', to } };
  });
}

/**
 * Gives whoever has a token the e-mail that it was mailed to, and ends their sessions.
 * @throws Problem token-invalid; DependencyUnavailable, which leaves the token as good as before
 */
export function changeEmail(deps: AccountDeps, token: string): Promise<void> {
  return signingOut(deps, undefined, async (tx) => {
    const { customerId: id, email } = await useToken(tx, { purpose: 'change', hash: hashOf(token) }, deps.clock);
    const to = await setEmail(tx, { id, email: email! }, deps.clock);
    return { id, result: undefined, tell: { kind: 'email-changed', to } };
  });
}

type Changed<R> = { id: string; result: R; tell: { kind: MailKind; to: string } };

/**
 * Stores a change that whoever else is signed in must not outlive. Sessions end before it is stored, so that it is not
 * when they cannot be, and once more afterwards for one that was opened meanwhile.
 */
async function signingOut<R>(
  { sql, clock, sessions, onLeft }: AccountDeps,
  spared: Session | undefined,
  change: (tx: TransactionSql) => Promise<Changed<R>>,
): Promise<R> {
  const { id, result } = await inTransaction(sql(), async (tx) => {
    const changed = await change(tx);
    await voidTokens(tx, changed.id, clock);
    await writeMail(tx, { ...changed.tell, ...mailOf(changed.tell.kind) }, clock);
    await endAllSessions(sessions, changed.id, spared);
    return changed;
  });
  await endAllSessions(sessions, id, spared).catch(onLeft);
  return result;
}
