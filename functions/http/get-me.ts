import { findCustomer } from '../../lib/accounts/customers/customers.sql.ts';
import type { Customer } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/customers.ts';
import type { Request } from '../../lib/http/request.ts';
import { type Result, versionTag } from '../../lib/http/response.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { routes } from '../routes.ts';

type Deps = { sql: () => Sql };

export async function run(request: Request<typeof contract.getMe, Customer>, deps: Deps): Promise<Result> {
  const customer = await findCustomer(deps.sql(), request.caller.customerId);
  return { status: 200, body: customer, etag: versionTag(customer.version) };
}

export const handler = httpHandler(routes['get-me'], contract.getMe, run, () => ({
  sql: () => sqlAs('profiles_api'),
}));
