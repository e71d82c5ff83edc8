import type * as z from 'zod/mini';
import { columnsOf, namesOf, type Row } from '../analytics/files/columns.ts';
import { toCsv } from '../analytics/files/csv.ts';
import { type ReportFormat, reportTypes } from '../contract/api/formats.ts';
import type { Result } from '../http/response.ts';

/** What says how old a report is, in the answers that have no other place for it. */
type Aged = { asOf: string; lagSeconds: number; data: readonly Row[] };

/** A report as JSON, or its rows as CSV or Parquet with their age in header fields. */
export async function reportResult<T extends Aged>(
  body: T,
  row: z.ZodMiniObject,
  format: ReportFormat,
): Promise<Result> {
  const vary = { vary: 'Accept' };
  if (format === 'json') return { status: 200, body, headers: vary };
  const headers = { ...vary, 'report-as-of': body.asOf, 'report-lag-seconds': String(body.lagSeconds) };
  const columns = columnsOf(row);
  if (format === 'csv') {
    const contentType = `${reportTypes.csv}; charset=utf-8; header=present`;
    return { status: 200, body: { contentType, text: toCsv(namesOf(columns), body.data) }, headers };
  }
  // Most answers are none, and need not wait for its code.
  const { toParquet } = await import('../analytics/files/parquet.ts');
  const bytes = toParquet(columns, body.data, { asOf: body.asOf, lagSeconds: String(body.lagSeconds) });
  return { status: 200, body: { contentType: reportTypes.parquet, bytes }, headers };
}
