import * as contract from '../../lib/contract/identities.ts';
import type { CallerOf } from '../../lib/contract/route.ts';
import { httpDoor, type Request, type Result } from '../../lib/entry/http.ts';
import { listIdentities } from '../../lib/identity/identities.sql.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { routes } from '../routes.ts';

type Deps = { sql: () => Sql };

export async function run(
  { caller }: Request<typeof contract.listIdentities, CallerOf<'session'>>,
  { sql }: Deps,
): Promise<Result> {
  return { status: 200, body: { data: await listIdentities(sql(), caller.customerId) } };
}

export const handler = httpDoor(routes['list-identities'], contract.listIdentities, run, () => ({
  sql: () => sqlAs('customers_api'),
}));
