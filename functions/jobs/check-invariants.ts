import type { Clock, Stopwatch } from '../../lib/kernel/clock.ts';
import { checkInvariants } from '../../lib/operations/monitoring/invariants.ts';
import { readRestoreTestAge } from '../../lib/operations/monitoring/restore-tests.sql.ts';
import { jobHandler } from '../../lib/platform/handlers/job.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import type { Logger, Meter } from '../../lib/platform/telemetry.ts';
import { jobs } from '../jobs.ts';

type Deps = { sql: () => Sql; clock: Clock; stopwatch: Stopwatch; meter: Meter; log: Pick<Logger, 'error'> };

/** The job runs every fifteen minutes, and every row is looked at within a week. */
const runsPerPass = 7 * 24 * 4;
const limitMs = 60_000;

export async function run({ sql, clock, stopwatch, meter, log }: Deps) {
  const { violations, lag, age } = await checkInvariants({ sql: sql(), clock, stopwatch, runsPerPass, limitMs });
  for (const { invariant, count, ids } of violations) {
    meter.count('InvariantViolations', count, invariant);
    if (count > 0) log.error('invariant broken', { invariant, count, ids });
  }
  meter.count('ChecksLag', lag);
  meter.count('OldestUncheckedRow', age);
  meter.count('RestoreTestAge', await readRestoreTestAge(sql(), new Date(clock.now())));
  return { violations: violations.reduce((sum, { count }) => sum + count, 0), lag, age };
}

export const handler = jobHandler(jobs['check-invariants'], run, ({ clock, stopwatch, meter, log }) => ({
  sql: () => sqlAs('monitor'),
  clock,
  stopwatch,
  meter,
  log,
}));
