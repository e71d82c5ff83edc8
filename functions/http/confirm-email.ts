import { confirmEmail } from '../../lib/accounts/customers/account-changes.ts';
import * as contract from '../../lib/contract/api/customers.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import type { Clock } from '../../lib/kernel/clock.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { routes } from '../routes.ts';

type Deps = { sql: () => Sql; clock: Clock };

export async function run({ body }: Request<typeof contract.confirmEmail>, deps: Deps): Promise<Result> {
  await confirmEmail(deps, body.token);
  return { status: 204 };
}

export const handler = httpHandler(routes['confirm-email'], contract.confirmEmail, run, ({ clock }) => ({
  sql: () => sqlAs('customers_api'),
  clock,
}));
