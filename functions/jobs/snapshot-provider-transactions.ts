import { jobDoor } from '../../lib/platform/handlers/job.ts';
import { config } from '../../lib/platform/config.ts';
import { dynamo } from '../../lib/platform/dynamo.ts';
import { paymentGateway } from '../../lib/platform/payments.ts';
import { type MirrorDeps, mirrorCharges } from '../../lib/operations/reconciliation/snapshot.ts';
import { jobs } from '../jobs.ts';

/** Copies the payment provider's books to where jobs with a database can read them. */
export const run = (deps: MirrorDeps) => mirrorCharges(deps);

export const handler = jobDoor(jobs['mirror-charges'], run, ({ clock, stopwatch }) => ({
  gateway: paymentGateway(),
  store: { client: dynamo(), table: config().PROVIDER_CHARGES_TABLE, clock },
  stopwatch,
  days: config().RECONCILE_DAYS,
  // A page that was begun by then is still written.
  limitMs: (jobs['mirror-charges'].timeoutSeconds - 60) * 1000,
}));
