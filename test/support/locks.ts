import type postgres from 'postgres';

/** How many sessions of this very database wait for a lock; others of the server are no concern of a test. */
export async function waitingForLocks(sql: postgres.Sql): Promise<number> {
  const rows = await sql`
    select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
  return rows.length;
}
