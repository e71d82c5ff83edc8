import type { TransactionSql } from 'postgres';
import { endAllSessions } from '../../auth/sessions/customer-sessions.dynamo.ts';
import type { Session } from '../../auth/sessions/sessions.dynamo.ts';
import type { VersionCondition } from '../../contract/api/common.ts';
import type { Customer } from '../../contract/api/customers.ts';
import { inTransaction } from '../../database/transaction.sql.ts';
import { refuseIssuedTokens, unlinkAll, unlinkOne } from '../identities/link.ts';
import { writeNotice } from '../mail/outbox.sql.ts';
import { type AccountMailKind, mailOf } from '../mail/texts.ts';
import { confirmCustomer, setEmail, setPassword } from './accounts.sql.ts';
import { type CustomerChanges, updateCustomer } from './customers.sql.ts';
import { hashOf, useToken, voidTokens } from './email-tokens.sql.ts';
import { type AccountDeps, endingSessions } from './ending-sessions.ts';
import { announceCustomer, customerChanged } from './events.sql.ts';

export type { AccountDeps };

/** @param requestId the API request: the correlation id of the event */
type ByToken = { token: string; passwordHash: string; requestId: string };

/**
 * Confirms the e-mail address that a token was mailed to, with the password that its owner chooses. Whatever an earlier
 * sign-up gave ends: its password, sessions and linked identities.
 * @returns the customer's id
 * @throws Problem token-invalid; DependencyUnavailable, which leaves the token valid
 */
export function confirmEmail(
  deps: AccountDeps,
  { token, passwordHash, name, requestId }: ByToken & { name?: string | undefined },
): Promise<string> {
  return changeAndSignOut(deps, undefined, async (tx) => {
    const { customerId: id } = await useToken(tx, { purpose: 'confirm', hash: hashOf(token) }, deps.clock);
    await confirmCustomer(tx, id, deps.clock);
    await setPassword(tx, { id, passwordHash, name });
    const about = { clock: deps.clock, requestId };
    const isNew = await announceCustomer(tx, id, about);
    if (!isNew && name !== undefined) await customerChanged(tx, id, about);
    await unlinkAll(tx, deps, id);
    return { id, result: id, notice: undefined };
  });
}

/**
 * Sets a new password by an e-mailed token, ends all sessions of the customer and unlinks all their identities: whoever
 * had taken over the account is out.
 * @throws Problem token-invalid; DependencyUnavailable, which leaves the token valid
 */
export function resetPassword(
  deps: AccountDeps,
  { token, passwordHash, requestId }: ByToken,
): Promise<{ id: string; email: string }> {
  return changeAndSignOut(deps, undefined, async (tx) => {
    const { customerId: id } = await useToken(tx, { purpose: 'reset', hash: hashOf(token) }, deps.clock);
    await confirmCustomer(tx, id, deps.clock);
    const email = await setPassword(tx, { id, passwordHash });
    await announceCustomer(tx, id, { clock: deps.clock, requestId });
    await unlinkAll(tx, deps, id);
    return { id, result: { id, email }, notice: { kind: 'password-changed', to: email } };
  });
}

/**
 * Sets a new password for a signed-in customer, and ends their other sessions.
 * @throws DependencyUnavailable, and then nothing has changed
 */
export function changePassword(deps: AccountDeps, session: Session, passwordHash: string): Promise<void> {
  return changeAndSignOut(deps, session, async (tx) => {
    const to = await setPassword(tx, { id: session.customerId, passwordHash });
    return { id: session.customerId, result: undefined, notice: { kind: 'password-changed', to } };
  });
}

/**
 * Sets the e-mail address that a token was mailed to, and ends all sessions of the customer.
 * @returns the customer's id
 * @throws Problem token-invalid; DependencyUnavailable, which leaves the token valid
 */
export function changeEmail(deps: AccountDeps, token: string, requestId: string): Promise<string> {
  return changeAndSignOut(deps, undefined, async (tx) => {
    const { customerId: id, email } = await useToken(tx, { purpose: 'change', hash: hashOf(token) }, deps.clock);
    const to = await setEmail(tx, { id, email: email! }, deps.clock);
    await customerChanged(tx, id, { clock: deps.clock, requestId });
    return { id, result: id, notice: { kind: 'email-changed', to } };
  });
}

/**
 * Unlinks an identity, and ends all other sessions: that identity may have opened them.
 * @param kept the session of the customer who does it, if they do it themselves
 * @throws Problem not-found; DependencyUnavailable, and then nothing has changed
 */
export function unlinkIdentity(
  deps: AccountDeps,
  of: { id: string; customerId: string },
  kept?: Session,
): Promise<void> {
  return changeAndSignOut(deps, kept, async (tx) => {
    await unlinkOne(tx, deps, of);
    return { id: of.customerId, result: undefined, notice: undefined };
  });
}

/**
 * Changes what the shop decides about a customer. Suspending ends their sessions, and nobody signs in to the account
 * until it is unsuspended; their orders go on. The customer gets a mail of either.
 * @throws Problem not-found, version-stale; DependencyUnavailable, and then nothing has changed
 */
export function changeStanding(
  deps: AccountDeps,
  { id, ...changes }: { id: string } & Partial<Pick<CustomerChanges, 'premium' | 'suspended' | 'verifiedVatNumber'>>,
  { condition, requestId }: { condition: VersionCondition; requestId: string },
): Promise<Customer> {
  const { clock } = deps;
  if (changes.suspended === undefined) return updateCustomer(deps.sql(), id, changes, condition, clock, requestId);
  const kind = changes.suspended ? 'account-suspended' : 'account-reactivated';
  return changeAndSignOut(deps, undefined, async (tx) => {
    const customer = await updateCustomer(tx, id, changes, condition, clock, requestId);
    return { id, result: customer, notice: { kind, to: customer.email! } };
  });
}

type Changed<R> = { id: string; result: R; notice: { kind: AccountMailKind; to: string } | undefined };

/**
 * Ends all sessions of a customer, and refuses the tokens that their identity providers have issued so far.
 * @throws DependencyUnavailable when some may be left; calling again is safe
 */
export async function signOutEverywhere(deps: Omit<AccountDeps, 'onSessionsLeft'>, customerId: string): Promise<void> {
  await inTransaction(deps.sql(), (tx) => refuseIssuedTokens(tx, deps, customerId));
  await endAllSessions(deps.sessions, customerId);
}

/** Stores a change that other sessions and issued tokens must not outlive, and mails a notice of it. */
async function changeAndSignOut<R>(
  deps: AccountDeps,
  kept: Session | undefined,
  change: (tx: TransactionSql) => Promise<Changed<R>>,
): Promise<R> {
  const { result } = await endingSessions(deps, kept, async (tx) => {
    const changed = await change(tx);
    await voidTokens(tx, changed.id, deps.clock);
    const { notice } = changed;
    if (notice !== undefined) await writeNotice(tx, { ...notice, ...mailOf(notice.kind) }, deps.clock);
    await refuseIssuedTokens(tx, deps, changed.id);
    return changed;
  });
  return result;
}
