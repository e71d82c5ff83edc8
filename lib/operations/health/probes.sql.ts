import type { Sql } from 'postgres';

/** Settles once PostgreSQL has answered. */
export async function probeDatabase(sql: Sql): Promise<void> {
  await sql`select 1`;
}
