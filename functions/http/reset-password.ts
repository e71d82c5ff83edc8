import { type AccountDeps, resetPassword } from '../../lib/accounts/customers/account-changes.ts';
import type { PasswordDeps } from '../../lib/accounts/customers/check-password.ts';
import { checkToken, hashOf } from '../../lib/accounts/customers/email-tokens.sql.ts';
import { checkNewPassword } from '../../lib/accounts/customers/password-rules.ts';
import { hashPassword } from '../../lib/accounts/customers/passwords.ts';
import { knowNetwork } from '../../lib/auth/limits/lockout.dynamo.ts';
import * as contract from '../../lib/contract/api/customers.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { describeError } from '../../lib/kernel/log.ts';
import { networkOf } from '../../lib/kernel/network.ts';
import { accountDeps, passwordDeps } from '../../lib/platform/accounts.ts';
import { announcing } from '../../lib/platform/handlers/announcing.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { routes } from '../routes.ts';

type Deps = AccountDeps & PasswordDeps;

export async function run(request: Request<typeof contract.resetPassword>, deps: Deps): Promise<Result> {
  const { body, caller, log } = request;
  // Hashing is slow on purpose, so do not hash for an invalid token.
  const owner = await checkToken(deps.sql(), { purpose: 'reset', hash: hashOf(body.token) }, deps.clock);
  checkNewPassword(body.password, owner, '/password');
  const passwordHash = await hashPassword(body.password, deps.cost);
  const { id, email } = await resetPassword(deps, { token: body.token, passwordHash, requestId: request.requestId });
  request.concerns(id);
  // Whoever owns the mailbox can sign in from here, whatever the lockout has counted.
  await knowNetwork(deps.lockout, { email, network: networkOf(caller.address) }).catch((error: unknown) =>
    log.warn('network not stored as known', { error: describeError(error) }),
  );
  return { status: 204 };
}

export const handler = httpHandler(routes['reset-password'], contract.resetPassword, announcing(run), ({ log }) => ({
  ...accountDeps(log),
  ...passwordDeps(),
}));
