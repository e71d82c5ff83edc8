import type { Sql } from 'postgres';

/** Sessions of the product in the database: all, and those that run a statement. */
export async function connectionCounts(sql: Sql): Promise<{ all: number; active: number }> {
  const [row] = await sql<[{ all: number; active: number }]>`
    select count(*)::integer as all, (count(*) filter (where state = 'active'))::integer as active
    from pg_stat_activity
    where datname = current_database() and application_name <> 'counterfoil-console'`;
  return row;
}
