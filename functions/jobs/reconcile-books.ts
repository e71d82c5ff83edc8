import type { PartsDeps } from '../../lib/analytics/parts.ts';
import { reportSales } from '../../lib/analytics/reports.ts';
import { type BooksDeps, reconcileBooks } from '../../lib/operations/reconciliation/reconcile-books.ts';
import { config, tableName } from '../../lib/platform/config.ts';
import { dynamo } from '../../lib/platform/dynamo.ts';
import { jobHandler } from '../../lib/platform/handlers/job.ts';
import { reportsAs } from '../../lib/platform/reports.ts';
import { sqlAs } from '../../lib/platform/sql.ts';
import { jobs } from '../jobs.ts';

type Deps = Omit<BooksDeps, 'sql' | 'readReports'> & { sql: () => BooksDeps['sql']; reports: PartsDeps };

/** Compares, day by day, what reports, orders and the payment provider add up to. */
export const run = ({ sql, reports, ...deps }: Deps) =>
  reconcileBooks({ ...deps, sql: sql(), readReports: (from, to) => readReports(reports, from, to) });

/** As the API answers: history and reader. */
async function readReports(deps: PartsDeps, from: string, to: string) {
  const query = { groupBy: 'day', currency: undefined } as const;
  const { data } = await reportSales({ from, to, zone: 'UTC' }, query, deps, 'books');
  return data.map(({ key, currency, sales, refunds }) => ({ day: key!, currency, sales, refunds: refunds ?? 0 }));
}

export const handler = jobHandler(jobs['reconcile-books'], run, (runtime) => ({
  sql: () => sqlAs('reconciler'),
  reports: reportsAs('reporting', runtime),
  store: { client: dynamo(), table: tableName('providerCharges'), clock: runtime.clock },
  clock: runtime.clock,
  days: config().RECONCILE_DAYS,
  onFinding: ({ kind, subject, problem }) =>
    runtime.log.error('reconciliation finding', { kind, subject, details: problem?.details, advice: problem?.advice }),
}));
