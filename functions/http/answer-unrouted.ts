import { listApplications } from '../../lib/auth/applications/applications.dynamo.ts';
import { createOrigins } from '../../lib/auth/applications/origins.ts';
import { Problem } from '../../lib/contract/api/problems.ts';
import * as contract from '../../lib/contract/api/system.ts';
import { matcher } from '../../lib/contract/deploy/routing.ts';
import { applicationStore } from '../../lib/platform/deps.ts';
import { httpHandler, type Request, type Result } from '../../lib/platform/handlers/http.ts';
import { routes } from '../routes.ts';

type Deps = { isKnownOrigin: (origin: string) => Promise<boolean> };

const match = matcher(Object.values(routes));

/** What no other route answers: the question of a browser before a request (CORS), and what there is not. */
export async function run({ target }: Request<typeof contract.answerUnrouted>, deps: Deps): Promise<Result> {
  const { method, path, origin } = target;
  const found = match(method, path);
  if (found === undefined || !('allow' in found)) throw new Problem('route-not-found', '');
  const allow = found.allow.join(', ');
  if (method !== 'OPTIONS') throw new Problem('method-not-allowed', '', { headers: { allow } });
  const known = origin !== undefined && (await deps.isKnownOrigin(origin));
  return { status: 204, headers: { allow, vary: 'Origin', ...(known ? permission(origin, allow) : {}) } };
}

/** Header fields of the Fetch standard, CORS protocol; kept for two hours, which is as long as browsers do. */
const permission = (origin: string, methods: string) => ({
  'access-control-allow-origin': origin,
  'access-control-allow-methods': methods,
  'access-control-allow-headers':
    'Authorization, Client-Id, Content-Type, Idempotency-Key, If-Match, If-None-Match, Prefer, X-Request-Id',
  'access-control-max-age': '7200',
});

export const handler = httpHandler(routes['answer-unrouted'], contract.answerUnrouted, run, ({ clock }) => ({
  isKnownOrigin: createOrigins(() => listApplications(applicationStore()), clock),
}));
