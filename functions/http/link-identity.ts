import { type IdTokenDeps, linkIdentity, readIdToken } from '../../lib/accounts/identities/link.ts';
import * as contract from '../../lib/contract/api/identities.ts';
import type { CallerOf } from '../../lib/contract/deploy/route.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { verifyToken } from '../../lib/platform/identity.ts';
import { sqlAs } from '../../lib/platform/sql.ts';
import { identityLinks } from '../../lib/platform/stores.ts';
import { routes } from '../routes.ts';

export async function run(
  { body, caller }: Request<typeof contract.linkIdentity, CallerOf<'session'>>,
  deps: IdTokenDeps,
): Promise<Result> {
  const token = await readIdToken(deps, body.idToken, { applicationId: caller.application.id });
  const { identity, linked } = await linkIdentity(deps, token, caller.customerId);
  return { status: linked ? 201 : 200, body: identity };
}

export const handler = httpHandler(routes['link-identity'], contract.linkIdentity, run, ({ clock }) => ({
  sql: () => sqlAs('customers_api'),
  links: identityLinks(),
  clock,
  verify: verifyToken,
}));
