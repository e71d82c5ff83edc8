import { findCustomer } from '../../lib/accounts/customers/customers.sql.ts';
import { listIdentities } from '../../lib/accounts/identities/identities.sql.ts';
import type { App } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/identities.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { routes } from '../routes.ts';

type Deps = { sql: () => Sql };

export async function run(
  { path }: Request<typeof contract.listCustomerIdentities, App>,
  { sql }: Deps,
): Promise<Result> {
  const { id } = await findCustomer(sql(), path.customerId);
  return { status: 200, body: { data: await listIdentities(sql(), id) } };
}

export const handler = httpHandler(routes['list-customer-identities'], contract.listCustomerIdentities, run, () => ({
  sql: () => sqlAs('profiles_api'),
}));
