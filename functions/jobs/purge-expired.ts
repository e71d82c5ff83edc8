import { purgeTokens } from '../../lib/accounts/customers/email-tokens.sql.ts';
import { dropUnconfirmed, type UnconfirmedEnd } from '../../lib/accounts/customers/erase.sql.ts';
import { purgeFeedEntries } from '../../lib/accounts/customers/feeds.sql.ts';
import { purgeMails } from '../../lib/accounts/mail/outbox.sql.ts';
import { purgeExports } from '../../lib/analytics/exports/exports.sql.ts';
import { purgeRuns } from '../../lib/analytics/subscriptions/runs.sql.ts';
import * as retention from '../../lib/contract/deploy/retention.ts';
import { type Batching, inBatches, walkInBatches } from '../../lib/database/batches.ts';
import { keyTables, purgeExpiredKeys } from '../../lib/database/idempotency.sql.ts';
import type { Clock, Stopwatch } from '../../lib/kernel/clock.ts';
import { accountRules } from '../../lib/platform/accounts.ts';
import { jobHandler } from '../../lib/platform/handlers/job.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { purgeImports } from '../../lib/shop/imports/imports.sql.ts';
import { sleep } from '../../lib/shop/orders/wait.ts';
import { jobs } from '../jobs.ts';

export type Deps = {
  sql: () => Sql;
  clock: Clock;
  stopwatch: Stopwatch;
  sleep: Batching['sleep'];
  mustConfirm: boolean;
};

/** Nothing more is begun after so many milliseconds; the rest waits for the next hour. */
const limitMs = 60_000;

export async function run({ sql, clock, mustConfirm, stopwatch, sleep }: Deps) {
  const now = new Date(clock.now());
  const daysAgo = (days: number) => new Date(now.getTime() - days * 24 * 3600_000);
  const batching = { stopwatch, sleep, untilMs: stopwatch.elapsed() + limitMs };
  const purge = async (work: (limit: number) => Promise<number>) => (await inBatches(batching, work)).rows;
  const dropSignUps = (after: UnconfirmedEnd | undefined, limit: number) =>
    dropUnconfirmed(sql(), { signedUpBefore: daysAgo(retention.unconfirmedDays), now, after, limit });
  let keys = 0;
  for (const table of keyTables) keys += await purge((limit) => purgeExpiredKeys(sql(), table, { now, limit }));
  return {
    keys,
    tokens: await purge((limit) => purgeTokens(sql(), { now, limit })),
    imports: await purge((limit) => purgeImports(sql(), { before: daysAgo(retention.importDays), limit })),
    feedEntries: await purge((limit) => purgeFeedEntries(sql(), { before: daysAgo(retention.feedDays), limit })),
    exports: await purge((limit) => purgeExports(sql(), { before: daysAgo(retention.reportExportDays), limit })),
    reportRuns: await purge((limit) => purgeRuns(sql(), { before: daysAgo(retention.reportRunDays), limit })),
    mails: await purge((limit) => purgeMails(sql(), { now, limit })),
    // Where nobody has to confirm, an unconfirmed customer is a customer like any other.
    signUps: mustConfirm ? (await walkInBatches(batching, dropSignUps)).rows : 0,
  };
}

export const handler = jobHandler(jobs['purge-expired'], run, ({ clock, stopwatch }) => ({
  sql: () => sqlAs('jobs'),
  clock,
  stopwatch,
  sleep,
  mustConfirm: accountRules().mustConfirm,
}));
