import type { ApplicationStore } from '../auth/applications/applications.dynamo.ts';
import type { IdentityLinks } from '../auth/identity/identity-links.dynamo.ts';
import type { LockoutStore } from '../auth/limits/lockout.dynamo.ts';
import type { SessionStore } from '../auth/sessions/sessions.dynamo.ts';
import type { WebhookStore } from '../events/webhooks/endpoints.dynamo.ts';
import { clock } from './clock.ts';
import { config, tableName } from './config.ts';
import { dynamo } from './dynamo.ts';

/*
 * The stores that several handlers use, with their tables, clock and settings.
 */

export const sessionStore = (): SessionStore => ({
  client: dynamo(),
  table: tableName('sessions'),
  idleSeconds: config().SESSION_IDLE_SECONDS,
  maxSeconds: config().SESSION_MAX_SECONDS,
  clock,
});

export const applicationStore = (): ApplicationStore => ({
  client: dynamo(),
  table: tableName('applications'),
  keysTable: tableName('appKeys'),
  clock,
});

export const webhookStore = (): WebhookStore => ({
  client: dynamo(),
  endpoints: tableName('webhookEndpoints'),
  deliveries: tableName('webhookDeliveries'),
  queue: tableName('webhookQueue'),
  clock,
});

export const identityLinks = (): IdentityLinks => ({ client: dynamo(), table: tableName('identities') });

export const lockoutStore = (): LockoutStore => ({ client: dynamo(), table: tableName('limits'), clock });

/** What one customer's unpaid orders may come to. */
export const unpaidLimits = () => ({ orders: config().MAX_UNPAID_ORDERS, units: config().MAX_UNPAID_UNITS });

/** The idempotency records in a table of one of the schemas. */
export const idempotency = <T extends string>(table: T) => ({
  table,
  clock,
  keepSeconds: config().IDEMPOTENCY_KEY_SECONDS,
});
