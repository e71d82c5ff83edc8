import { type AccountRules, signUp } from '../../lib/accounts/customers/account-requests.ts';
import { hashSignUpPassword } from '../../lib/accounts/customers/password-rules.ts';
import { obscurePassword, type PasswordCost, passwordCost } from '../../lib/accounts/customers/passwords.ts';
import * as contract from '../../lib/contract/api/customers.ts';
import type { CallerOf } from '../../lib/contract/deploy/route.ts';
import { idempotent, type KeyOptions } from '../../lib/database/idempotency.sql.ts';
import { claimOf, fingerprintOf, fromStored, toStored } from '../../lib/http/idempotency.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { networkOf } from '../../lib/kernel/network.ts';
import { accountRules } from '../../lib/platform/accounts.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { idempotency } from '../../lib/platform/stores.ts';
import { routes } from '../routes.ts';

type Deps = { sql: () => Sql; rules: AccountRules; keys: KeyOptions; cost: PasswordCost };

export async function run(request: Request<typeof contract.signUp, CallerOf<'client'>>, deps: Deps): Promise<Result> {
  const { email, name } = request.body;
  const [fingerprint, passwordHash] = await Promise.all([
    safeFingerprint(request, deps.cost),
    hashSignUpPassword(request.body, deps.rules, deps.cost),
  ]);
  const claim = { ...claimOf('sign-up', request), fingerprint };
  const { answer, replayed } = await idempotent(deps.sql(), claim, deps.keys, async (tx) => {
    request.concerns(
      await signUp(tx, { email, name, passwordHash, network: networkOf(request.caller.address) }, deps.rules),
    );
    return toStored({ status: 202, body: { email } });
  });
  return fromStored(answer, replayed);
}

/**
 * The usual fingerprint is a fast hash. Stored in the database, it would make guessing the password fast too, so the
 * password goes into it as a slow hash.
 */
async function safeFingerprint(
  { path, body, idempotencyKey }: Request<typeof contract.signUp>,
  cost: PasswordCost,
): Promise<string> {
  if (idempotencyKey === undefined) return '';
  if (body.password === undefined) return fingerprintOf('sign-up', { path, body });
  const password = await obscurePassword(body.password, `${body.email}\n${idempotencyKey}`, cost);
  return fingerprintOf('sign-up', { path, body: { ...body, password } });
}

export const handler = httpHandler(routes['sign-up'], contract.signUp, run, () => ({
  sql: () => sqlAs('customers_api'),
  rules: accountRules(),
  keys: idempotency('customers.idempotency_keys'),
  cost: passwordCost,
}));
