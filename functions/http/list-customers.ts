import { countCustomers, searchCustomers } from '../../lib/accounts/customers/search.sql.ts';
import type { App } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/customer-search.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { routes } from '../routes.ts';

export async function run(
  { query }: Request<typeof contract.listCustomers, App>,
  { sql }: { sql: () => Sql },
): Promise<Result> {
  const { limit, cursor, include, ...filter } = query;
  const [page, count] = await Promise.all([
    searchCustomers(sql(), filter, { limit, cursor }),
    include && countCustomers(sql(), filter),
  ]);
  return { status: 200, body: { ...page, ...(count === undefined ? {} : { count }) } };
}

export const handler = httpHandler(routes['list-customers'], contract.listCustomers, run, () => ({
  sql: () => sqlAs('profiles_api'),
}));
