import { updateCustomer } from '../../lib/accounts/customers/customers.sql.ts';
import type { Customer } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/customers.ts';
import type { Request } from '../../lib/http/request.ts';
import { type Result, versionTag } from '../../lib/http/response.ts';
import type { Clock } from '../../lib/kernel/clock.ts';
import { announcing } from '../../lib/platform/handlers/announcing.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { routes } from '../routes.ts';

type Deps = { sql: () => Sql; clock: Clock };

export async function run(request: Request<typeof contract.updateMe, Customer>, deps: Deps): Promise<Result> {
  const { caller, body, condition, requestId } = request;
  const customer = await updateCustomer(deps.sql(), caller.customerId, body, condition, deps.clock, requestId);
  return { status: 200, body: customer, etag: versionTag(customer.version) };
}

export const handler = httpHandler(routes['update-me'], contract.updateMe, announcing(run), ({ clock }) => ({
  sql: () => sqlAs('customers_api'),
  clock,
}));
