import { checkPassword, type PasswordDeps, renewHash } from '../../lib/accounts/customers/check-password.ts';
import { openSessionOf } from '../../lib/accounts/customers/sign-in.ts';
import { exchangeIdToken, type IdTokenDeps } from '../../lib/accounts/identities/link.ts';
import { attemptSucceeded } from '../../lib/auth/limits/lockout.dynamo.ts';
import type { SessionStore } from '../../lib/auth/sessions/sessions.dynamo.ts';
import * as contract from '../../lib/contract/api/sessions.ts';
import type { CallerOf } from '../../lib/contract/deploy/route.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { toTimestamp } from '../../lib/kernel/clock.ts';
import { describeError } from '../../lib/kernel/log.ts';
import { accountRules, passwordDeps } from '../../lib/platform/accounts.ts';
import { tellPublisher } from '../../lib/platform/handlers/announcing.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { verifyToken } from '../../lib/platform/identity.ts';
import { identityLinks, sessionStore } from '../../lib/platform/stores.ts';
import { routes } from '../routes.ts';

type Deps = PasswordDeps &
  IdTokenDeps & { mustConfirm: boolean; sessions: SessionStore; tellPublisher: typeof tellPublisher };

export async function run(request: Request<typeof contract.signIn, CallerOf<'client'>>, deps: Deps): Promise<Result> {
  const { body, log } = request;
  const { address, application } = request.caller;
  const origin = { applicationId: application.id, address };
  if ('idToken' in body) {
    const { authenticatedAt, ...owner } = await exchangeIdToken(deps, body, application.id);
    request.concerns(owner.id);
    const session = await openSessionOf(deps, owner, { ...origin, authenticatedAt }, request);
    if (session.announced) await deps.tellPublisher(log);
    return opened(owner.id, session);
  }
  const owner = await checkPassword(deps, { ...body, address }, request);
  const [session] = await Promise.all([
    openSessionOf(deps, owner, origin, request),
    attemptSucceeded(deps.lockout, owner.attempt),
  ]);
  await renewHash(deps, owner, body.password).catch((error: unknown) =>
    log.warn('password not rehashed', { error: describeError(error) }),
  );
  if (session.announced) await deps.tellPublisher(log);
  return opened(owner.id, session);
}

const opened = (customerId: string, { token, expiresAt }: { token: string; expiresAt: number }): Result => ({
  status: 201,
  body: { token, expiresAt: toTimestamp(expiresAt), customerId },
});

export const handler = httpHandler(routes['sign-in'], contract.signIn, run, ({ clock }) => ({
  ...passwordDeps(),
  sessions: sessionStore(),
  mustConfirm: accountRules().mustConfirm,
  links: identityLinks(),
  clock,
  verify: verifyToken,
  tellPublisher,
}));
