import * as contract from '../../lib/contract/sessions.ts';
import { checkPassword, type PasswordDeps } from '../../lib/customers/check-password.ts';
import { replacePasswordHash } from '../../lib/customers/customers.sql.ts';
import * as passwords from '../../lib/customers/passwords.ts';
import { httpDoor, type Request, type Result } from '../../lib/entry/http.ts';
import { describeError } from '../../lib/entry/lambda.ts';
import { toTimestamp } from '../../lib/kernel/clock.ts';
import { attemptSucceeded } from '../../lib/limits/lockout.dynamo.ts';
import { config } from '../../lib/platform/config.ts';
import { sessionStore } from '../../lib/platform/deps.ts';
import { dynamo } from '../../lib/platform/dynamo.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { openSession, type SessionStore } from '../../lib/sessions/sessions.dynamo.ts';
import { routes } from '../routes.ts';

type Deps = PasswordDeps & { sql: () => Sql; sessions: SessionStore };

export async function run(request: Request<typeof contract.signIn>, deps: Deps): Promise<Result> {
  const { body, caller, meter, log } = request;
  const owner = await checkPassword(deps, { ...body, address: caller.address }, meter);
  const [{ token, expiresAt }] = await Promise.all([
    openSession(deps.sessions, owner.id, { address: caller.address }),
    attemptSucceeded(deps.lockout, owner.attempt),
  ]);
  if (passwords.isOutdated(owner.passwordHash, deps.cost)) {
    await rehash(deps, owner.id, { from: owner.passwordHash, password: body.password }).catch((error: unknown) =>
      log.warn('password not hashed anew', { error: describeError(error) }),
    );
  }
  return { status: 201, body: { token, expiresAt: toTimestamp(expiresAt), customerId: owner.id } };
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
