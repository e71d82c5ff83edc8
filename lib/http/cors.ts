import type { Application } from '../contract/api/caller.ts';
import { Problem } from '../contract/api/problems.ts';

/*
 * The CORS protocol of the Fetch standard. The API uses no cookies, so `Access-Control-Allow-Credentials` is never
 * sent.
 */

/**
 * Checks that a page may call for its application, and allows it to read the response. A request without an origin does
 * not come from a page; only web applications have pages.
 * @throws Problem forbidden
 */
export function checkOrigin(
  origin: string | undefined,
  application: Application | undefined,
  responseHeaders: Record<string, string>,
): void {
  if (origin === undefined || application?.kind !== 'web') return;
  if (!application.origins.includes(origin)) {
    // The page may read this one answer, so that its developer learns what is wrong.
    throw new Problem('forbidden', 'This application does not call from this origin. Register it in `origins`.', {
      headers: { 'access-control-allow-origin': origin, vary: 'Origin' },
    });
  }
  responseHeaders['access-control-allow-origin'] = origin;
  responseHeaders['access-control-expose-headers'] =
    'ETag, Idempotency-Replayed, Location, Order-Token, Preference-Applied, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id';
  responseHeaders.vary = 'Origin';
}

/**
 * Header fields that answer a preflight request with yes. Browsers cache them for two hours, the longest they allow.
 */
export const preflightHeaders = (origin: string, methods: string): Record<string, string> => ({
  'access-control-allow-origin': origin,
  'access-control-allow-methods': methods,
  'access-control-allow-headers':
    'Authorization, Client-Id, Content-Type, Idempotency-Key, If-Match, If-None-Match, Order-Token, Prefer, X-Request-Id',
  'access-control-max-age': '7200',
});
