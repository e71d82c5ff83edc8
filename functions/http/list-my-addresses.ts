import { listAddresses } from '../../lib/accounts/customers/addresses.sql.ts';
import type { Customer } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/customer-addresses.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { routes } from '../routes.ts';

type Deps = { sql: () => Sql };

export async function run(
  { caller }: Request<typeof contract.listMyAddresses, Customer>,
  { sql }: Deps,
): Promise<Result> {
  return { status: 200, body: { data: await listAddresses(sql(), caller.customerId) } };
}

export const handler = httpHandler(routes['list-my-addresses'], contract.listMyAddresses, run, () => ({
  sql: () => sqlAs('profiles_api'),
}));
