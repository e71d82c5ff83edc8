import { findCustomer } from '../../lib/accounts/customers/customers.sql.ts';
import type { App } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/customers.ts';
import type { Request } from '../../lib/http/request.ts';
import { type Result, versionTag } from '../../lib/http/response.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { routes } from '../routes.ts';

type Deps = { sql: () => Sql };

export async function run({ path }: Request<typeof contract.getCustomer, App>, deps: Deps): Promise<Result> {
  const customer = await findCustomer(deps.sql(), path.customerId);
  return { status: 200, body: customer, etag: versionTag(customer.version) };
}

export const handler = httpHandler(routes['get-customer'], contract.getCustomer, run, () => ({
  sql: () => sqlAs('profiles_api'),
}));
