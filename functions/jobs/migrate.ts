import { migrate, shippedMigrations } from '../../lib/database/migrate.ts';
import { type DatabaseLogins, databaseLogins } from '../../lib/platform/database-logins.ts';
import { jobHandler } from '../../lib/platform/handlers/job.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import type { Logger } from '../../lib/platform/telemetry.ts';
import { jobs } from '../jobs.ts';

type Deps = { sql: () => Sql; log: Pick<Logger, 'info'>; directory: string | URL; logins?: DatabaseLogins | undefined };

/** Migrates the database to this release, before its functions are deployed. */
export async function run({ sql, log, directory, logins }: Deps): Promise<{ applied: string[] }> {
  await logins?.prepare();
  const migrated = await migrate({ sql: sql(), directory, log: (line) => log.info(line) });
  await logins?.setPasswords(sql());
  return migrated;
}

export const handler = jobHandler(jobs.migrate, run, ({ log }) => ({
  sql: () => sqlAs('migrator'),
  log,
  directory: shippedMigrations,
  logins: databaseLogins(),
}));
