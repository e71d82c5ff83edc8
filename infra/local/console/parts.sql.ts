import type { Sql } from 'postgres';

/** Sessions of the product in the database: all, and those that run a statement. */
export async function connectionCounts(sql: Sql): Promise<{ all: number; active: number }> {
  const [row] = await sql<[{ all: number; active: number }]>`
    select count(*)::integer as all, (count(*) filter (where state = 'active'))::integer as active
    from pg_stat_activity
    where datname = current_database() and application_name <> 'counterfoil-console'`;
  return row;
}

export type Connections = { role: string; state: string; count: number; oldestSeconds: number | null };

/** Sessions by login role and state, and how long the oldest transaction of each runs. */
export const connections = (sql: Sql): Promise<Connections[]> => sql<Connections[]>`
  select usename as role, coalesce(state, 'starting') as state, count(*)::integer as count,
    extract(epoch from max(clock_timestamp() - xact_start))::float8 as oldest_seconds
  from pg_stat_activity
  where datname = current_database() and backend_type = 'client backend' and application_name <> 'counterfoil-console'
  group by 1, 2 order by 1, 2`;

export type Blocked = {
  pid: number;
  role: string;
  waitsFor: string;
  blockedBy: string;
  seconds: number;
  statement: string;
};

/** Sessions that wait for a lock, and for whom. Statements have no values in them: those are sent apart. */
export const locks = (sql: Sql): Promise<Blocked[]> => sql<Blocked[]>`
  select pid, usename as role, coalesce(wait_event, '') as waits_for, array_to_string(pg_blocking_pids(pid), ', ') as blocked_by,
    extract(epoch from clock_timestamp() - query_start)::float8 as seconds, left(query, 500) as statement
  from pg_stat_activity
  where datname = current_database() and cardinality(pg_blocking_pids(pid)) > 0
  order by query_start`;

export type TableSize = {
  name: string;
  rows: number;
  dead: number;
  bytes: number;
  /** Of the table without its indexes: what it takes beyond its rows, as statistics tell. Null where it was never analyzed. */
  bloat: number | null;
};

/** The largest tables, with rows that are dead and not cleaned up yet, and about how much room they waste. */
export const tableSizes = (sql: Sql): Promise<TableSize[]> => sql<TableSize[]>`
  with largest as (
    select t.relid, t.schemaname, t.relname, n_live_tup, n_dead_tup, pg_total_relation_size(t.relid) as bytes
    from pg_stat_user_tables t order by 6 desc limit 12
  )
  select largest.schemaname || '.' || largest.relname as name, n_live_tup::float8 as rows, n_dead_tup::float8 as dead, bytes::float8,
    -- A row has a header and a pointer, 28 bytes, and a page of 8 kB one of 24.
    case when width > 0 then
      greatest(0, pg_relation_size(relid) - ceil(c.reltuples * (28 + width) / 8168) * 8192)
    end::float8 as bloat
  from largest
  join pg_class c on c.oid = relid
  left join lateral (
    select sum((1 - null_frac) * avg_width) as width from pg_stats s
    where s.schemaname = largest.schemaname and s.tablename = largest.relname
  ) stats on c.reltuples > 0
  order by bytes desc`;

export type Standby = { name: string; state: string; behindBytes: number | null };

/** Standbys that follow, and how far each is behind. */
export const standbys = (sql: Sql): Promise<Standby[]> => sql<Standby[]>`
  select application_name as name, coalesce(state, '') as state,
    pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)::float8 as behind_bytes
  from pg_stat_replication order by 1`;

export type SlowStatement = {
  role: string;
  calls: number;
  meanMs: number;
  maxMs: number;
  totalMs: number;
  rows: number;
  statement: string;
};

/** The statements that took the most time since the server was started. Values in them are placeholders. */
export const slowStatements = (sql: Sql): Promise<SlowStatement[]> => sql<SlowStatement[]>`
  select r.rolname as role, s.calls::float8 as calls, s.mean_exec_time as mean_ms, s.max_exec_time as max_ms,
    s.total_exec_time as total_ms, s.rows::float8 as rows, left(regexp_replace(s.query, '\\s+', ' ', 'g'), 600) as statement
  from pg_stat_statements s join pg_roles r on r.oid = s.userid
  where r.rolname not in ('rdsadmin', 'postgres') and r.rolname <> 'migrator'
  order by s.total_exec_time desc limit 25`;

export type OutboxState = { unpublished: number; oldestSeconds: number | null };

export type QueueDepth = { queue: string; waiting: number };

/** How much waits in each queue of the database. */
export const queueDepths = (sql: Sql): Promise<QueueDepth[]> =>
  sql<QueueDepth[]>`select queue, waiting from monitor.read_queues() order by queue`;

/** Events that are not published yet. `now` is the stack's time. */
export async function outboxState(sql: Sql, now: Date): Promise<OutboxState> {
  const [row] = await sql<[OutboxState]>`
    select count(*)::integer as unpublished, extract(epoch from ${now}::timestamptz - min(occurred_at))::float8 as oldest_seconds
    from outbox.events where published_at is null`;
  return row;
}
