import type { PartsDeps } from '../../lib/analytics/parts.ts';
import { reportSales } from '../../lib/analytics/reports.ts';
import { isOutage } from '../../lib/kernel/outage.ts';
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

/** The oldest that the reader's data may be: books are compared hours after their day. */
const maxLagSeconds = 3600;

/** As the API answers: history and reader. From the writer when the reader does not answer or is far behind, which is another alarm's. */
async function readReports(deps: PartsDeps, from: string, to: string) {
  const ask = (databases: PartsDeps['databases']) =>
    reportSales({ from, to, zone: 'UTC' }, { groupBy: 'day', currency: undefined }, { ...deps, databases });
  const fromWriter = () => ask({ reader: undefined, writer: deps.databases.writer });
  const answer = await ask(deps.databases).catch((error: unknown) => {
    if (!isOutage(error)) throw error;
    return fromWriter();
  });
  const isOld = answer.parts.some(({ source, lagSeconds }) => source === 'reader' && lagSeconds > maxLagSeconds);
  const { data } = isOld ? await fromWriter() : answer;
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
