import { type ApplicationStore, listApplications } from '../../lib/auth/applications/applications.dynamo.ts';
import { announceSuspensions } from '../../lib/events/suspensions.sql.ts';
import type { Clock } from '../../lib/kernel/clock.ts';
import { jobHandler } from '../../lib/platform/handlers/job.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { applicationStore } from '../../lib/platform/stores.ts';
import { jobs } from '../jobs.ts';

type Deps = { store: ApplicationStore; sql: () => Sql; clock: Clock };

/** How far back it looks: longer than the job may fail, so that no suspension is missed. */
const lookBackMs = 30 * 24 * 3600_000;

export async function run({ store, sql, clock }: Deps) {
  const since = clock.now() - lookBackMs;
  const suspensions = (await listApplications(store)).flatMap(({ applicationId, name, suspended }) =>
    suspended && suspended.at >= since ? [{ applicationId, name, ...suspended }] : [],
  );
  return { announced: suspensions.length === 0 ? 0 : await announceSuspensions(sql(), suspensions, clock) };
}

export const handler = jobHandler(jobs['announce-applications'], run, ({ clock }) => ({
  store: applicationStore(),
  sql: () => sqlAs('application_events'),
  clock,
}));
