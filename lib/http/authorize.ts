import type { FindApplication } from '../auth/applications/cache.ts';
import type { Authenticate } from '../auth/authenticate.ts';
import type { ConcurrencyLimit } from '../auth/limits/concurrency.dynamo.ts';
import type { RateLimiter } from '../auth/limits/rate-limiter.dynamo.ts';
import type { Caller } from '../contract/api/caller.ts';
import { Problem } from '../contract/api/problems.ts';
import type { RateClasses } from '../contract/deploy/limits.ts';
import type { Meter } from '../contract/deploy/metrics.ts';
import type { Scope } from '../contract/deploy/roles.ts';
import type { Route } from '../contract/deploy/route.ts';
import type { Clock } from '../kernel/clock.ts';
import { authenticate } from './authenticate.ts';
import { checkOrigin } from './cors.ts';
import { checkRateLimits } from './limits.ts';
import type { RequestContext } from './request.ts';

/** The stores behind authentication and limits. The process has one of each, shared by all its handlers. */
export type AccessControl = {
  authenticate: Authenticate;
  findApplication: FindApplication;
  rateLimiter: RateLimiter;
  /** Requests a minute; the limits of the rate classes are multiples of it. */
  perMinute: number;
  /** Those multiples, where the stage has others than the code. */
  rateClasses?: RateClasses | undefined;
  concurrency: ConcurrencyLimit;
};

/**
 * Decides whether a request may be handled; this is the only place that does. Authenticates the caller, checks the
 * page's origin, counts the request against its rate limits and checks the application's scopes. Notes the caller in
 * the context as soon as it is known.
 * @throws Problem unauthenticated, forbidden, rate-limited, sign-in-again; DependencyUnavailable
 */
export async function authorize(
  route: Route,
  context: RequestContext,
  accessControl: AccessControl,
  { meter, clock }: { meter: Meter; clock: Clock },
): Promise<Caller> {
  const { event, responseHeaders } = context;
  const { authorization, 'client-id': clientId, origin } = event.headers;
  const anonymous: Caller = { kind: 'anonymous', address: event.requestContext.http.sourceIp };
  const limit = (caller: Caller) => checkRateLimits(route, caller, { ...accessControl, meter, responseHeaders });

  if (route.auth === 'public') {
    // What anybody may read, any page may.
    if (route.method === 'GET') responseHeaders['access-control-allow-origin'] = '*';
    context.caller = anonymous;
    await limit(anonymous);
    return anonymous;
  }
  const credentials = { authorization, clientId, origin, address: anonymous.address };
  const { caller, application, refusal } = await authenticate(route, credentials, accessControl);
  context.caller = caller;
  checkOrigin(origin, application, responseHeaders);
  // A request with credentials that are not accepted is counted against its address.
  await limit(refusal === undefined && caller !== undefined ? caller : anonymous);
  if (caller === undefined || refusal !== undefined) throw new Problem('unauthenticated', refusal ?? '');
  requireScope(caller, ...route.scopes);
  if (route.recent) checkSignIn(caller, clock);
  return caller;
}

/** How long a sign-in counts as recent, in seconds. */
const recentSeconds = 600;

/** @throws Problem sign-in-again, with the challenge of RFC 9470 */
function checkSignIn(caller: Caller, clock: Clock): void {
  const { authenticatedAt = 0 } = (caller.kind === 'customer' && caller.session) || {};
  if (clock.now() - authenticatedAt <= recentSeconds * 1000) return;
  throw new Problem('sign-in-again', `Sign in again and repeat the request within ${recentSeconds / 60} minutes.`, {
    headers: {
      'www-authenticate': `Bearer error="insufficient_user_authentication", max_age="${recentSeconds}"`,
    },
  });
}

/** @throws Problem forbidden, naming every scope that the caller's application lacks */
export function requireScope(
  { application }: Exclude<Caller, { kind: 'anonymous' }>,
  ...scopes: readonly Scope[]
): void {
  const missing = scopes.filter((scope) => !application.scopes.includes(scope));
  if (missing.length > 0) throw new Problem('forbidden', `This application lacks the scope ${missing.join(', ')}.`);
}
