import * as z from 'zod/mini';
import { id, page, pageQuery, text, timestamp, version } from './common.ts';
import { email } from './customers.ts';
import type { OperationContract } from './operation.ts';
import { zoneName } from './report-parts.ts';

/** Subscriptions of an application. */
export const maxReportSubscriptions = 50;
/** Addresses of a subscription. */
export const maxRecipients = 10;

/** The reports that can be sent. */
export const sentReports = ['sales', 'margin', 'products', 'cohorts', 'customers', 'stock'] as const;
export type SentReport = (typeof sentReports)[number];

/** Periods by the day on which a report is due. */
export const relativeRanges = [
  'yesterday',
  'last-7-days',
  'last-week',
  'last-30-days',
  'last-month',
  'month-to-date',
  'year-to-date',
  'last-12-months',
] as const;
export type RelativeRange = (typeof relativeRanges)[number];

export const reportName = z.enum(sentReports);

/** What a report is asked with, as its own operation takes it in the query. */
export const reportParameters = z
  .record(
    z.string().check(z.regex(/^[a-zA-Z]{1,40}$/)),
    z.union([z.string().check(z.maxLength(100)), z.int()], { error: 'must be text or a whole number' }),
  )
  .check(z.refine((given) => Object.keys(given).length <= 20, 'has more than 20 parameters'));

const hour = z.int().check(z.gte(0), z.lte(23));
const schedule = z
  .strictObject({
    every: z.enum(['day', 'week', 'month']),
    hour,
    weekday: z.optional(z.int().check(z.gte(1), z.lte(7))),
    day: z.optional(z.int().check(z.gte(1), z.lte(28))),
    zone: z._default(zoneName, 'UTC'),
  })
  .check(
    z.refine(({ every, weekday }) => weekday === undefined || every === 'week', {
      path: ['weekday'],
      error: 'is for every week alone',
    }),
    z.refine(({ every, day }) => day === undefined || every === 'month', {
      path: ['day'],
      error: 'is for every month alone',
    }),
  );
export type ReportSchedule = z.output<typeof schedule>;

const emails = z.array(email).check(
  z.maxLength(maxRecipients),
  z.refine((list) => new Set(list).size === list.length, 'has an address twice'),
);

const fields = {
  name: text(100),
  report: reportName,
  parameters: reportParameters,
  range: z.nullable(z.enum(relativeRanges)),
  schedule,
  emails,
  attachment: z.enum(['csv', 'none']),
  webhook: z.boolean(),
};

/** A schedule as it is shown: with its zone. */
const shownSchedule = z.object({
  every: z.enum(['day', 'week', 'month']),
  hour: z.int(),
  weekday: z.optional(z.int()),
  day: z.optional(z.int()),
  zone: z.string(),
});

export const reportSubscription = z.object({
  id: id('reportSubscription'),
  ...fields,
  emails: z.array(z.string()),
  schedule: shownSchedule,
  status: z.enum(['active', 'paused']),
  nextAt: z.nullable(timestamp),
  createdAt: timestamp,
  updatedAt: timestamp,
  version,
});
export type ReportSubscription = z.output<typeof reportSubscription>;
export type SubscriptionFields = z.output<z.ZodMiniObject<typeof fields>>;

export const reportRun = z.object({
  id: id('reportRun'),
  dueAt: timestamp,
  status: z.enum(['sent', 'failed', 'skipped']),
  reason: z.nullable(z.string()),
  from: z.nullable(z.iso.date()),
  to: z.nullable(z.iso.date()),
  asOf: z.nullable(timestamp),
  lagSeconds: z.nullable(z.number()),
  stale: z.boolean(),
  rows: z.nullable(z.int()),
  emails: z.int(),
  endedAt: timestamp,
});
export type ReportRun = z.output<typeof reportRun>;

const path = z.strictObject({ subscriptionId: id('reportSubscription') });

/** What a wrong value is, where it has a problem of its own. */
const problemOf = {
  report: 'report-unknown',
  range: 'range-unknown',
  emails: 'recipient-invalid',
  'schedule/every': 'schedule-invalid',
  'schedule/hour': 'schedule-invalid',
  'schedule/weekday': 'schedule-invalid',
  'schedule/day': 'schedule-invalid',
  'schedule/zone': 'zone-unknown',
} as const;

const ofFields = [
  'report-unknown',
  'range-unknown',
  'recipient-invalid',
  'schedule-invalid',
  'zone-unknown',
  'grouping-unknown',
] as const;

export const createReportSubscription = {
  summary: 'Have a report sent again and again',
  description:
    'At each due time the report of that moment’s `range` is made once, and sent by mail, as the event `report.sent` to the webhook endpoints of your application, or both. `parameters` are those of the report’s own operation, without its period and zone. `GET /reports/live` and the report of one customer cannot be sent. A report waits up to two hours for data that are new enough; then it says that it is old, or that it could not be made. Nothing is sent while the application is suspended or lacks the scopes.',
  body: z.strictObject({
    ...fields,
    parameters: z._default(fields.parameters, {}),
    range: z._default(fields.range, null),
    emails: z._default(emails, []),
    attachment: z._default(fields.attachment, 'csv'),
    webhook: z._default(fields.webhook, false),
  }),
  responses: { 201: reportSubscription },
  headers: ['Location', 'ETag'],
  problemOf,
  problems: [...ofFields, 'too-many-report-subscriptions'],
  idempotency: 'accepted',
} as const satisfies OperationContract;

export const listReportSubscriptions = {
  summary: 'List your report subscriptions, oldest first',
  description: 'Those of the application that asks. An application has at most 50.',
  responses: { 200: z.object({ data: z.array(reportSubscription) }) },
} as const satisfies OperationContract;

export const getReportSubscription = {
  summary: 'Read a report subscription',
  description: 'With the time when it is due next.',
  path,
  responses: { 200: reportSubscription },
  headers: ['ETag'],
  problems: ['not-found'],
} as const satisfies OperationContract;

export const updateReportSubscription = {
  summary: 'Change, pause or resume a report subscription',
  description:
    'What was due while it was paused is not sent. A new schedule counts from now on. `schedule`, `parameters` and `emails` are replaced as a whole.',
  path,
  body: z
    .strictObject({
      ...(Object.fromEntries(Object.entries(fields).map(([name, schema]) => [name, z.optional(schema)])) as {
        [Name in keyof typeof fields]: z.ZodMiniOptional<(typeof fields)[Name]>;
      }),
      status: z.optional(z.enum(['active', 'paused'])),
    })
    .check(z.refine((body) => Object.keys(body).length > 0, 'has nothing to change')),
  responses: { 200: reportSubscription },
  problemOf,
  problems: ['not-found', 'version-stale', ...ofFields],
  ifMatch: true,
} as const satisfies OperationContract;

export const deleteReportSubscription = {
  summary: 'Delete a report subscription and its runs; nothing more is sent',
  description: 'Mails and webhooks that are under way still arrive.',
  path,
  responses: { 204: null },
  problems: ['not-found'],
} as const satisfies OperationContract;

export const listReportRuns = {
  summary: 'List what became of each due time of a report subscription, newest first',
  description:
    'Runs are kept for 90 days. `skipped` means that the application was suspended or lacked the scopes, `failed` that the report could not be made: its recipients were told.',
  path,
  query: z.strictObject(pageQuery),
  responses: { 200: page(reportRun) },
  problems: ['not-found', 'invalid-cursor'],
} as const satisfies OperationContract;
