import { Problem } from '../../lib/contract/problems.ts';
import * as contract from '../../lib/contract/sessions.ts';
import { findCredentials, replacePasswordHash } from '../../lib/customers/customers.sql.ts';
import * as passwords from '../../lib/customers/passwords.ts';
import { httpDoor, type Request, type Result } from '../../lib/entry/http.ts';
import { describeError } from '../../lib/entry/lambda.ts';
import { toTimestamp } from '../../lib/kernel/clock.ts';
import { forgiveAttempts, type LockoutStore, noteAttempt } from '../../lib/limits/lockout.dynamo.ts';
import { config } from '../../lib/platform/config.ts';
import { sessionStore } from '../../lib/platform/deps.ts';
import { dynamo } from '../../lib/platform/dynamo.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { openSession, type SessionStore } from '../../lib/sessions/sessions.dynamo.ts';
import { routes } from '../routes.ts';

type Deps = { sql: () => Sql; sessions: SessionStore; lockout: LockoutStore; cost: passwords.PasswordCost };

export async function run(request: Request<typeof contract.signIn>, deps: Deps): Promise<Result> {
  const { body, meter, log } = request;
  // Read before the attempt counts: a database that is away must not lock its customers out.
  const known = await findCredentials(deps.sql(), body.email);
  await noteAttempt(deps.lockout, body.email).catch((error: unknown) => {
    if (error instanceof Problem) meter.count('SignInsLocked');
    throw error;
  });
  const hash = known?.passwordHash ?? passwords.unmatchableHash(deps.cost);
  const matches = await passwords.verifyPassword(body.password, hash);
  if (known === undefined || !matches) {
    throw new Problem('invalid-credentials', 'No customer has this e-mail and password.');
  }
  const [{ token, expiresAt }] = await Promise.all([
    openSession(deps.sessions, known.id),
    forgiveAttempts(deps.lockout, body.email),
  ]);
  if (passwords.isOutdated(hash, deps.cost)) {
    await rehash(deps, known.id, { from: hash, password: body.password }).catch((error: unknown) =>
      log.warn('password not hashed anew', { error: describeError(error) }),
    );
  }
  return { status: 201, body: { token, expiresAt: toTimestamp(expiresAt), customerId: known.id } };
}

async function rehash({ sql, cost }: Deps, id: string, { from, password }: { from: string; password: string }) {
  await replacePasswordHash(sql(), id, { from, to: await passwords.hashPassword(password, cost) });
}

export const handler = httpDoor(routes['sign-in'], contract.signIn, run, ({ clock }) => ({
  sql: () => sqlAs('customers_api'),
  sessions: sessionStore(),
  lockout: { client: dynamo(), table: config().LIMITS_TABLE, clock },
  cost: passwords.passwordCost,
}));
