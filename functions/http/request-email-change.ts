import { type AccountRules, askForEmail } from '../../lib/accounts/customers/accounts.ts';
import { checkOwnPassword, type PasswordDeps } from '../../lib/accounts/customers/check-password.ts';
import { passwordCost } from '../../lib/accounts/customers/passwords.ts';
import { attemptSucceeded } from '../../lib/auth/limits/lockout.dynamo.ts';
import type { Customer } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/customers.ts';
import { inTransaction } from '../../lib/database/transaction.sql.ts';
import { accountRules, lockoutStore } from '../../lib/platform/deps.ts';
import { httpHandler, type Request, type Result } from '../../lib/platform/handlers/http.ts';
import { sqlAs } from '../../lib/platform/sql.ts';
import { routes } from '../routes.ts';

type Deps = PasswordDeps & { rules: AccountRules };

export async function run(request: Request<typeof contract.requestEmailChange, Customer>, deps: Deps): Promise<Result> {
  const { body, caller, meter } = request;
  const loginAttempt = { customerId: caller.customerId, password: body.password, address: caller.address };
  const owner = await checkOwnPassword(deps, loginAttempt, meter);
  await attemptSucceeded(deps.lockout, owner.attempt);
  await inTransaction(deps.sql(), (tx) => askForEmail(tx, owner, body.email, deps.rules));
  return { status: 202, body: { email: body.email } };
}

export const handler = httpHandler(routes['request-email-change'], contract.requestEmailChange, run, () => ({
  sql: () => sqlAs('customers_api'),
  lockout: lockoutStore(),
  cost: passwordCost,
  rules: accountRules(),
}));
