import { type AccountDeps, signOutEverywhere } from '../../lib/accounts/customers/account-changes.ts';
import type { Customer } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/sessions.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { accountDeps } from '../../lib/platform/accounts.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { routes } from '../routes.ts';

export async function run(
  request: Request<typeof contract.signOutEverywhere, Customer>,
  deps: AccountDeps,
): Promise<Result> {
  await signOutEverywhere(deps, request.caller.customerId);
  return { status: 204 };
}

export const handler = httpHandler(routes['sign-out-everywhere'], contract.signOutEverywhere, run, ({ log }) =>
  accountDeps(log),
);
