import type { Sql, TransactionSql } from './applied.sql.ts';
import type { DataFile } from './migration-files.ts';

/** A row of `migrations.data`: how far a data migration is. */
export type DataMigration = {
  name: string;
  checksum: string;
  paused: boolean;
  /** The key after which the next batch begins; null at the start of a pass. */
  position: string | null;
  /** 1 for the first. */
  pass: number;
  /** Rows that this pass has looked at, and of them those that it changed. */
  passSeen: number;
  passChanged: number;
  /** Of all passes. */
  changed: number;
  batches: number;
  longestMs: number;
  startedAt: Date | null;
  lastBatchAt: Date | null;
  finishedAt: Date | null;
  /** Why it waits, or what it failed with. */
  note: string | null;
};

/** What one batch did: rows that it looked at, rows that it changed, and the last key; null behind the last row. */
type BatchResult = { seen: number; changed: number; next: string | null };

const isThere = async (sql: Sql | TransactionSql): Promise<boolean> => {
  const [row] = await sql`select pg_catalog.to_regclass('migrations.data') is not null as yes`;
  return row?.yes as boolean;
};

/** All that were applied, in order; none on a database that never had one. */
export async function readDataMigrations(sql: Sql | TransactionSql): Promise<DataMigration[]> {
  if (!(await isThere(sql))) return [];
  const rows = await sql<DataMigration[]>`
    select name, checksum, paused, position, pass, pass_seen as "passSeen", pass_changed as "passChanged", changed, batches,
      longest_ms as "longestMs", started_at as "startedAt", last_batch_at as "lastBatchAt", finished_at as "finishedAt", note
    from migrations.data order by name`;
  return rows.map(toNumbers);
}

const toNumbers = (row: DataMigration): DataMigration => ({
  ...row,
  passSeen: Number(row.passSeen),
  passChanged: Number(row.passChanged),
  changed: Number(row.changed),
  batches: Number(row.batches),
});

/** Notes that a data migration is to be done. The first call creates the table. */
export async function registerData(tx: TransactionSql, name: string, { checksum }: DataFile): Promise<void> {
  if (!(await isThere(tx))) {
    await tx`
      create table migrations.data (
        name text primary key,
        checksum text not null,
        paused boolean not null default false,
        position text,
        pass integer not null default 1,
        pass_seen bigint not null default 0,
        pass_changed bigint not null default 0,
        changed bigint not null default 0,
        batches bigint not null default 0,
        longest_ms integer not null default 0,
        started_at timestamptz,
        last_batch_at timestamptz,
        finished_at timestamptz,
        note text
      )`;
  }
  await tx`insert into migrations.data (name, checksum) values (${name}, ${checksum})`;
}

/** Deletes the record of a data migration whose migration was reverted. */
export async function forgetData(tx: TransactionSql, name: string): Promise<void> {
  if (await isThere(tx)) await tx`delete from migrations.data where name = ${name}`;
}

/** @returns whether there is such a one, and it is not finished */
export async function setPaused(sql: Sql, name: string, paused: boolean): Promise<boolean> {
  if (!(await isThere(sql))) return false;
  const rows = await sql`
    update migrations.data set paused = ${paused}, note = null where name = ${name} and finished_at is null returning name`;
  return rows.length > 0;
}

/** Notes why a data migration waits or what it failed with; null when it goes on. */
export async function noteData(sql: Sql, name: string, note: string | null): Promise<void> {
  await sql`update migrations.data set note = ${note} where name = ${name} and note is distinct from ${note}`;
}

export type Batch = { name: string; statement: string; limit: number; now: Date; settleMs: number };

/**
 * Does one batch and records how far it came, in one transaction, whose statements may take 80 ms and wait 50 ms for a lock.
 * After the last row a pass has ended. Rows that the previous release wrote behind it are for the next pass, which begins when
 * `settleMs` have gone by since the first batch. A pass that changes nothing is the last one.
 * @returns how many rows it looked at; 0 when there is nothing to do now, or another one does it
 */
