import { type AccountDeps, unlinkIdentity } from '../../lib/accounts/customers/account-changes.ts';
import * as contract from '../../lib/contract/api/identities.ts';
import type { CallerOf } from '../../lib/contract/deploy/route.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { accountDeps } from '../../lib/platform/accounts.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { routes } from '../routes.ts';

export async function run(
  { path, caller }: Request<typeof contract.unlinkIdentity, CallerOf<'session'>>,
  deps: AccountDeps,
): Promise<Result> {
  await unlinkIdentity(deps, { id: path.identityId, customerId: caller.customerId }, caller.session);
  return { status: 204 };
}

export const handler = httpHandler(routes['unlink-identity'], contract.unlinkIdentity, run, ({ log }) =>
  accountDeps(log),
);
