import { eventDays } from '../../lib/contract/deploy/retention.ts';
import { type ArchiveDeps, archiveRecords } from '../../lib/operations/archive/archive.ts';
import { config } from '../../lib/platform/config.ts';
import { jobHandler } from '../../lib/platform/handlers/job.ts';
import { sqlAs } from '../../lib/platform/sql.ts';
import { sleep } from '../../lib/shop/orders/wait.ts';
import { jobs } from '../jobs.ts';

type Deps = Omit<ArchiveDeps, 'sql'> & { sql: () => ArchiveDeps['sql'] };

/** Moves old orders, movements of stock and events to the archive. */
export async function run(deps: Deps) {
  return await archiveRecords({ ...deps, sql: deps.sql() });
}

export const handler = jobHandler(jobs['archive-records'], run, ({ clock, stopwatch }) => ({
  sql: () => sqlAs('jobs'),
  clock,
  stopwatch,
  sleep,
  afterMonths: config().ARCHIVE_AFTER_MONTHS,
  eventDays,
  limitMs: 60_000,
}));
