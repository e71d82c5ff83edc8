import type { Sql } from 'postgres';
import { type Attempt, attemptFailed, type LockoutStore, noteAttempt } from '../../auth/limits/lockout.dynamo.ts';
import { Problem } from '../../contract/api/problems.ts';
import type { MetricName } from '../../contract/deploy/metrics.ts';
import { networkOf } from '../../kernel/network.ts';
import { type Credentials, findCredentials, findOwnCredentials, replacePasswordHash } from './customers.sql.ts';
import { hashPassword, isOutdated, type PasswordCost, unmatchableHash, verifyPassword } from './passwords.ts';

export type PasswordDeps = { sql: () => Sql; lockout: LockoutStore; cost: PasswordCost };

/** Who has a password, and the attempt to be told that it succeeded. */
export type Owner = Credentials & { attempt: Attempt };

type LoginAttempt = { password: string; address: string };
type Counter = { count(name: MetricName): void };

/**
 * The customer who has this e-mail and password, and has confirmed the e-mail if they must. A guess counts; nobody's
 * e-mail costs the same work as a customer's.
 * @throws Problem invalid-credentials, sign-in-locked; DependencyUnavailable
 */
export async function checkPassword(
  deps: PasswordDeps & { mustConfirm: boolean },
  { email, ...loginAttempt }: LoginAttempt & { email: string },
  meter: Counter,
): Promise<Owner> {
  // Read before the attempt counts: a database that is away must not lock its customers out.
  const known = await findCredentials(deps.sql(), email);
  return await judge(
    deps,
    { email, known, usable: known?.confirmed === true || !deps.mustConfirm },
    loginAttempt,
    meter,
  );
}

/**
 * The signed-in customer, who has this password too. Login attempts count as those at signing in.
 * @throws Problem invalid-credentials, sign-in-locked; DependencyUnavailable
 */
export async function checkOwnPassword(
  deps: PasswordDeps,
  { customerId, ...loginAttempt }: LoginAttempt & { customerId: string },
  meter: Counter,
): Promise<Owner> {
  const known = await findOwnCredentials(deps.sql(), customerId);
  return await judge(deps, { email: known.email, known, usable: true }, loginAttempt, meter);
}

/** Hashes a password anew that was hashed at another cost than today's. */
export async function renewHash({ sql, cost }: PasswordDeps, owner: Credentials, password: string): Promise<void> {
  const from = owner.passwordHash;
  if (isOutdated(from, cost)) {
    await replacePasswordHash(sql(), owner.id, { from, to: await hashPassword(password, cost) });
  }
}

async function judge(
  { lockout, cost }: PasswordDeps,
  { email, known, usable }: { email: string; known: Credentials | undefined; usable: boolean },
  { password, address }: LoginAttempt,
  meter: Counter,
): Promise<Owner> {
  const attempt = await noteAttempt(lockout, { email, network: networkOf(address) }).catch((error: unknown) => {
    if (error instanceof Problem) meter.count('SignInsLocked');
    throw error;
  });
  const matches = await verifyPassword(password, known?.passwordHash ?? unmatchableHash(cost));
  if (known !== undefined && matches && usable) return { ...known, attempt };
  await attemptFailed(lockout, attempt);
  throw new Problem('invalid-credentials', 'No customer has this e-mail and password.');
}
