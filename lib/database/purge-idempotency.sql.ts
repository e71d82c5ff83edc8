import type { Sql } from 'postgres';

/** Deletes idempotency records that are past their keeping, in every service's table. @returns how many */
export async function purgeExpiredKeys(sql: Sql, now: Date): Promise<number> {
  let deleted = 0;
  for (const table of ['customers.idempotency_keys', 'catalog.idempotency_keys', 'orders.idempotency_keys']) {
    const { count } = await sql`delete from ${sql(table)} where expires_at <= ${now}`;
    deleted += count;
  }
  return deleted;
}
