import type { AccountDeps } from '../accounts/customers/account-changes.ts';
import type { AccountRules } from '../accounts/customers/account-requests.ts';
import type { PasswordDeps } from '../accounts/customers/check-password.ts';
import { passwordCost } from '../accounts/customers/passwords.ts';
import { describeError, type Logger } from '../kernel/log.ts';
import { clock } from './clock.ts';
import { config } from './config.ts';
import { sqlAs } from './sql.ts';
import { identityLinks, lockoutStore, sessionStore } from './stores.ts';

/** What handlers need that change an account and end its sessions. */
export const accountDeps = (log: Pick<Logger, 'error'>): AccountDeps => ({
  sql: () => sqlAs('customers_api'),
  clock,
  sessions: sessionStore(),
  links: identityLinks(),
  onSessionsLeft: (error) => log.error('sessions not ended', { error: describeError(error) }),
});

/** What handlers need that check a password. */
export const passwordDeps = (): PasswordDeps => ({
  sql: () => sqlAs('customers_api'),
  lockout: lockoutStore(),
  cost: passwordCost,
  clock,
});

export const accountRules = (): AccountRules => ({
  clock,
  mustConfirm: config().CONFIRM_EMAIL === 'required',
  pagesUrl: config().ACCOUNT_PAGES_URL,
});
