import { listIdentities } from '../../lib/accounts/identities/identities.sql.ts';
import * as contract from '../../lib/contract/api/identities.ts';
import type { CallerOf } from '../../lib/contract/deploy/route.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { routes } from '../routes.ts';

type Deps = { sql: () => Sql };

export async function run(
  { caller }: Request<typeof contract.listIdentities, CallerOf<'session'>>,
  { sql }: Deps,
): Promise<Result> {
  return { status: 200, body: { data: await listIdentities(sql(), caller.customerId) } };
}

export const handler = httpHandler(routes['list-identities'], contract.listIdentities, run, () => ({
  sql: () => sqlAs('profiles_api'),
}));
