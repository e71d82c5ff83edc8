import { purgeTokens } from '../../lib/accounts/customers/email-tokens.sql.ts';
import { purgeMails } from '../../lib/accounts/mail/outbox.sql.ts';
import { purgeExpiredKeys } from '../../lib/database/idempotency.sql.ts';
import type { Clock } from '../../lib/kernel/clock.ts';
import { jobHandler } from '../../lib/platform/handlers/job.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { jobs } from '../jobs.ts';

/** How long the record of a mail, without its text, is kept. */
const mailDays = 30;

export async function run({ sql, clock }: { sql: () => Sql; clock: Clock }) {
  const now = clock.now();
  return {
    keys: await purgeExpiredKeys(sql(), new Date(now)),
    tokens: await purgeTokens(sql(), new Date(now)),
    mails: await purgeMails(sql(), new Date(now - mailDays * 24 * 3600_000)),
  };
}

export const handler = jobHandler(jobs['purge-expired'], run, ({ clock }) => ({
  sql: () => sqlAs('jobs'),
  clock,
}));
