import type { Sql } from 'postgres';
import { type ReportFormat, reportTypes } from '../../contract/api/formats.ts';
import { Problem, problems } from '../../contract/api/problems.ts';
import { maxExportRows } from '../../contract/api/report-exports.ts';
import type { SentReport } from '../../contract/api/report-subscriptions.ts';
import type { Clock, Stopwatch } from '../../kernel/clock.ts';
import { columnsOf, namesOf } from '../files/columns.ts';
import { toCsv } from '../files/csv.ts';
import { namedReports, type ReportAnswer, type ReportQuery } from '../named-reports.ts';
import { endExport, leaveExport, noteRows, type OpenExport, takeExport } from './exports.sql.ts';
import { fileOf } from './file-of.ts';

export type ExportDeps = {
  sql: Sql;
  clock: Clock;
  stopwatch: Stopwatch;
  /** No export is begun after so many milliseconds of the stopwatch. */
  untilMs: number;
  /** Longer than one attempt can take: then another one takes it over. */
  leaseMs: number;
  ask: (report: SentReport, query: ReportQuery) => Promise<ReportAnswer>;
  /** Keeps a file under a name, in place of one that is there. */
  store: (name: string, file: { bytes: Buffer; contentType: string }) => Promise<void>;
  onFailure: (what: { exportId: string; attempts: number }, error: unknown) => void;
};

const mostAttempts = 5;
const retryMs = 60_000;

/**
 * Makes the exports that wait, the oldest first. An attempt that dies is taken over when its time is over; it can then neither end the
 * export nor change what the next one says of it, and both write the same file.
 * @returns how many were completed, failed for good and were left, and whether some wait still
 */
export async function runExports(deps: ExportDeps) {
  const counts = { completed: 0, failed: 0, left: 0, waiting: false };
  const take = () => takeExport(deps.sql, deps);
  for (;;) {
    if (deps.stopwatch.elapsed() >= deps.untilMs) return { ...counts, waiting: true };
    const open = await take();
    if (open === undefined) return counts;
    counts[await runExport(deps, open)] += 1;
  }
}

async function runExport(deps: ExportDeps, open: OpenExport): Promise<'completed' | 'failed' | 'left'> {
  const { sql, clock } = deps;
  try {
    const { data, asOf, lagSeconds, stale } = await deps.ask(open.report, open.parameters);
    if (data.length > maxExportRows) {
      const detail = `The export would have more than ${maxExportRows} rows. Choose larger groups or a shorter period.`;
      throw new Problem('report-too-large', detail);
    }
    await noteRows(sql, open, data.length);
    const bytes = await write(open, data, { asOf, lagSeconds: String(lagSeconds) });
    await deps.store(fileOf(open), { bytes, contentType: reportTypes[open.format satisfies ReportFormat] });
    const end = { status: 'completed', rows: data.length, bytes: bytes.length, asOf, lagSeconds, stale } as const;
    return (await endExport(sql, open, end, clock)) ? 'completed' : 'left';
  } catch (error) {
    deps.onFailure({ exportId: open.id, attempts: open.attempts }, error);
    const problem = error instanceof Problem ? error : new Problem('unavailable', 'The export could not be made.');
    if (problems[problem.code].status >= 500 && open.attempts < mostAttempts) {
      await leaveExport(sql, open, new Date(clock.now() + retryMs));
      return 'left';
    }
    await endExport(sql, open, { status: 'failed', failure: { code: problem.code, detail: problem.message } }, clock);
    return 'failed';
  }
}

async function write(
  { report, format }: OpenExport,
  data: ReportAnswer['data'],
  about: Record<string, string>,
): Promise<Buffer> {
  const columns = columnsOf(namedReports[report].row);
  if (format === 'csv') return Buffer.from(toCsv(namesOf(columns), data));
  const { toParquet } = await import('../files/parquet.ts');
  return toParquet(columns, data, about);
}
