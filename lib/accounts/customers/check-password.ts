import type { Sql } from 'postgres';
import { type Attempt, attemptFailed, type LockoutStore, noteAttempt } from '../../auth/limits/lockout.dynamo.ts';
import { Problem } from '../../contract/api/problems.ts';
import type { MetricName } from '../../contract/deploy/metrics.ts';
import { inTransaction } from '../../database/transaction.sql.ts';
import type { Clock } from '../../kernel/clock.ts';
import { networkOf } from '../../kernel/network.ts';
import { writeMail } from '../mail/outbox.sql.ts';
import { mailOf } from '../mail/texts.ts';
import { findStoredPassword, findStoredPasswordOf, replacePasswordHash, type StoredPassword } from './customers.sql.ts';
import { hashPassword, isOutdated, type PasswordCost, unmatchableHash, verifyPassword } from './passwords.ts';

export type PasswordDeps = { sql: () => Sql; lockout: LockoutStore; cost: PasswordCost; clock: Clock };

/** The customer whose password was right, and the attempt, to report as succeeded. */
export type Owner = StoredPassword & { attempt: Attempt };

type LoginAttempt = { password: string; address: string };
/** What is told of an attempt: a count, and whose account it concerns. */
type Witness = { meter: { count(name: MetricName): void }; concerns(customerId: string): void };

/**
 * The customer with this e-mail address and password. Where confirmation is required, an unconfirmed address counts as
 * unknown. Every attempt counts towards the lockout. An unknown address takes as much work as a known one.
 * @throws Problem invalid-credentials, sign-in-locked; DependencyUnavailable
 */
export async function checkPassword(
  deps: PasswordDeps & { mustConfirm: boolean },
  { email, ...loginAttempt }: LoginAttempt & { email: string },
  witness: Witness,
): Promise<Owner> {
  // Read before the attempt is counted: customers must not be locked out because the database is unavailable.
  const stored = await findStoredPassword(deps.sql(), email);
  const usable = stored?.confirmed === true || !deps.mustConfirm;
  return await check(deps, { email, stored, usable }, loginAttempt, witness);
}

/**
 * Checks the password of a signed-in customer. Attempts count like those at signing in.
 * @throws Problem invalid-credentials, sign-in-locked; DependencyUnavailable
 */
export async function checkOwnPassword(
  deps: PasswordDeps,
  { customerId, ...loginAttempt }: LoginAttempt & { customerId: string },
  witness: Witness,
): Promise<Owner> {
  const stored = await findStoredPasswordOf(deps.sql(), customerId);
  return await check(deps, { email: stored.email, stored, usable: true }, loginAttempt, witness);
}

/** Rehashes a password that was hashed at another cost than the current one, or by a previous shop. */
export async function renewHash({ sql, cost }: PasswordDeps, owner: StoredPassword, password: string): Promise<void> {
  const from = owner.passwordHash;
  if (isOutdated(from, cost)) {
    await replacePasswordHash(sql(), owner.id, { from, to: await hashPassword(password, cost) });
  }
}

async function check(
  { lockout, cost, sql, clock }: PasswordDeps,
  { email, stored, usable }: { email: string; stored: StoredPassword | undefined; usable: boolean },
  { password, address }: LoginAttempt,
  witness: Witness,
): Promise<Owner> {
  const { meter } = witness;
  if (stored !== undefined) witness.concerns(stored.id);
  const attempt = await noteAttempt(lockout, { email, network: networkOf(address) }).catch((error: unknown) => {
    if (error instanceof Problem) meter.count('SignInsLocked');
    throw error;
  });
  const matches = await verifyPassword(password, stored?.passwordHash ?? unmatchableHash(cost), cost);
  if (stored !== undefined && matches && usable) return { ...stored, attempt };
  const { ownerShouldHear } = await attemptFailed(lockout, attempt);
  meter.count('SignInsFailed');
  if (ownerShouldHear) {
    // An unknown address costs the same: a mail that is never sent.
    const kind = stored === undefined ? 'nobody' : 'sign-ins-failed';
    await inTransaction(sql(), (tx) => writeMail(tx, { kind, to: email, ...mailOf(kind) }, clock));
  }
  throw new Problem('invalid-credentials', 'The e-mail address or the password is wrong.');
}
