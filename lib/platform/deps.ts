import { findAppKey } from '../apps/app-keys.dynamo.ts';
import type { AccountRules } from '../customers/accounts.ts';
import { createLimiter } from '../limits/limiter.dynamo.ts';
import { findSession, type SessionStore } from '../sessions/sessions.dynamo.ts';
import { clock } from './clock.ts';
import { config } from './config.ts';
import { dynamo } from './dynamo.ts';
import { frame } from './frame.ts';

/** What every HTTP door has around it: also who may come in, and how often. */
export function httpFrame() {
  return {
    ...frame(),
    doorkeeper: {
      take: (subject: string) => limiter()(subject, config().RATE_LIMIT_PER_MINUTE),
      identify: async (bearer: string, kinds: readonly ('customer' | 'app')[], address: string) => {
        if (kinds.includes('customer')) {
          const session = await findSession(sessionStore(), bearer);
          if (session !== undefined) {
            return { kind: 'customer' as const, address, customerId: session.customerId, session };
          }
        }
        if (kinds.includes('app')) {
          const key = await findAppKey(appKeyStore(), bearer);
          if (key !== undefined) return { kind: 'app' as const, address, keyId: key.keyId, scopes: key.scopes };
        }
        return undefined;
      },
    },
  };
}

let sharedLimiter: ReturnType<typeof createLimiter> | undefined;

/** One for all doors of the process: its own count and its knowledge of an outage are the process's. */
function limiter() {
  sharedLimiter ??= createLimiter({
    client: dynamo(),
    table: config().LIMITS_TABLE,
    clock,
  });
  return sharedLimiter;
}

export const sessionStore = (): SessionStore => ({
  client: dynamo(),
  table: config().SESSIONS_TABLE,
  idleSeconds: config().SESSION_IDLE_SECONDS,
  maxSeconds: config().SESSION_MAX_SECONDS,
  clock,
});

export const lockoutStore = () => ({ client: dynamo(), table: config().LIMITS_TABLE, clock });

/** How accounts are opened and recovered. */
export const accountRules = (): AccountRules => ({
  clock,
  mustConfirm: config().CONFIRM_EMAIL === 'required',
  pagesUrl: config().ACCOUNT_PAGES_URL,
});

export const appKeyStore = () => ({ client: dynamo(), table: config().APP_KEYS_TABLE, clock });

/** Options of the idempotency records in one service's table. */
export const idempotency = <T extends string>(table: T) => ({
  table,
  clock,
  keepSeconds: config().IDEMPOTENCY_KEY_SECONDS,
});
