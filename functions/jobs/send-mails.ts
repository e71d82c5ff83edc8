import { oldestUnsent as readOldest } from '../../lib/accounts/mail/outbox.sql.ts';
import { type SendDeps, sendMails } from '../../lib/accounts/mail/send.ts';
import { redacted } from '../../lib/kernel/redact.ts';
import { jobHandler } from '../../lib/platform/handlers/job.ts';
import { mailer } from '../../lib/platform/mailer.ts';
import { sqlAs } from '../../lib/platform/sql.ts';
import type { Meter } from '../../lib/platform/telemetry.ts';
import { jobs } from '../jobs.ts';

type Deps = Omit<SendDeps, 'sql'> & { sql: () => SendDeps['sql']; meter: Pick<Meter, 'count'> };

export async function run(deps: Deps) {
  const counts = await sendMails({ ...deps, sql: deps.sql() });
  if (counts.givenUp > 0) deps.meter.count('MailsGivenUp', counts.givenUp);
  const oldestUnsent = await readOldest(deps.sql(), deps.clock);
  deps.meter.count('OldestUnsentMail', oldestUnsent);
  return { ...counts, oldestUnsent };
}

export const handler = jobHandler(jobs['send-mails'], run, ({ clock, stopwatch, meter, log }) => ({
  sql: () => sqlAs('mailer'),
  mailer: mailer(),
  clock,
  stopwatch,
  meter,
  budgetSeconds: jobs['send-mails'].timeoutSeconds - 25,
  onSent: (mail) => log.info('mail sent', { ...mail }),
  // An error of SES may contain the address.
  onError: (mail, error) => log.warn('mail not sent', { ...mail, reason: redacted(String(error)) }),
}));
