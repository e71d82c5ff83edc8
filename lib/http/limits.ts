import type { ConcurrencyLimit } from '../auth/limits/concurrency.dynamo.ts';
import type { RateLimiter } from '../auth/limits/rate-limiter.dynamo.ts';
import { isPublicClient } from '../contract/api/applications.ts';
import type { Caller } from '../contract/api/caller.ts';
import { Problem } from '../contract/api/problems.ts';
import {
  type LimitedKind,
  type LimitState,
  limitOf,
  type RateClass,
  type RateClasses,
} from '../contract/deploy/limits.ts';
import type { Meter } from '../contract/deploy/metrics.ts';
import type { Route } from '../contract/deploy/route.ts';
import { networkOf } from '../kernel/network.ts';

/**
 * Counts a request against the limit of each of its subjects, and adds the state of each limit to the response.
 * @throws Problem rate-limited
 */
export async function checkRateLimits(
  { rateClass: routeClass }: Route,
  caller: Caller,
  {
    rateLimiter,
    perMinute,
    rateClasses,
    meter,
    responseHeaders,
  }: {
    rateLimiter: RateLimiter;
    perMinute: number;
    rateClasses?: RateClasses | undefined;
    meter: Meter;
    responseHeaders: Record<string, string>;
  },
): Promise<void> {
  if (routeClass === 'exempt') return;
  const rateClass: RateClass = caller.kind === 'anonymous' ? 'standard' : caller.application.rateClass;
  const states = await Promise.all(
    subjectsOf(caller).map(async ({ kind, id }) => ({
      kind,
      state: await rateLimiter(`${kind}:${id}`, limitOf(rateClass, kind, perMinute, rateClasses)),
    })),
  );
  for (const { kind, state } of states) addLimitHeaders(kind, state, responseHeaders);
  if (states.some(({ state }) => state.fallback)) meter.count('LimiterFallback');
  const exceeded = states.find(({ state }) => !state.allowed);
  if (exceeded === undefined) return;
  meter.count('RateLimited');
  const { kind, state } = exceeded;
  throw new Problem(
    'rate-limited',
    `At most ${state.limit} requests in ${state.windowSeconds} seconds for each ${kind}. Try again in ${state.resetSeconds} s.`,
    {
      headers: { 'retry-after': String(state.resetSeconds) },
    },
  );
}

/**
 * The subjects that a request counts against. A server sends the requests of many customers from one address, so it has
 * no limit by address; its customers have their own.
 */
function subjectsOf(caller: Caller): { kind: LimitedKind; id: string }[] {
  const byAddress = caller.kind === 'anonymous' || isPublicClient(caller.application.kind);
  return [
    ...(byAddress ? [{ kind: 'address' as const, id: networkOf(caller.address) }] : []),
    ...(caller.kind === 'customer' ? [{ kind: 'customer' as const, id: caller.customerId }] : []),
    ...(caller.kind === 'anonymous' ? [] : [{ kind: 'application' as const, id: bucketOf(caller) }]),
  ];
}

/**
 * Anybody can send a Client-Id. What comes with nothing else has a bucket of its own, so that it does not use up that of the
 * application's customers.
 */
const bucketOf = (caller: Exclude<Caller, { kind: 'anonymous' }>): string =>
  caller.kind === 'client' ? `${caller.application.id}:client` : caller.application.id;

/** Header fields of the IETF draft draft-ietf-httpapi-ratelimit-headers. */
function addLimitHeaders(kind: LimitedKind, state: LimitState, headers: Record<string, string>): void {
  append(headers, 'ratelimit-policy', `"${kind}";q=${state.limit};w=${state.windowSeconds}`);
  append(headers, 'ratelimit', `"${kind}";r=${state.remaining};t=${state.resetSeconds}`);
}

const append = (headers: Record<string, string>, name: string, value: string): void => {
  headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`;
};

/**
 * Acquires one of the permits that an application has for an expensive operation.
 * @param seconds how long the permit lasts if it is never released
 * @returns a function that releases the permit
 * @throws Problem too-many-at-once
 */
export async function acquirePermit(
  { operation, concurrent }: Route,
  caller: Caller,
  requestId: string,
  { concurrency, meter, seconds }: { concurrency: ConcurrencyLimit; meter: Meter; seconds: number },
): Promise<() => Promise<void>> {
  if (concurrent === undefined || caller.kind === 'anonymous') return async () => {};
  const subject = `${operation}:${caller.application.id}`;
  const { acquired, fallback } = await concurrency.acquire(subject, concurrent, requestId, seconds);
  if (fallback) meter.count('LimiterFallback');
  if (acquired) return () => concurrency.release(subject, requestId);
  meter.count('ConcurrencyRefused');
  throw new Problem('too-many-at-once', `At most ${concurrent} of these at the same time for each application.`, {
    headers: { 'retry-after': '1' },
  });
}
