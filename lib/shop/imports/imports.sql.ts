import type { Sql, TransactionSql } from 'postgres';
import type { Import, ImportError, ImportFormat, ImportKind } from '../../contract/api/imports.ts';
import { maxErrors } from '../../contract/api/imports.ts';
import { Problem } from '../../contract/api/problems.ts';
import type { Clock } from '../../kernel/clock.ts';
import { newId } from '../../kernel/ids.ts';

export type NewImport = {
  kind: ImportKind;
  format: ImportFormat;
  content: string;
  applicationId: string;
  requestId: string;
};

/** An import that has not ended, with its file. `done` rows were applied or have failed: the first ones. */
export type OpenImport = Omit<NewImport, 'applicationId'> & { id: string; status: 'pending' | 'running'; done: number };

type ImportRow = Omit<Import, 'rows' | 'createdAt' | 'updatedAt' | 'endedAt'> & {
  total: number | null;
  applied: number;
  failed: number;
  createdAt: Date;
  updatedAt: Date;
  endedAt: Date | null;
};

/** Keeps a file for the job. */
export async function insertImport(tx: TransactionSql, file: NewImport, clock: Clock): Promise<Import> {
  const now = new Date(clock.now());
  const [row] = await tx<[ImportRow]>`
    insert into catalog.imports (id, kind, format, application_id, request_id, content, created_at, updated_at)
    values (
      ${newId('import', clock)}, ${file.kind}, ${file.format}, ${file.applicationId}, ${file.requestId}, ${file.content},
      ${now}, ${now}
    )
    returning ${columns(tx)}`;
  return toImport(row);
}

/** @throws Problem not-found, also when it is of another application */
export async function findImport(sql: Sql, id: string, applicationId: string): Promise<Import> {
  const [row] = await sql<ImportRow[]>`
    select ${columns(sql)} from catalog.imports where id = ${id} and application_id = ${applicationId}`;
  if (row === undefined) throw new Problem('not-found', 'This import does not exist, or is of another application.');
  return toImport(row);
}

/** The oldest import that has not ended. */
export async function nextImport(sql: Sql): Promise<OpenImport | undefined> {
  const [row] = await sql<OpenImport[]>`
    select id, kind, format, content, request_id, status, applied + failed as done from catalog.imports
    where ended_at is null order by id limit 1`;
  return row;
}

/** What the check of all rows has found: with errors the import ends, and else it begins. */
export async function saveCheck(
  sql: Sql,
  id: string,
  { total, errors }: { total: number; errors: readonly ImportError[] },
  clock: Clock,
): Promise<void> {
  const now = new Date(clock.now());
  if (errors.length === 0) {
    await sql`
      update catalog.imports set status = 'running', total = ${total}, updated_at = ${now}
      where id = ${id} and status = 'pending'`;
    return;
  }
  const failed = new Set(errors.map(({ row }) => row).filter((row) => row > 0)).size;
  await sql`
    update catalog.imports set status = 'rejected', total = ${total}, failed = ${failed}, content = null,
      errors = ${JSON.stringify(errors.slice(0, maxErrors))}::text::jsonb, updated_at = ${now}, ended_at = ${now}
    where id = ${id} and status = 'pending'`;
}

/**
 * Keeps everybody else from applying rows until the transaction ends: one import at a time, so that two of them do not wait for
 * each other's rows.
 * @returns whether this is the turn of the rows after `done`
 */
export async function takeTurn(tx: TransactionSql, { id, done }: Pick<OpenImport, 'id' | 'done'>): Promise<boolean> {
  const [turn] = await tx<[{ free: boolean }]>`
    select pg_catalog.pg_try_advisory_xact_lock(pg_catalog.hashtextextended('catalog imports', 0)) as free`;
  if (!turn.free) return false;
  const [row] = await tx`
    select from catalog.imports where id = ${id} and status = 'running' and applied + failed = ${done} for no key update`;
  return row !== undefined;
}

/** Adds what became of the next rows. With the last one the import ends. */
export async function saveProgress(
  tx: TransactionSql,
  id: string,
  { applied, errors }: { applied: number; errors: readonly ImportError[] },
  clock: Clock,
): Promise<void> {
  const now = new Date(clock.now());
  const failed = errors.length;
  await tx`
    update catalog.imports set applied = applied + ${applied}, failed = failed + ${failed}, updated_at = ${now},
      errors = case when jsonb_array_length(errors) >= ${maxErrors} then errors
        else errors || ${JSON.stringify(errors)}::text::jsonb end,
      status = case when applied + failed + ${applied + failed} >= total then 'completed' else status end,
      content = case when applied + failed + ${applied + failed} >= total then null else content end,
      ended_at = case when applied + failed + ${applied + failed} >= total then ${now}::timestamptz end
    where id = ${id}`;
}

/** Deletes about `limit` imports that ended before, the oldest first. @returns how many */
export async function purgeImports(sql: Sql, { before, limit }: { before: Date; limit: number }): Promise<number> {
  const { count } = await sql`
    delete from catalog.imports where ended_at <= least(
      ${before}, (select ended_at from catalog.imports where ended_at is not null order by ended_at offset ${limit - 1} limit 1)
    )`;
  return count;
}

const columns = (sql: Sql | TransactionSql) =>
  sql`id, kind, status, total, applied, failed, errors, created_at, updated_at, ended_at`;

const toImport = ({ id, kind, status, total, applied, failed, errors, ...times }: ImportRow): Import => ({
  id,
  kind,
  status,
  rows: { total, applied, failed },
  errors,
  createdAt: times.createdAt.toISOString(),
  updatedAt: times.updatedAt.toISOString(),
  endedAt: times.endedAt?.toISOString() ?? null,
});
