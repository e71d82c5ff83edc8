import type { Sql, TransactionSql } from 'postgres';

export type Source = 'reader' | 'writer';

/** Which server answers, and how old its data are at most. */
export type Freshness = { source: Source; lagMs: number };

/**
 * Reads how old the data are that a later statement of the same transaction sees; they can only be newer.
 * The milliseconds are Infinity when the server does not know: it has replayed no transaction since it started.
 */
export async function readFreshness(sql: Sql | TransactionSql): Promise<Freshness> {
  const [row] = await sql`select source, lag_ms from reporting.get_freshness()`;
  const { source, lagMs } = row as { source: Source; lagMs: number | null };
  return { source, lagMs: lagMs ?? Number.POSITIVE_INFINITY };
}
