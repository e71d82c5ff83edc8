import { type AccountDeps, changeEmail } from '../../lib/accounts/customers/account-changes.ts';
import * as contract from '../../lib/contract/api/customers.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { accountDeps } from '../../lib/platform/accounts.ts';
import { announcing } from '../../lib/platform/handlers/announcing.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { routes } from '../routes.ts';

export async function run(
  { body, concerns, requestId }: Request<typeof contract.changeEmail>,
  deps: AccountDeps,
): Promise<Result> {
  concerns(await changeEmail(deps, body.token, requestId));
  return { status: 204 };
}

export const handler = httpHandler(routes['change-email'], contract.changeEmail, announcing(run), ({ log }) =>
  accountDeps(log),
);
