import type { Sql, TransactionSql } from 'postgres';
import type { Migration } from './migration-files.ts';

export type { Sql, TransactionSql } from 'postgres';

/** A row of `migrations.applied`. */
export type Applied = { version: number; name: string; checksum: string; appliedAt: Date; executionMs: number };

/** The applied migrations, oldest first; none on a database that was never migrated. */
export async function readApplied(sql: Sql | TransactionSql): Promise<Applied[]> {
  const [there] = await sql`select pg_catalog.to_regclass('migrations.applied') is not null as yes`;
  if (!there?.yes) return [];
  return await sql<Applied[]>`
    select version, name, checksum, applied_at as "appliedAt", execution_ms as "executionMs"
    from migrations.applied order by version`;
}

/** Indexes that a build by hand left behind when it broke off, as `schema.name`. No query uses them, and every write pays for them. */
export async function readInvalidIndexes(sql: Sql): Promise<string[]> {
  const rows = await sql<{ name: string }[]>`
    select pg_catalog.format('%I.%I', n.nspname, c.relname) as name
    from pg_catalog.pg_index i
      join pg_catalog.pg_class c on c.oid = i.indexrelid
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where not i.indisvalid and c.relkind = 'i' and n.nspname not like 'pg\\_%'
    order by 1`;
  return rows.map(({ name }) => name);
}

/**
 * Runs `work` in a transaction, while no other migrator works on this database. The advisory lock belongs to the
 * transaction, because RDS Proxy gives the session to other clients between transactions. The migrator waits for it
 * without a limit, since it holds nothing meanwhile. After that it waits at most `lockTimeoutMs` for any lock, because
 * everybody who queues behind a waiting `alter table` waits too. SET LOCAL pins the session to its client until the
 * transaction ends; that is one connection for some seconds.
 */
export async function inMigration<T>(
  sql: Sql,
  lockTimeoutMs: number,
  work: (tx: TransactionSql) => Promise<T>,
): Promise<T> {
  return (await sql.begin(async (tx) => {
    await tx`select pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('counterfoil migrations', 0))`;
    await tx.unsafe(`set local lock_timeout = '${Math.ceil(lockTimeoutMs)}ms'`);
    return await work(tx);
  })) as T;
}

/** Runs a whole file. Only the simple protocol takes several statements in one message. */
export async function runFile(tx: TransactionSql, text: string): Promise<void> {
  await tx.unsafe(text).simple();
}

/** Records that a migration is applied. The first call creates the table. */
export async function recordApplied(tx: TransactionSql, migration: Migration, executionMs: number): Promise<void> {
  const [there] = await tx`select pg_catalog.to_regclass('migrations.applied') is not null as yes`;
  if (!there?.yes) {
    await tx`create schema if not exists migrations`;
    await tx`
      create table migrations.applied (
        version integer primary key check (version >= 1),
        name text not null,
        checksum text not null,
        applied_at timestamptz not null,
        execution_ms integer not null
      )`;
  }
  const { version, name, checksum } = migration;
  await tx`
    insert into migrations.applied (version, name, checksum, applied_at, execution_ms)
    values (${version}, ${name}, ${checksum}, clock_timestamp(), ${Math.round(executionMs)})`;
}

/** Deletes the record of a migration that was reverted. */
export async function forgetApplied(tx: TransactionSql, version: number): Promise<void> {
  await tx`delete from migrations.applied where version = ${version}`;
}
