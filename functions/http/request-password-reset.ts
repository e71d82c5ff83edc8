import { type AccountRules, requestPasswordReset } from '../../lib/accounts/customers/account-requests.ts';
import * as contract from '../../lib/contract/api/customers.ts';
import { inTransaction } from '../../lib/database/transaction.sql.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { networkOf } from '../../lib/kernel/network.ts';
import { accountRules } from '../../lib/platform/accounts.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { routes } from '../routes.ts';

type Deps = { sql: () => Sql; rules: AccountRules };

export async function run(
  { body, caller, concerns }: Request<typeof contract.requestPasswordReset>,
  deps: Deps,
): Promise<Result> {
  const asked = { email: body.email, network: networkOf(caller.address) };
  const customerId = await inTransaction(deps.sql(), (tx) => requestPasswordReset(tx, asked, deps.rules));
  if (customerId !== undefined) concerns(customerId);
  return { status: 202, body: { email: body.email } };
}

export const handler = httpHandler(routes['request-password-reset'], contract.requestPasswordReset, run, () => ({
  sql: () => sqlAs('customers_api'),
  rules: accountRules(),
}));
