import { type AccountDeps, confirmEmail } from '../../lib/accounts/customers/account-changes.ts';
import { checkToken, hashOf } from '../../lib/accounts/customers/email-tokens.sql.ts';
import { checkNewPassword } from '../../lib/accounts/customers/password-rules.ts';
import { hashPassword, type PasswordCost, passwordCost } from '../../lib/accounts/customers/passwords.ts';
import * as contract from '../../lib/contract/api/customers.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { accountDeps } from '../../lib/platform/accounts.ts';
import { announcing } from '../../lib/platform/handlers/announcing.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { routes } from '../routes.ts';

type Deps = AccountDeps & { cost: PasswordCost };

export async function run(request: Request<typeof contract.confirmEmail>, deps: Deps): Promise<Result> {
  const { token, password, name } = request.body;
  // Hashing is slow on purpose, so do not hash for an invalid token.
  const owner = await checkToken(deps.sql(), { purpose: 'confirm', hash: hashOf(token) }, deps.clock);
  checkNewPassword(password, { ...owner, ...(name === undefined ? {} : { name }) }, '/password');
  const passwordHash = await hashPassword(password, deps.cost);
  request.concerns(await confirmEmail(deps, { token, passwordHash, name, requestId: request.requestId }));
  return { status: 204 };
}

export const handler = httpHandler(routes['confirm-email'], contract.confirmEmail, announcing(run), ({ log }) => ({
  ...accountDeps(log),
  cost: passwordCost,
}));
