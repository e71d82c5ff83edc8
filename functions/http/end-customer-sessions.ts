import { type AccountDeps, signOutEverywhere } from '../../lib/accounts/customers/account-changes.ts';
import { findCustomer } from '../../lib/accounts/customers/customers.sql.ts';
import type { App } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/customers.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { accountDeps } from '../../lib/platform/accounts.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { routes } from '../routes.ts';

export async function run(
  { path }: Request<typeof contract.endCustomerSessions, App>,
  deps: AccountDeps,
): Promise<Result> {
  const { id } = await findCustomer(deps.sql(), path.customerId);
  await signOutEverywhere(deps, id);
  return { status: 204 };
}

export const handler = httpHandler(routes['end-customer-sessions'], contract.endCustomerSessions, run, ({ log }) =>
  accountDeps(log),
);
