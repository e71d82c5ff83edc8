import { findKey } from '../auth/applications/app-keys.dynamo.ts';
import { readApplication } from '../auth/applications/applications.dynamo.ts';
import { createApplicationCache } from '../auth/applications/cache.ts';
import { createAuthenticator } from '../auth/authenticate.ts';
import { createConcurrencyLimit } from '../auth/limits/concurrency.dynamo.ts';
import { createRateLimiter } from '../auth/limits/rate-limiter.dynamo.ts';
import { findSession } from '../auth/sessions/sessions.dynamo.ts';
import { rateClassesOf } from '../contract/deploy/limits.ts';
import type { AccessControl } from '../http/authorize.ts';
import { createCircuitBreaker } from '../kernel/circuit-breaker.ts';
import { clock } from './clock.ts';
import { config, tableName } from './config.ts';
import { dynamo } from './dynamo.ts';
import { authenticateIdentityToken } from './identity.ts';
import { applicationStore, sessionStore } from './stores.ts';

let shared: AccessControl | undefined;

/** The process's access control. All its handlers share it: caches, counts and circuit breakers are per process. */
export function accessControl(): AccessControl {
  shared ??= createAccessControl();
  return shared;
}

function createAccessControl(): AccessControl {
  const { RATE_LIMIT_PER_MINUTE, RATE_CLASSES } = config();
  const authBreaker = createCircuitBreaker(clock);
  const findApplication = createApplicationCache((id) => readApplication(applicationStore(), id), clock, authBreaker);
  const credentialStores = {
    session: (token: string) => findSession(sessionStore(), token),
    key: (key: string) => findKey(applicationStore(), key),
    token: authenticateIdentityToken,
    application: findApplication,
  };
  const limits = { client: dynamo(), table: tableName('limits'), clock, authBreaker };
  return {
    authenticate: createAuthenticator(credentialStores, clock, authBreaker),
    findApplication,
    rateLimiter: createRateLimiter(limits),
    perMinute: RATE_LIMIT_PER_MINUTE,
    rateClasses: RATE_CLASSES === undefined ? undefined : rateClassesOf(RATE_CLASSES),
    concurrency: createConcurrencyLimit(limits),
  };
}
