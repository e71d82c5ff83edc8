import type { Clock } from '../../lib/kernel/clock.ts';
import { rotateMonths } from '../../lib/operations/audit/record.sql.ts';
import { config } from '../../lib/platform/config.ts';
import { jobHandler } from '../../lib/platform/handlers/job.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { jobs } from '../jobs.ts';

type Deps = { sql: () => Sql; clock: Clock; keepMonths: number };

export async function run({ sql, clock, keepMonths }: Deps) {
  return await rotateMonths(sql(), { now: new Date(clock.now()), keepMonths });
}

export const handler = jobHandler(jobs['rotate-audit'], run, ({ clock }) => ({
  sql: () => sqlAs('jobs'),
  clock,
  keepMonths: config().AUDIT_MONTHS,
}));
