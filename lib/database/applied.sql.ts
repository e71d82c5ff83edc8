import type { Sql, TransactionSql } from 'postgres';
import type { Migration } from './migration-files.ts';

export type { Sql, TransactionSql } from 'postgres';

/** A row of `migrations.applied`. */
export type Applied = { version: number; name: string; checksum: string; appliedAt: Date; executionMs: number };

/** What is applied, oldest first; nothing on a database that was never migrated. */
export async function readApplied(sql: Sql | TransactionSql): Promise<Applied[]> {
  const [there] = await sql`select pg_catalog.to_regclass('migrations.applied') is not null as yes`;
  if (!there?.yes) return [];
  return await sql<Applied[]>`
    select version, name, checksum, applied_at as "appliedAt", execution_ms as "executionMs"
    from migrations.applied order by version`;
}

/**
 * Runs `work` in a transaction that no other migrator of this database runs beside. The lock is one of the transaction,
 * because RDS Proxy gives a session to others between transactions; it is waited for without a limit, since nothing is
 * held meanwhile. From then on every lock that others hold is waited for `lockTimeoutMs` at most: whoever queues behind
 * a waiting `alter table` waits too. SET LOCAL pins the session to this transaction's client, which for the migrator,
 * one connection for some seconds, costs nobody anything.
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

/** Runs a whole file: several statements go to PostgreSQL in one message only by the simple protocol. */
export async function runFile(tx: TransactionSql, text: string): Promise<void> {
  await tx.unsafe(text).simple();
}

/** Takes a migration down as applied, making the table for it the first time. */
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

export async function forgetApplied(tx: TransactionSql, version: number): Promise<void> {
  await tx`delete from migrations.applied where version = ${version}`;
}
