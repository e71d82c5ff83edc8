import type { TransactionSql } from 'postgres';
import { writeMail } from '../accounts/mail/outbox.sql.ts';
import { failedReportMailOf, reportMailOf } from '../accounts/mail/report-texts.ts';
import { columnsOf, namesOf } from '../analytics/files/columns.ts';
import { toCsv } from '../analytics/files/csv.ts';
import { askReport, namedReports } from '../analytics/named-reports.ts';
import type { PartsDeps } from '../analytics/parts.ts';
import type { RunNews, SendDeps } from '../analytics/subscriptions/send.ts';
import { readApplication } from '../auth/applications/applications.dynamo.ts';
import type { Scope } from '../contract/deploy/roles.ts';
import type { Clock } from '../kernel/clock.ts';
import { redacted } from '../kernel/redact.ts';
import type { Runtime } from './handlers/lambda.ts';
import { applicationStore } from './stores.ts';

/**
 * What sending reports needs of this process.
 * @param scopes that the application of a subscription must have, still
 */
export const reportSending = (
  { clock, stopwatch, log }: Runtime,
  reports: PartsDeps,
  scopes: readonly Scope[],
): Omit<SendDeps, 'sql' | 'untilMs'> => ({
  clock,
  stopwatch,
  ask: (report, query) => askReport(report, query, reports),
  accessOf: (applicationId) => accessOf(applicationId, scopes),
  writeMails: (tx, news) => writeMails(tx, news, clock),
  onFailure: (what, error) => log.warn('report not made', { ...what, reason: redacted(String(error)) }),
});

async function accessOf(applicationId: string, scopes: readonly Scope[]) {
  const application = await readApplication(applicationStore(), applicationId);
  if (application === undefined) return 'gone';
  if (application.status !== 'active') return 'suspended';
  return scopes.every((scope) => application.scopes.includes(scope)) ? 'allowed' : 'lacks-scopes';
}

/** One mail for each recipient, so that nobody sees the address of another. */
async function writeMails(tx: TransactionSql, { subscription, days, outcome }: RunNews, clock: Clock): Promise<void> {
  const { name, report, id, emails, attachment, schedule } = subscription;
  const news = { name, report, days, zone: schedule.zone, subscriptionId: id };
  if (outcome.answer === undefined) {
    const text = failedReportMailOf(news, outcome);
    for (const to of emails) await writeMail(tx, { kind: 'report-failed', to, ...text }, clock);
    return;
  }
  const { data, asOf, stale, history } = outcome.answer;
  const attached = attachment === 'csv' && data.length > 0;
  const text = reportMailOf(news, { asOf, stale, history, totals: outcome.totals, rows: data.length, attached });
  const columns = namesOf(columnsOf(namedReports[report].row));
  const fileName = `${[report, days?.from, days?.to].filter((part) => part !== undefined).join('-')}.csv`;
  const file = attached ? { attachment: { name: fileName, text: toCsv(columns, data) } } : {};
  for (const to of emails) await writeMail(tx, { kind: 'report', to, ...text, ...file }, clock);
}
