import { type AccountRules, askForReset } from '../../lib/accounts/customers/accounts.ts';
import * as contract from '../../lib/contract/api/customers.ts';
import { inTransaction } from '../../lib/database/transaction.sql.ts';
import { accountRules } from '../../lib/platform/deps.ts';
import { httpHandler, type Request, type Result } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { routes } from '../routes.ts';

type Deps = { sql: () => Sql; rules: AccountRules };

export async function run({ body }: Request<typeof contract.requestPasswordReset>, deps: Deps): Promise<Result> {
  await inTransaction(deps.sql(), (tx) => askForReset(tx, body.email, deps.rules));
  return { status: 202, body: { email: body.email } };
}

export const handler = httpHandler(routes['request-password-reset'], contract.requestPasswordReset, run, () => ({
  sql: () => sqlAs('customers_api'),
  rules: accountRules(),
}));
