import { jobDoor } from '../../lib/entry/job.ts';
import { purgeExpiredKeys } from '../../lib/idempotency/purge.sql.ts';
import type { Clock } from '../../lib/kernel/clock.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { jobs } from '../jobs.ts';

export async function run({ sql, clock }: { sql: () => Sql; clock: Clock }) {
  return { keys: await purgeExpiredKeys(sql(), new Date(clock.now())) };
}

export const handler = jobDoor(jobs['purge-expired'], run, ({ clock }) => ({
  sql: () => sqlAs('jobs'),
  clock,
}));
