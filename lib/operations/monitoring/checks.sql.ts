import type { Sql } from 'postgres';

/** How far a check of the whole history has come. */
export type CheckProgress = {
  /** What changed before this time has been checked. */
  changedUntil: Date;
  /** The key at which to go on with what changed since then, when a run was out of time; else empty. */
  changedAfter: string;
  /** When the look at changes began that `changedAfter` belongs to. */
  changesSince: Date | null;
  /** The key at which the next slice begins; empty at the start of a pass. */
  reached: string;
  passStartedAt: Date;
  /** No row was left unchecked for longer than since this time. */
  coveredSince: Date;
};

/** How far a check has come. One that never ran begins at `now`, with its first pass. */
export async function readCheck(sql: Sql, name: string, now: Date): Promise<CheckProgress> {
  const [row] = await sql`
    select changed_until, changed_after, changes_since, reached, pass_started_at, covered_since from monitor.checks where name = ${name}`;
  const fresh = { changedUntil: now, changedAfter: '', changesSince: null };
  return (row as CheckProgress | undefined) ?? { ...fresh, reached: '', passStartedAt: now, coveredSince: now };
}

/** Keeps how far a check has come. Of runs that overlap, the last one counts: a slice is then checked twice or later. */
export async function saveCheck(sql: Sql, name: string, progress: CheckProgress): Promise<void> {
  const { changedUntil, changedAfter, changesSince, reached, passStartedAt, coveredSince } = progress;
  await sql`
    insert into monitor.checks (
      name, changed_until, changed_after, changes_since, reached, pass_started_at, covered_since
    )
    values (
      ${name}, ${changedUntil}, ${changedAfter}, ${changesSince}, ${reached}, ${passStartedAt}, ${coveredSince}
    )
    on conflict (name) do update
      set changed_until = excluded.changed_until, changed_after = excluded.changed_after,
        changes_since = excluded.changes_since, reached = excluded.reached,
        pass_started_at = excluded.pass_started_at, covered_since = excluded.covered_since`;
}

/** About how many rows a table has, as of when PostgreSQL last counted; 0 for a table that it never counted. */
export async function estimateRows(sql: Sql, schema: string, table: string): Promise<number> {
  const [row] = await sql`
    select greatest(c.reltuples, 0)::double precision as count
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname = ${schema} and c.relname = ${table}`;
  return Math.round(row?.count ?? 0);
}
