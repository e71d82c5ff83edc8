import { type AccountDeps, unlinkIdentity } from '../../lib/accounts/customers/account-changes.ts';
import type { App } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/identities.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { accountDeps } from '../../lib/platform/accounts.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { routes } from '../routes.ts';

export async function run(
  { path }: Request<typeof contract.unlinkCustomerIdentity, App>,
  deps: AccountDeps,
): Promise<Result> {
  await unlinkIdentity(deps, { id: path.identityId, customerId: path.customerId });
  return { status: 204 };
}

export const handler = httpHandler(
  routes['unlink-customer-identity'],
  contract.unlinkCustomerIdentity,
  run,
  ({ log }) => accountDeps(log),
);
