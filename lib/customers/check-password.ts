import type { Sql } from 'postgres';
import type { MetricName } from '../contract/metrics.ts';
import { Problem } from '../contract/problems.ts';
import { networkOf } from '../kernel/network.ts';
import { type Attempt, attemptFailed, type LockoutStore, noteAttempt } from '../limits/lockout.dynamo.ts';
import { findCredentials } from './customers.sql.ts';
import { type PasswordCost, unmatchableHash, verifyPassword } from './passwords.ts';

export type PasswordDeps = { sql: () => Sql; lockout: LockoutStore; cost: PasswordCost };

/** Who has a password, and the attempt to be told that it succeeded. */
export type Owner = { id: string; passwordHash: string; attempt: Attempt };

/**
 * The customer who has this e-mail and password. A guess counts; nobody's e-mail costs the same work as a customer's.
 * @throws Problem invalid-credentials, sign-in-locked; PartUnavailable
 */
export async function checkPassword(
  deps: PasswordDeps,
  { email, password, address }: { email: string; password: string; address: string },
  meter: { count(name: MetricName): void },
): Promise<Owner> {
  // Read before the attempt counts: a database that is away must not lock its customers out.
  const known = await findCredentials(deps.sql(), email);
  const attempt = await noteAttempt(deps.lockout, { email, network: networkOf(address) }).catch((error: unknown) => {
    if (error instanceof Problem) meter.count('SignInsLocked');
    throw error;
  });
  const matches = await verifyPassword(password, known?.passwordHash ?? unmatchableHash(deps.cost));
  if (known !== undefined && matches) return { ...known, attempt };
  await attemptFailed(deps.lockout, attempt);
  throw new Problem('invalid-credentials', 'No customer has this e-mail and password.');
}
