import { type SendDeps, sendReports } from '../../lib/analytics/subscriptions/send.ts';
import { jobHandler } from '../../lib/platform/handlers/job.ts';
import { reportSending } from '../../lib/platform/report-sending.ts';
import { reportsAs } from '../../lib/platform/reports.ts';
import { sqlAs } from '../../lib/platform/sql.ts';
import { jobs } from '../jobs.ts';
import { routes } from '../routes.ts';

type Deps = Omit<SendDeps, 'sql' | 'untilMs'> & { sql: () => SendDeps['sql']; limitMs: number };

/** Sends the reports that are due. What is left when the time is over, the next run goes on with. */
export const run = async ({ limitMs, ...deps }: Deps) =>
  sendReports({ ...deps, sql: deps.sql(), untilMs: deps.stopwatch.elapsed() + limitMs });

const job = jobs['send-reports'];
const { scopes } = routes['create-report-subscription'];

export const handler = jobHandler(job, run, (runtime) => ({
  ...reportSending(runtime, reportsAs('reporting', runtime), scopes),
  sql: () => sqlAs('report_sender'),
  limitMs: (job.timeoutSeconds - 25) * 1000,
}));
