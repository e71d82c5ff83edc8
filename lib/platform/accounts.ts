import type { AccountDeps } from '../accounts/customers/own-account.ts';
import { describeError } from '../kernel/describe-error.ts';
import { clock } from './clock.ts';
import { sessionStore } from './deps.ts';
import { sqlAs } from './sql.ts';
import type { Logger } from './telemetry.ts';

/** What handlers are given that change an account and end its sessions. */
export const accountDeps = (log: Pick<Logger, 'error'>): AccountDeps => ({
  sql: () => sqlAs('customers_api'),
  clock,
  sessions: sessionStore(),
  onLeft: (error) => log.error('sessions not ended', { error: describeError(error) }),
});
