import { type AccountDeps, changePassword } from '../../lib/accounts/customers/account-changes.ts';
import { checkOwnPassword, type PasswordDeps } from '../../lib/accounts/customers/check-password.ts';
import { checkNewPassword } from '../../lib/accounts/customers/password-rules.ts';
import { hashPassword } from '../../lib/accounts/customers/passwords.ts';
import { attemptSucceeded } from '../../lib/auth/limits/lockout.dynamo.ts';
import type { SignedIn } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/customers.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { accountDeps, passwordDeps } from '../../lib/platform/accounts.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { routes } from '../routes.ts';

type Deps = AccountDeps & PasswordDeps;

export async function run(request: Request<typeof contract.changePassword, SignedIn>, deps: Deps): Promise<Result> {
  const { body, caller } = request;
  const loginAttempt = { customerId: caller.customerId, password: body.password, address: caller.address };
  const { attempt, email } = await checkOwnPassword(deps, loginAttempt, request);
  await attemptSucceeded(deps.lockout, attempt);
  checkNewPassword(body.newPassword, { email }, '/newPassword');
  await changePassword(deps, caller.session, await hashPassword(body.newPassword, deps.cost));
  return { status: 204 };
}

export const handler = httpHandler(routes['change-password'], contract.changePassword, run, ({ log }) => ({
  ...accountDeps(log),
  ...passwordDeps(),
}));
