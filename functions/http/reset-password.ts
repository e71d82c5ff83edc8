import { checkToken } from '../../lib/accounts/customers/email-tokens.sql.ts';
import { hashOf } from '../../lib/accounts/customers/email-tokens.ts';
import { type AccountDeps, resetPassword } from '../../lib/accounts/customers/own-account.ts';
import { hashPassword, type PasswordCost, passwordCost } from '../../lib/accounts/customers/passwords.ts';
import { type LockoutStore, welcome } from '../../lib/auth/limits/lockout.dynamo.ts';
import * as contract from '../../lib/contract/api/customers.ts';
import { describeError } from '../../lib/kernel/describe-error.ts';
import { networkOf } from '../../lib/kernel/network.ts';
import { accountDeps } from '../../lib/platform/accounts.ts';
import { lockoutStore } from '../../lib/platform/deps.ts';
import { httpHandler, type Request, type Result } from '../../lib/platform/handlers/http.ts';
import { routes } from '../routes.ts';

type Deps = AccountDeps & { lockout: LockoutStore; cost: PasswordCost };

export async function run(request: Request<typeof contract.resetPassword>, deps: Deps): Promise<Result> {
  const { body, caller, log } = request;
  // Hashing is made to be slow: not for a token that leads nowhere.
  await checkToken(deps.sql(), { purpose: 'reset', hash: hashOf(body.token) }, deps.clock);
  const passwordHash = await hashPassword(body.password, deps.cost);
  const email = await resetPassword(deps, { token: body.token, passwordHash });
  // Who owns the mailbox is let in from here whatever others have guessed.
  await welcome(deps.lockout, { email, network: networkOf(caller.address) }).catch((error: unknown) =>
    log.warn('network not remembered', { error: describeError(error) }),
  );
  return { status: 204 };
}

export const handler = httpHandler(routes['reset-password'], contract.resetPassword, run, ({ log }) => ({
  ...accountDeps(log),
  lockout: lockoutStore(),
  cost: passwordCost,
}));
