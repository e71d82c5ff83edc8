import { type AccountRules, requestEmailChange } from '../../lib/accounts/customers/account-requests.ts';
import { checkOwnPassword, type PasswordDeps } from '../../lib/accounts/customers/check-password.ts';
import { attemptSucceeded } from '../../lib/auth/limits/lockout.dynamo.ts';
import type { Customer } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/customers.ts';
import { inTransaction } from '../../lib/database/transaction.sql.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { networkOf } from '../../lib/kernel/network.ts';
import { accountRules, passwordDeps } from '../../lib/platform/accounts.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { routes } from '../routes.ts';

type Deps = PasswordDeps & { rules: AccountRules };

export async function run(request: Request<typeof contract.requestEmailChange, Customer>, deps: Deps): Promise<Result> {
  const { body, caller } = request;
  const loginAttempt = { customerId: caller.customerId, password: body.password, address: caller.address };
  const owner = await checkOwnPassword(deps, loginAttempt, request);
  await attemptSucceeded(deps.lockout, owner.attempt);
  const network = networkOf(caller.address);
  await inTransaction(deps.sql(), (tx) => requestEmailChange(tx, owner, { email: body.email, network }, deps.rules));
  return { status: 202, body: { email: body.email } };
}

export const handler = httpHandler(routes['request-email-change'], contract.requestEmailChange, run, () => ({
  ...passwordDeps(),
  rules: accountRules(),
}));
