import { type ExportDeps, runExports } from '../../lib/analytics/exports/run.ts';
import { askWhole } from '../../lib/analytics/named-reports.ts';
import { maxExportRows } from '../../lib/contract/api/report-exports.ts';
import { DependencyUnavailable } from '../../lib/kernel/errors.ts';
import { redacted } from '../../lib/kernel/redact.ts';
import { jobHandler } from '../../lib/platform/handlers/job.ts';
import { reportFiles } from '../../lib/platform/report-files.gateway.ts';
import { reportsAs } from '../../lib/platform/reports.ts';
import { sqlAs } from '../../lib/platform/sql.ts';
import { jobs } from '../jobs.ts';

type Deps = Omit<ExportDeps, 'sql' | 'untilMs'> & { sql: () => ExportDeps['sql']; limitMs: number };

/** Makes the exports that wait. What is left when the time is over, the next run goes on with. */
export const run = async ({ limitMs, ...deps }: Deps) =>
  runExports({ ...deps, sql: deps.sql(), untilMs: deps.stopwatch.elapsed() + limitMs });

const job = jobs['run-report-exports'];
/** Less than the login role may take for a statement, which ends it for the database too. */
const askMs = 58_000;

export const handler = jobHandler(job, run, (runtime) => {
  const { clock, stopwatch, log } = runtime;
  const reports = reportsAs('report_exporter', runtime, { mostRows: maxExportRows, askMs });
  const files = reportFiles();
  return {
    sql: () => sqlAs('report_exporter'),
    clock,
    stopwatch,
    ask: (report, query) => askWhole(report, query, reports),
    store: async (name, file) => {
      if (files === undefined) throw new DependencyUnavailable('files');
      await files.put(name, file);
    },
    onFailure: (what, error) => log.warn('export not made', { ...what, reason: redacted(String(error)) }),
    limitMs: (job.timeoutSeconds - 200) * 1000,
    leaseMs: (job.timeoutSeconds + 60) * 1000,
  };
});
