import type { Fragment, Sql } from 'postgres';

type Explained = [Record<string, [{ Plan: { 'Plan Rows': number } }]>];

/** How many rows PostgreSQL expects of a query, from its statistics: none of them is read. */
export async function estimateOf(sql: Sql, query: Fragment): Promise<number> {
  const [row] = await sql<Explained>`explain (format json) ${query}`;
  return Object.values(row)[0]![0].Plan['Plan Rows'];
}