export async function runBatch(sql: Sql, { name, statement, limit, now, settleMs }: Batch): Promise<number> {
  return (await sql.begin(async (tx) => {
    await tx.unsafe(`set local statement_timeout = '80ms'; set local lock_timeout = '50ms'`).simple();
    const [row] = await tx<DataMigration[]>`
      select paused, position, pass, started_at as "startedAt", finished_at as "finishedAt", pass_changed as "passChanged"
      from migrations.data where name = ${name} for update skip locked`;
    if (row === undefined || row.paused || row.finishedAt !== null) return 0;
    const startedAt = row.startedAt ?? now;
    if (row.pass > 1 && row.position === null && now.getTime() < startedAt.getTime() + settleMs) return 0;
    const begun = performance.now();
    const { seen, changed, next } = await runStatement(tx, statement, row.position ?? '', limit);
    const tookMs = Math.ceil(performance.now() - begun);
    const ended = next === null;
    const isLast = ended && row.pass > 1 && Number(row.passChanged) + changed === 0;
    await tx`
      update migrations.data set
        position = ${next},
        pass = pass + ${ended && !isLast ? 1 : 0},
        pass_seen = ${ended && !isLast ? 0 : tx`pass_seen + ${seen}`},
        pass_changed = ${ended && !isLast ? 0 : tx`pass_changed + ${changed}`},
        changed = changed + ${changed},
        batches = batches + 1,
        longest_ms = greatest(longest_ms, ${tookMs}),
        started_at = ${startedAt},
        last_batch_at = ${now},
        finished_at = ${isLast ? now : null},
        note = null
      where name = ${name}`;
    return isLast ? 0 : Math.max(1, seen);
  })) as number;
}

async function runStatement(tx: TransactionSql, statement: string, after: string, limit: number): Promise<BatchResult> {
  const [row] = await tx.unsafe<BatchResult[]>(statement, [after, limit]);
  const fits = row !== undefined && 'seen' in row && 'changed' in row && 'next' in row;
  if (!fits) throw new Error('the statement of a data migration returns one row with seen, changed and next');
  return { seen: Number(row.seen), changed: Number(row.changed), next: row.next };
}

/** The most rows of a table that the migrator itself works through when a later migration needs it. */
const atOnce = 1000;

/**
 * Whether the data migration that a migration needs is finished. A table that has few rows, as that of a new shop, is worked
 * through here and now.
 */
export async function isDataDone(tx: TransactionSql, name: string, { statement }: DataFile): Promise<boolean> {
  const [row] = await tx<Pick<DataMigration, 'paused' | 'finishedAt'>[]>`
    select paused, finished_at as "finishedAt" from migrations.data where name = ${name} for update`;
  if (row === undefined || row.paused) return false;
  if (row.finishedAt !== null) return true;
  const first = await runStatement(tx, statement, '', atOnce);
  const rest = first.next === null ? first : await runStatement(tx, statement, first.next, 1);
  if (rest.next !== null) return false;
  await tx`
    update migrations.data set finished_at = clock_timestamp(), changed = changed + ${first.changed}, note = null
    where name = ${name}`;
  return true;
}

/** How much the database has to do beside a data migration: replicas behind, and others that wait for locks. */
export async function readPressure(sql: Sql): Promise<{ lagMs: number; lagBytes: number; waiting: number }> {
  const [row] = await sql`
    select (select count(*)::int from pg_catalog.pg_locks
        where not granted and waitstart < clock_timestamp() - interval '100 milliseconds') as waiting,
      (select coalesce(max(extract(epoch from replay_lag)) * 1000, 0)::float8
        from pg_catalog.pg_stat_replication) as "lagMs",
      (select coalesce(max(pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), replay_lsn)), 0)::float8
        from pg_catalog.pg_stat_replication where replay_lsn is not null) as "lagBytes",
      pg_catalog.to_regproc('aurora_replica_status') is not null as aurora`;
  const { waiting, lagMs, lagBytes, aurora } = row as {
    waiting: number;
    lagMs: number;
    lagBytes: number;
    aurora: boolean;
  };
  if (!aurora) return { waiting, lagMs, lagBytes };
  // Replicas of Aurora read the same volume, so they stream nothing.
  const [replicas] =
    await sql`select coalesce(max(replica_lag_in_msec), 0)::float8 as lag from aurora_replica_status()`;
  return { waiting, lagMs: (replicas as { lag: number }).lag, lagBytes };
}
