import { Problem } from '../../lib/contract/problems.ts';
import type { CallerOf } from '../../lib/contract/route.ts';
import * as contract from '../../lib/contract/sessions.ts';
import { passwordVersionOf } from '../../lib/customers/accounts.sql.ts';
import { checkPassword, type PasswordDeps } from '../../lib/customers/check-password.ts';
import { replacePasswordHash } from '../../lib/customers/customers.sql.ts';
import * as passwords from '../../lib/customers/passwords.ts';
import { httpDoor, type Request, type Result } from '../../lib/entry/http.ts';
import { describeError } from '../../lib/entry/lambda.ts';
import { toTimestamp } from '../../lib/kernel/clock.ts';
import { attemptSucceeded } from '../../lib/limits/lockout.dynamo.ts';
import { accountRules, lockoutStore, sessionStore } from '../../lib/platform/deps.ts';
import { sqlAs } from '../../lib/platform/sql.ts';
import { endSession, openSession, type SessionStore } from '../../lib/sessions/sessions.dynamo.ts';
import { routes } from '../routes.ts';

type Deps = PasswordDeps & { mustConfirm: boolean; sessions: SessionStore };

export async function run(request: Request<typeof contract.signIn, CallerOf<'client'>>, deps: Deps): Promise<Result> {
  const { body, caller, meter, log } = request;
  const owner = await checkPassword(deps, { ...body, address: caller.address }, meter);
  const [{ token, expiresAt, tokenHash }] = await Promise.all([
    openSession(deps.sessions, { customerId: owner.id, applicationId: caller.application.id, address: caller.address }),
    attemptSucceeded(deps.lockout, owner.attempt),
  ]);
  // A password that was changed while it was looked at opens nothing that the change has not ended.
  if ((await passwordVersionOf(deps.sql(), owner.id)) !== owner.passwordVersion) {
    await endSession(deps.sessions, { customerId: owner.id, tokenHash });
    throw new Problem('invalid-credentials', 'No customer has this e-mail and password.');
  }
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

export const handler = httpDoor(routes['sign-in'], contract.signIn, run, () => ({
  sql: () => sqlAs('customers_api'),
  sessions: sessionStore(),
  lockout: lockoutStore(),
  cost: passwords.passwordCost,
  mustConfirm: accountRules().mustConfirm,
}));
