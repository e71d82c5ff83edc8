import { type DataMigrationOptions, runDataMigrations } from '../../lib/database/data-migrations.ts';
import { shippedMigrations } from '../../lib/database/migrate.ts';
import { jobHandler } from '../../lib/platform/handlers/job.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { sleep } from '../../lib/shop/orders/wait.ts';
import { jobs } from '../jobs.ts';

type Deps = Omit<DataMigrationOptions, 'sql' | 'untilMs'> & { sql: () => Sql; limitMs: number };

/** Goes on with the data migrations of the releases so far. @returns how many are not finished, and the rows changed so far */
export async function run({ sql, limitMs, ...options }: Deps): Promise<{ open: number; changed: number }> {
  const untilMs = options.stopwatch.elapsed() + limitMs;
  const rows = await runDataMigrations({ ...options, sql: sql(), untilMs });
  return {
    open: rows.filter(({ finishedAt }) => finishedAt === null).length,
    changed: rows.reduce((sum, { changed }) => sum + changed, 0),
  };
}

export const handler = jobHandler(jobs['migrate-data'], run, ({ clock, stopwatch, log }) => ({
  sql: () => sqlAs('migrator'),
  directory: shippedMigrations,
  clock,
  stopwatch,
  sleep,
  log: (line) => log.info(line),
  limitMs: 240_000,
}));
