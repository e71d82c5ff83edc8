import { listApplications } from '../../lib/auth/applications/applications.dynamo.ts';
import { createOriginCache } from '../../lib/auth/applications/cache.ts';
import { Problem } from '../../lib/contract/api/problems.ts';
import * as contract from '../../lib/contract/api/system.ts';
import { matcher } from '../../lib/contract/deploy/routing.ts';
import { preflightHeaders } from '../../lib/http/cors.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { applicationStore } from '../../lib/platform/stores.ts';
import { routes } from '../routes.ts';

type Deps = { isKnownOrigin: (origin: string) => Promise<boolean> };

const match = matcher(Object.values(routes));

/** Answers what no other route does: CORS preflight requests, unknown paths, and methods that a path does not have. */
export async function run({ target }: Request<typeof contract.answerUnrouted>, deps: Deps): Promise<Result> {
  const { method, path, origin } = target;
  const found = match(method, path);
  if (found === undefined || !('allow' in found)) {
    throw new Problem('route-not-found', 'GET /docs describes every endpoint.', {
      headers: { link: '</docs>; rel="help"' },
    });
  }
  const allow = found.allow.join(', ');
  if (method !== 'OPTIONS') throw new Problem('method-not-allowed', `Use ${allow}.`, { headers: { allow } });
  const known = origin !== undefined && (await deps.isKnownOrigin(origin));
  return { status: 204, headers: { allow, vary: 'Origin', ...(known ? preflightHeaders(origin, allow) : {}) } };
}

export const handler = httpHandler(routes['answer-unrouted'], contract.answerUnrouted, run, ({ clock }) => ({
  isKnownOrigin: createOriginCache(() => listApplications(applicationStore()), clock),
}));
