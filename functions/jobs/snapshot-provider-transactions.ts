import { type SnapshotDeps, snapshotProviderTransactions } from '../../lib/operations/reconciliation/snapshot.ts';
import { config, tableName } from '../../lib/platform/config.ts';
import { dynamo } from '../../lib/platform/dynamo.ts';
import { jobHandler } from '../../lib/platform/handlers/job.ts';
import { paymentGateway } from '../../lib/platform/payments.ts';
import { jobs } from '../jobs.ts';

/** Copies the payment provider's transactions to DynamoDB, for jobs that cannot reach the internet. */
export const run = (deps: SnapshotDeps) => snapshotProviderTransactions(deps);

export const handler = jobHandler(jobs['snapshot-provider-transactions'], run, ({ clock, stopwatch }) => ({
  gateway: paymentGateway(),
  store: { client: dynamo(), table: tableName('providerCharges'), clock },
  stopwatch,
  days: config().RECONCILE_DAYS,
  // A page that was started before the limit is still written.
  limitMs: (jobs['snapshot-provider-transactions'].timeoutSeconds - 60) * 1000,
}));
