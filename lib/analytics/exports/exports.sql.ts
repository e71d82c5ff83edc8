import type { Sql, TransactionSql } from 'postgres';
import { Problem } from '../../contract/api/problems.ts';
import type { ExportFormat, ReportExport } from '../../contract/api/report-exports.ts';
import type { SentReport } from '../../contract/api/report-subscriptions.ts';
import { reportExportDays } from '../../contract/deploy/retention.ts';
import type { Clock } from '../../kernel/clock.ts';
import { newId } from '../../kernel/ids.ts';
import { checkQuery, type ReportQuery } from '../named-reports.ts';

export type NewExport = { report: SentReport; parameters: ReportQuery; format: ExportFormat };

/** An export without the link to its file. */
export type StoredExport = Omit<ReportExport, 'download'>;

type Row = Omit<StoredExport, 'asOf' | 'createdAt' | 'endedAt' | 'expiresAt'> & {
  asOf: Date | null;
  createdAt: Date;
  endedAt: Date | null;
};

/**
 * Adds an export, which the job makes.
 * @throws Problem export-under-way, and what `checkQuery` throws
 */
export async function insertExport(
  tx: TransactionSql,
  applicationId: string,
  { report, parameters, format }: NewExport,
  clock: Clock,
): Promise<StoredExport> {
  checkQuery(report, parameters, clock);
  const now = new Date(clock.now());
  const [row] = await tx<Row[]>`
    insert into reports.exports (id, application_id, report, parameters, format, next_attempt_at, created_at)
    values (
      ${newId('reportExport', clock)}, ${applicationId}, ${report}, ${JSON.stringify(parameters)}::text::jsonb, ${format}, ${now},
      ${now}
    )
    on conflict (application_id) where ended_at is null do nothing
    returning ${columns(tx)}`;
  if (row === undefined) {
    throw new Problem('export-under-way', 'An export of the application is not ready yet. Wait until it has ended.', {
      headers: { 'retry-after': '60' },
    });
  }
  return toExport(row);
}

/** @throws Problem not-found, also when it is of another application */
export async function findExport(sql: Sql, id: string, applicationId: string): Promise<StoredExport> {
  const [row] = await sql<Row[]>`
    select ${columns(sql)} from reports.exports where id = ${id} and application_id = ${applicationId}`;
  if (row === undefined) throw new Problem('not-found', 'This export does not exist, is not yours, or is too old.');
  return toExport(row);
}

/** Exports of an application, the newest first. `before` is the id of the last one of the page before. */
export async function listExports(
  sql: Sql,
  applicationId: string,
  { limit, before }: { limit: number; before: string | undefined },
): Promise<StoredExport[]> {
  const rows = await sql<Row[]>`
    select ${columns(sql)} from reports.exports
    where application_id = ${applicationId} ${before === undefined ? sql`` : sql`and id < ${before}`}
    order by id desc limit ${limit}`;
  return rows.map(toExport);
}

/** An export that is being made, by its how manieth attempt. */
export type OpenExport = NewExport & { id: string; attempts: number };

/** Takes the export that has waited the longest, for so many milliseconds. Whoever comes later gets another one. */
export async function takeExport(
  sql: Sql,
  { leaseMs, clock }: { leaseMs: number; clock: Clock },
): Promise<OpenExport | undefined> {
  const now = clock.now();
  const [row] = await sql<OpenExport[]>`
    update reports.exports e set status = 'running', progress = 'reading', attempts = attempts + 1,
      next_attempt_at = ${new Date(now + leaseMs)}
    from (
      select id from reports.exports where ended_at is null and next_attempt_at <= ${new Date(now)}
      order by next_attempt_at, id limit 1 for update skip locked
    ) due
    where e.id = due.id
    returning e.id, e.report, e.parameters, e.format, e.attempts`;
  return row;
}

/** Says that the rows are read. */
export async function noteRows(sql: Sql, { id, attempts }: OpenExport, rows: number): Promise<void> {
  await sql`
    update reports.exports set progress = 'writing', rows = ${rows}
    where id = ${id} and attempts = ${attempts} and ended_at is null`;
}

/** Leaves an export to another attempt. */
export async function leaveExport(sql: Sql, { id, attempts }: OpenExport, until: Date): Promise<void> {
  await sql`
    update reports.exports set progress = 'waiting', next_attempt_at = ${until}
    where id = ${id} and attempts = ${attempts} and ended_at is null`;
}

export type ExportEnd =
  | { status: 'completed'; rows: number; bytes: number; asOf: string; lagSeconds: number; stale: boolean }
  | { status: 'failed'; failure: { code: string; detail: string } };

/** Ends an export, unless another attempt has taken it over. @returns whether it did */
export async function endExport(
  sql: Sql,
  { id, attempts }: OpenExport,
  end: ExportEnd,
  clock: Clock,
): Promise<boolean> {
  const made = end.status === 'completed' ? end : undefined;
  const failure = end.status === 'failed' ? JSON.stringify(end.failure) : null;
  const { count } = await sql`
    update reports.exports set status = ${end.status}, progress = 'done', rows = coalesce(${made?.rows ?? null}, rows),
      bytes = ${made?.bytes ?? null}, as_of = ${made?.asOf ?? null}::timestamptz, lag_seconds = ${made?.lagSeconds ?? null},
      stale = ${made?.stale ?? false}, failure = ${failure}::text::jsonb, ended_at = ${new Date(clock.now())}
    where id = ${id} and attempts = ${attempts} and ended_at is null`;
  return count > 0;
}

/** Deletes about `limit` exports that ended before, the oldest first. @returns how many */
export async function purgeExports(sql: Sql, { before, limit }: { before: Date; limit: number }): Promise<number> {
  const { count } = await sql`
    delete from reports.exports where ended_at <= least(
      ${before}, (select ended_at from reports.exports where ended_at is not null order by ended_at offset ${limit - 1} limit 1)
    )`;
  return count;
}

const columns = (sql: Sql | TransactionSql) => sql`
  id, report, parameters, format, status, progress, rows, bytes, as_of, lag_seconds, stale, failure, created_at, ended_at`;

const keptMs = reportExportDays * 24 * 3600_000;

const toExport = ({ asOf, createdAt, endedAt, ...row }: Row): StoredExport => ({
  ...row,
  asOf: asOf?.toISOString() ?? null,
  createdAt: createdAt.toISOString(),
  endedAt: endedAt?.toISOString() ?? null,
  expiresAt: endedAt === null ? null : new Date(endedAt.getTime() + keptMs).toISOString(),
});
