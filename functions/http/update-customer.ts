import { type AccountDeps, changeStanding } from '../../lib/accounts/customers/account-changes.ts';
import type { App } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/customers.ts';
import type { Request } from '../../lib/http/request.ts';
import { type Result, versionTag } from '../../lib/http/response.ts';
import { accountDeps } from '../../lib/platform/accounts.ts';
import { announcing } from '../../lib/platform/handlers/announcing.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { routes } from '../routes.ts';

export async function run(
  { path, body, condition, requestId }: Request<typeof contract.updateCustomer, App>,
  deps: AccountDeps,
): Promise<Result> {
  const customer = await changeStanding(deps, { id: path.customerId, ...body }, { condition, requestId });
  return { status: 200, body: customer, etag: versionTag(customer.version) };
}

export const handler = httpHandler(routes['update-customer'], contract.updateCustomer, announcing(run), ({ log }) =>
  accountDeps(log),
);
