import type { Sql } from 'postgres';

/** Makes room for the records of the month that a time is in. @returns whether there was none */
export async function addMonth(sql: Sql, at: Date): Promise<boolean> {
  const [row] = await sql`select audit.add_month(${at}::timestamptz) as added`;
  return row!.added as boolean;
}

/** Makes room for this month and the three after it, and drops the months that are past their keeping. */
export async function rotateMonths(
  sql: Sql,
  { now, keepMonths }: { now: Date; keepMonths: number },
): Promise<{ added: number; dropped: number }> {
  let added = 0;
  for (let ahead = 0; ahead <= 3; ahead++) {
    const month = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + ahead, 1));
    if (await addMonth(sql, month)) added++;
  }
  const [row] = await sql`select audit.drop_months(${now}::timestamptz, ${keepMonths}::integer) as dropped`;
  return { added, dropped: row!.dropped as number };
}
