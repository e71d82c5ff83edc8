import { reconcile } from '../../lib/operations/reconciliation/reconcile.ts';
import type { ReconcileDeps } from '../../lib/operations/reconciliation/run.ts';
import { config, tableName } from '../../lib/platform/config.ts';
import { dynamo } from '../../lib/platform/dynamo.ts';
import { describeExecution, startCompensating } from '../../lib/platform/executions.ts';
import { jobHandler } from '../../lib/platform/handlers/job.ts';
import { sqlAs } from '../../lib/platform/sql.ts';
import type { Meter } from '../../lib/platform/telemetry.ts';
import { jobs } from '../jobs.ts';

type Deps = Omit<ReconcileDeps, 'sql'> & { sql: () => ReconcileDeps['sql']; meter: Pick<Meter, 'count'> };

/** Compares the payment provider, orders and the stock ledger, and repairs differences whose cause is certain. */
export async function run(deps: Deps) {
  const { found, repaired, open, snapshotAge, lag, age } = await reconcile({ ...deps, sql: deps.sql() });
  for (const [kind, count] of Object.entries(open)) deps.meter.count('ReconciliationFindings', count, kind);
  deps.meter.count('ReconciliationRepairs', repaired);
  if (snapshotAge !== undefined) deps.meter.count('ProviderSnapshotAge', snapshotAge);
  deps.meter.count('ChecksLag', lag);
  deps.meter.count('OldestUncheckedRow', age);
  return { found, repaired, open, snapshotAge, lag, age };
}

export const handler = jobHandler(jobs.reconcile, run, ({ clock, stopwatch, meter, log }) => ({
  sql: () => sqlAs('reconciler'),
  store: { client: dynamo(), table: tableName('providerCharges'), clock },
  clock,
  stopwatch,
  meter,
  startCompensating,
  describeExecution,
  graceSeconds: config().RECONCILE_GRACE_SECONDS,
  // Four comparisons, and time for their last pages.
  limitMs: 120_000,
  // Hourly, and everything within a week.
  runsPerPass: 7 * 24,
  onFinding: ({ kind, subject, problem }) =>
    log.error('reconciliation finding', { kind, subject, details: problem?.details, advice: problem?.advice }),
  onError: (subject, error) => log.error('finding not repaired', { subject, reason: String(error) }),
}));
