import { rotateMonths } from '../../lib/operations/audit/months.sql.ts';
import { jobDoor } from '../../lib/platform/handlers/job.ts';
import type { Clock } from '../../lib/kernel/clock.ts';
import { config } from '../../lib/platform/config.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { jobs } from '../jobs.ts';

type Deps = { sql: () => Sql; clock: Clock; keepMonths: number };

export async function run({ sql, clock, keepMonths }: Deps) {
  return await rotateMonths(sql(), { now: new Date(clock.now()), keepMonths });
}

export const handler = jobDoor(jobs['rotate-audit'], run, ({ clock }) => ({
  sql: () => sqlAs('jobs'),
  clock,
  keepMonths: config().AUDIT_MONTHS,
}));
