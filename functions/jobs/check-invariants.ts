import type { Clock } from '../../lib/kernel/clock.ts';
import { findViolations } from '../../lib/operations/monitoring/invariants.sql.ts';
import { jobHandler } from '../../lib/platform/handlers/job.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import type { Logger, Meter } from '../../lib/platform/telemetry.ts';
import { jobs } from '../jobs.ts';

type Deps = { sql: () => Sql; clock: Clock; meter: Meter; log: Pick<Logger, 'error'> };

export async function run({ sql, clock, meter, log }: Deps) {
  const found = await findViolations(sql(), new Date(clock.now()));
  for (const { invariant, count, ids } of found) {
    meter.count('InvariantViolations', count, invariant);
    if (count > 0) log.error('invariant broken', { invariant, count, ids });
  }
  return { violations: found.reduce((sum, { count }) => sum + count, 0) };
}

export const handler = jobHandler(jobs['check-invariants'], run, ({ clock, meter, log }) => ({
  sql: () => sqlAs('monitor'),
  clock,
  meter,
  log,
}));
