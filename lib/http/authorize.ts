import type { FindApplication } from '../auth/applications/cache.ts';
import type { Authenticate } from '../auth/authenticate.ts';
import type { ConcurrencyLimit } from '../auth/limits/concurrency.dynamo.ts';
import type { RateLimiter } from '../auth/limits/rate-limiter.dynamo.ts';
import type { Caller } from '../contract/api/caller.ts';
import { Problem } from '../contract/api/problems.ts';
import type { Meter } from '../contract/deploy/metrics.ts';
import type { Route } from '../contract/deploy/route.ts';
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
  concurrency: ConcurrencyLimit;
};

/**
 * Decides whether a request may be handled; this is the only place that does. Authenticates the caller, checks the
 * page's origin, counts the request against its rate limits and checks the application's scopes. Notes the caller in
 * the context as soon as it is known.
 * @throws Problem unauthenticated, forbidden, rate-limited; DependencyUnavailable
 */
export async function authorize(
  route: Route,
  context: RequestContext,
  accessControl: AccessControl,
  meter: Meter,
): Promise<Caller> {
  const { event, responseHeaders } = context;
  const { authorization, 'client-id': clientId, origin } = event.headers;
  const anonymous: Caller = { kind: 'anonymous', address: event.requestContext.http.sourceIp };
  const limit = (caller: Caller) => checkRateLimits(route, caller, { ...accessControl, meter, responseHeaders });

  if (route.auth === 'public') {
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
  checkScopes(route, caller.application.scopes);
  return caller;
}

function checkScopes({ scopes }: Route, granted: readonly string[]): void {
  const missing = scopes.filter((scope) => !granted.includes(scope));
  if (missing.length > 0) throw new Problem('forbidden', `This application lacks the scope ${missing.join(', ')}.`);
}
