import * as z from 'zod/mini';
import { id, page, pageQuery, timestamp } from './common.ts';
import type { OperationContract } from './operation.ts';
import { reportName, reportParameters } from './report-subscriptions.ts';

/** The most rows of an export. */
export const maxExportRows = 200_000;

/** How long a link to a file works, in seconds. */
export const exportLinkSeconds = 15 * 60;

export const exportFormats = ['csv', 'parquet'] as const;
export type ExportFormat = (typeof exportFormats)[number];

export const reportExport = z.object({
  id: id('reportExport'),
  report: reportName,
  parameters: reportParameters,
  format: z.enum(exportFormats),
  status: z.enum(['pending', 'running', 'completed', 'failed']),
  progress: z.enum(['waiting', 'reading', 'writing', 'done']),
  rows: z.nullable(z.int()),
  bytes: z.nullable(z.int()),
  asOf: z.nullable(timestamp),
  lagSeconds: z.nullable(z.number()),
  stale: z.boolean(),
  failure: z.nullable(z.object({ code: z.string(), detail: z.string() })),
  download: z.nullable(z.object({ url: z.string(), expiresAt: timestamp })),
  createdAt: timestamp,
  endedAt: z.nullable(timestamp),
  expiresAt: z.nullable(timestamp),
});
export type ReportExport = z.output<typeof reportExport>;

export const createReportExport = {
  summary: 'Export a large report as a file',
  description:
    'Makes a report of up to 200,000 rows in the background. `parameters` are those of the query of the report’s own operation; its `limit` does not count. Ask `GET /reports/exports/{exportId}` how far it is and for the link to its file. An application has one export under way at a time.',
  body: z.strictObject({
    report: reportName,
    parameters: z._default(reportParameters, {}),
    format: z._default(z.enum(exportFormats), 'csv'),
  }),
  responses: { 202: reportExport },
  headers: ['Location'],
  problemOf: { report: 'report-unknown' },
  problems: [
    'report-unknown',
    'zone-unknown',
    'grouping-unknown',
    'period-reversed',
    'period-too-long',
    'export-under-way',
  ],
  idempotency: 'accepted',
} as const satisfies OperationContract;

export const listReportExports = {
  summary: 'List your exports, newest first',
  description:
    'Those of the application that asks, of the last seven days. `download` is null in a list: ask for one export to get a link to its file.',
  query: z.strictObject(pageQuery),
  responses: { 200: page(reportExport) },
  problems: ['invalid-cursor'],
} as const satisfies OperationContract;

export const getReportExport = {
  summary: 'Read how far an export is, with a link to its file',
  description:
    'Each answer has a new link, which works for 15 minutes without a key: whoever has it can read the file. The file and its export are kept for seven days.',
  path: z.strictObject({ exportId: id('reportExport') }),
  responses: { 200: reportExport },
  problems: ['not-found'],
} as const satisfies OperationContract;
