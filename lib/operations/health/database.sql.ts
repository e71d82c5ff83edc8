import type { Sql } from 'postgres';
import type { DatabaseQueue } from '../../contract/deploy/metrics.ts';

/** What sessions do. Times are whole seconds. */
export type Sessions = {
  /** Of all databases of the server. */
  connections: number;
  connectionLimit: number;
  oldestTransaction: number;
  /** Sessions that have waited for a lock for more than a second. */
  lockWaits: number;
  longestLockWait: number;
};

export async function readSessions(sql: Sql): Promise<Sessions> {
  const [row] = await sql`
    select connections, connection_limit, oldest_transaction, lock_waits, longest_lock_wait from monitor.read_sessions()`;
  return row as Sessions;
}

export type Storage = {
  bytes: number;
  /** How near the oldest rows are to the age at which PostgreSQL forces a vacuum, in percent; 100 is normal for a moment. */
  freezePercent: number;
  /** Tables that autovacuum should have come to an hour ago. */
  unvacuumed: number;
};

export async function readStorage(sql: Sql): Promise<Storage> {
  const [row] = await sql`select bytes, freeze_percent, unvacuumed from monitor.read_storage()`;
  return row as Storage;
}

/** An index that nothing uses, or a table that lacks one. `subject` is its name with its schema. */
export type IndexAdvice = { advice: 'unused' | 'missing'; subject: string };

export const readIndexAdvice = (sql: Sql): Promise<IndexAdvice[]> =>
  sql<IndexAdvice[]>`select advice, subject from monitor.read_index_advice()`;

/** What a statement took since statistics began. Values in its text are placeholders. */
export type StatementTotals = { queryId: string; role: string; calls: number; totalMs: number; statement: string };

/** Of every login role; none where `pg_stat_statements` is absent. */
export const readStatements = (sql: Sql): Promise<StatementTotals[]> =>
  sql<StatementTotals[]>`
    select query_id::text, role, calls, total_ms, statement from monitor.read_statements()`;

/** How much waits in each queue of the database, counted up to ten thousand. */
export async function readQueues(sql: Sql): Promise<Record<DatabaseQueue, number>> {
  const rows = await sql<{ queue: DatabaseQueue; waiting: number }[]>`select queue, waiting from monitor.read_queues()`;
  return Object.fromEntries(rows.map(({ queue, waiting }) => [queue, waiting])) as Record<DatabaseQueue, number>;
}
