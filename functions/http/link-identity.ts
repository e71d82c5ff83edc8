import { readIdToken, type Verify } from '../../lib/accounts/identities/exchange.ts';
import { type LinkDeps, linkIdentity } from '../../lib/accounts/identities/link.ts';
import * as contract from '../../lib/contract/api/identities.ts';
import type { CallerOf } from '../../lib/contract/deploy/route.ts';
import { httpHandler, type Request, type Result } from '../../lib/platform/handlers/http.ts';
import { identityCopies, verifyToken } from '../../lib/platform/identity.ts';
import { sqlAs } from '../../lib/platform/sql.ts';
import { routes } from '../routes.ts';

type Deps = LinkDeps & { verify: Verify };

export async function run(
  { body, caller }: Request<typeof contract.linkIdentity, CallerOf<'session'>>,
  deps: Deps,
): Promise<Result> {
  const token = await readIdToken(deps.verify, body.idToken);
  const { identity, linked } = await linkIdentity(deps, token, caller.customerId);
  return { status: linked ? 201 : 200, body: identity };
}

export const handler = httpHandler(routes['link-identity'], contract.linkIdentity, run, ({ clock }) => ({
  sql: () => sqlAs('customers_api'),
  copies: identityCopies(),
  clock,
  verify: verifyToken,
}));
