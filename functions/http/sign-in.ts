import { passwordVersionOf } from '../../lib/accounts/customers/accounts.sql.ts';
import { checkPassword, type PasswordDeps, renewHash } from '../../lib/accounts/customers/check-password.ts';
import { passwordCost } from '../../lib/accounts/customers/passwords.ts';
import { readIdToken, type Verify } from '../../lib/accounts/identities/exchange.ts';
import { customerOfIdentity, type LinkDeps } from '../../lib/accounts/identities/link.ts';
import { attemptSucceeded } from '../../lib/auth/limits/lockout.dynamo.ts';
import { endSession, openSession, type SessionStore } from '../../lib/auth/sessions/sessions.dynamo.ts';
import { Problem } from '../../lib/contract/api/problems.ts';
import * as contract from '../../lib/contract/api/sessions.ts';
import type { CallerOf } from '../../lib/contract/deploy/route.ts';
import { toTimestamp } from '../../lib/kernel/clock.ts';
import { describeError } from '../../lib/kernel/describe-error.ts';
import { accountRules, lockoutStore, sessionStore } from '../../lib/platform/deps.ts';
import { httpHandler, type Request, type Result } from '../../lib/platform/handlers/http.ts';
import { identityCopies, verifyToken } from '../../lib/platform/identity.ts';
import { sqlAs } from '../../lib/platform/sql.ts';
import { routes } from '../routes.ts';

type Deps = PasswordDeps & LinkDeps & { mustConfirm: boolean; sessions: SessionStore; verify: Verify };

export async function run(request: Request<typeof contract.signIn, CallerOf<'client'>>, deps: Deps): Promise<Result> {
  const { body, caller, meter, log } = request;
  const { address } = caller;
  const applicationId = caller.application.id;
  if ('idToken' in body) {
    const customerId = await customerOfIdentity(deps, await readIdToken(deps.verify, body.idToken, applicationId));
    return opened(customerId, await openSession(deps.sessions, { customerId, applicationId, address }));
  }
  const owner = await checkPassword(deps, { ...body, address }, meter);
  const [session] = await Promise.all([
    openSession(deps.sessions, { customerId: owner.id, applicationId, address }),
    attemptSucceeded(deps.lockout, owner.attempt),
  ]);
  // A password that was changed while it was looked at opens nothing that the change has not ended.
  if ((await passwordVersionOf(deps.sql(), owner.id)) !== owner.passwordVersion) {
    await endSession(deps.sessions, { customerId: owner.id, tokenHash: session.tokenHash });
    throw new Problem('invalid-credentials', 'No customer has this e-mail and password.');
  }
  await renewHash(deps, owner, body.password).catch((error: unknown) =>
    log.warn('password not hashed anew', { error: describeError(error) }),
  );
  return opened(owner.id, session);
}

const opened = (customerId: string, { token, expiresAt }: { token: string; expiresAt: number }): Result => ({
  status: 201,
  body: { token, expiresAt: toTimestamp(expiresAt), customerId },
});

export const handler = httpHandler(routes['sign-in'], contract.signIn, run, ({ clock }) => ({
  sql: () => sqlAs('customers_api'),
  sessions: sessionStore(),
  lockout: lockoutStore(),
  cost: passwordCost,
  mustConfirm: accountRules().mustConfirm,
  copies: identityCopies(),
  clock,
  verify: verifyToken,
}));
