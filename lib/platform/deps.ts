import type { AccountRules } from '../accounts/customers/accounts.ts';
import { findKey } from '../auth/applications/app-keys.dynamo.ts';
import { type ApplicationStore, readApplication } from '../auth/applications/applications.dynamo.ts';
import { createIdentify } from '../auth/applications/identify.ts';
import { createRegistry } from '../auth/applications/registry.ts';
import { createConcurrencyLimit } from '../auth/limits/concurrency.dynamo.ts';
import { createLimiter } from '../auth/limits/limiter.dynamo.ts';
import { findSession, type SessionStore } from '../auth/sessions/sessions.dynamo.ts';
import { createCircuitBreaker } from '../kernel/circuit-breaker.ts';
import { recordAccess } from './access.ts';
import { clock } from './clock.ts';
import { config, tableName } from './config.ts';
import { dynamo } from './dynamo.ts';
import { identifyToken } from './identity.ts';
import { runtime } from './runtime.ts';

/** What every HTTP handler has around it: also who may come in, and how often. */
export function httpRuntime() {
  return { ...runtime(), record: recordAccess, accessControl: accessControl() };
}

let shared: ReturnType<typeof createAccessControl> | undefined;

/** One for all handlers of the process: what it counts, remembers and knows of an outage is the process's. */
function accessControl() {
  shared ??= createAccessControl();
  return shared;
}

function createAccessControl() {
  const away = createCircuitBreaker(clock);
  const application = createRegistry((id) => readApplication(applicationStore(), id), clock, away);
  const identify = createIdentify(
    {
      session: (token) => findSession(sessionStore(), token),
      key: (key) => findKey(applicationStore(), key),
      token: identifyToken,
      application,
    },
    clock,
    away,
  );
  const counting = { client: dynamo(), table: tableName('limits'), clock, away };
  const limiter = createLimiter(counting);
  const permits = createConcurrencyLimit(counting);
  return { identify, application, take: limiter, ...permits, perMinute: config().RATE_LIMIT_PER_MINUTE };
}

export const sessionStore = (): SessionStore => ({
  client: dynamo(),
  table: tableName('sessions'),
  idleSeconds: config().SESSION_IDLE_SECONDS,
  maxSeconds: config().SESSION_MAX_SECONDS,
  clock,
});

export const lockoutStore = () => ({ client: dynamo(), table: tableName('limits'), clock });

/** How accounts are opened and recovered. */
export const accountRules = (): AccountRules => ({
  clock,
  mustConfirm: config().CONFIRM_EMAIL === 'required',
  pagesUrl: config().ACCOUNT_PAGES_URL,
});

export const applicationStore = (): ApplicationStore => ({
  client: dynamo(),
  table: tableName('applications'),
  keysTable: tableName('appKeys'),
  clock,
});

/** Options of the idempotency records in one service's table. */
export const idempotency = <T extends string>(table: T) => ({
  table,
  clock,
  keepSeconds: config().IDEMPOTENCY_KEY_SECONDS,
});
