import { type LinkDeps, unlinkIdentity } from '../../lib/accounts/identities/link.ts';
import * as contract from '../../lib/contract/api/identities.ts';
import { Problem } from '../../lib/contract/api/problems.ts';
import type { CallerOf } from '../../lib/contract/deploy/route.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { sqlAs } from '../../lib/platform/sql.ts';
import { identityLinks } from '../../lib/platform/stores.ts';
import { routes } from '../routes.ts';

export async function run(
  { path, caller }: Request<typeof contract.unlinkIdentity, CallerOf<'session'>>,
  deps: LinkDeps,
): Promise<Result> {
  const unlinked = await unlinkIdentity(deps, path.identityId, caller.customerId);
  if (!unlinked) throw new Problem('not-found', 'You have no identity with this id.');
  return { status: 204 };
}

export const handler = httpHandler(routes['unlink-identity'], contract.unlinkIdentity, run, ({ clock }) => ({
  sql: () => sqlAs('customers_api'),
  links: identityLinks(),
  clock,
}));
