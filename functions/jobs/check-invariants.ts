import { jobDoor } from '../../lib/entry/job.ts';
import { findViolations } from '../../lib/monitor/invariants.sql.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import type { Logger, Meter } from '../../lib/platform/telemetry.ts';
import { jobs } from '../jobs.ts';

export async function run({ sql, meter, log }: { sql: () => Sql; meter: Meter; log: Pick<Logger, 'error'> }) {
  const found = await findViolations(sql());
  for (const { invariant, count, ids } of found) {
    meter.count('InvariantViolations', count, invariant);
    if (count > 0) log.error('invariant broken', { invariant, count, ids });
  }
  return { violations: found.reduce((sum, { count }) => sum + count, 0) };
}

export const handler = jobDoor(jobs['check-invariants'], run, ({ meter, log }) => ({
  sql: () => sqlAs('monitor'),
  meter,
  log,
}));
