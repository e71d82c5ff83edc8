import { purgeTokens } from '../../lib/accounts/customers/email-tokens.sql.ts';
import { dropUnconfirmed } from '../../lib/accounts/customers/erase.sql.ts';
import { purgeMails } from '../../lib/accounts/mail/outbox.sql.ts';
import { purgeExpiredKeys } from '../../lib/database/idempotency.sql.ts';
import type { Clock } from '../../lib/kernel/clock.ts';
import { accountRules } from '../../lib/platform/accounts.ts';
import { jobHandler } from '../../lib/platform/handlers/job.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { jobs } from '../jobs.ts';

/** How long a sign-up is kept that nobody confirms. */
const unconfirmedDays = 7;

export type Deps = { sql: () => Sql; clock: Clock; mustConfirm: boolean };

export async function run({ sql, clock, mustConfirm }: Deps) {
  const now = new Date(clock.now());
  const signedUpBefore = new Date(now.getTime() - unconfirmedDays * 24 * 3600_000);
  return {
    keys: await purgeExpiredKeys(sql(), now),
    tokens: await purgeTokens(sql(), now),
    mails: await purgeMails(sql(), now),
    // Where nobody has to confirm, an unconfirmed customer is a customer like any other.
    signUps: mustConfirm ? await dropUnconfirmed(sql(), { signedUpBefore, now }) : 0,
  };
}

export const handler = jobHandler(jobs['purge-expired'], run, ({ clock }) => ({
  sql: () => sqlAs('jobs'),
  clock,
  mustConfirm: accountRules().mustConfirm,
}));
