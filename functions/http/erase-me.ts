import type { AccountDeps } from '../../lib/accounts/customers/ending-sessions.ts';
import { eraseCustomer } from '../../lib/accounts/customers/erase.ts';
import * as contract from '../../lib/contract/api/privacy.ts';
import type { CallerOf } from '../../lib/contract/deploy/route.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { accountDeps } from '../../lib/platform/accounts.ts';
import { announcing } from '../../lib/platform/handlers/announcing.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { sqlAs } from '../../lib/platform/sql.ts';
import { routes } from '../routes.ts';

export async function run(
  { caller, requestId }: Request<typeof contract.eraseMe, CallerOf<'session'>>,
  deps: AccountDeps,
): Promise<Result> {
  await eraseCustomer(deps, caller.customerId, requestId);
  return { status: 204 };
}

export const handler = httpHandler(routes['erase-me'], contract.eraseMe, announcing(run), ({ log }) => ({
  ...accountDeps(log),
  sql: () => sqlAs('customer_erasure'),
}));
