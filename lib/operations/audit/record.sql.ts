import type { Sql } from 'postgres';
import type { AccessLine } from '../../contract/deploy/access-line.ts';
import { isCutShort } from '../../database/batches.ts';
import { inTransaction } from '../../database/transaction.sql.ts';
import { addUsage } from '../usage/usage.sql.ts';

/**
 * Stores accesses and adds them to their applications' usage, all of them or none. A line that is stored already
 * changes nothing.
 * @returns how many were new
 */
export async function recordAccesses(sql: Sql, lines: readonly AccessLine[]): Promise<number> {
  if (lines.length === 0) return 0;
  try {
    return await record(sql, lines);
  } catch (error) {
    if (!isWithoutPartition(error)) throw error;
    for (const month of new Set(lines.map(({ at }) => at.slice(0, 7)))) {
      await addMonth(sql, new Date(`${month}-01T00:00:00Z`));
    }
    return await record(sql, lines);
  }
}

const record = (sql: Sql, lines: readonly AccessLine[]): Promise<number> =>
  inTransaction(sql, async (tx) => {
    const rows = lines.map((line) => ({ ...line, milliseconds: Math.round(line.milliseconds) }));
    const inserted = await tx`
      insert into audit.accesses (at, id, operation, write, status, problem, milliseconds, request_id,
        application_id, customer_id, key_id, network, resources)
      select distinct on (at, "accessId") at, "accessId", operation, write, status, problem, milliseconds, "requestId",
        "applicationId", "customerId", "keyId", network, resources
      from jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb) as l ("accessId" text, at timestamptz,
        operation text, write boolean, status smallint, problem text, milliseconds integer, "requestId" text,
        "applicationId" text, "customerId" text, "keyId" text, network text, resources text[])
      order by at, "accessId"
      on conflict do nothing
      returning id`;
    const ids = new Set(inserted.map((row) => row.id as string));
    const newLines = lines.filter(({ accessId }) => ids.delete(accessId));
    if (newLines.length === 0) return 0;
    const touched = newLines.flatMap(({ accessId, at, applicationId, write, status, resources }) =>
      [...new Set(resources)].map((resource) => ({
        resource,
        at,
        accessId,
        applicationId,
        write,
        succeeded: status < 400,
      })),
    );
    await tx`
      insert into audit.touched (resource, at, access_id, application_id, write, succeeded)
      select resource, at, "accessId", "applicationId", write, succeeded
      from jsonb_to_recordset(${JSON.stringify(touched)}::text::jsonb) as t (resource text, at timestamptz,
        "accessId" text, "applicationId" text, write boolean, succeeded boolean)`;
    await addUsage(tx, newLines);
    return newLines.length;
  });

/** PostgreSQL has no error code of its own for a row without a partition. */
const isWithoutPartition = (error: unknown): boolean =>
  error instanceof Error &&
  'code' in error &&
  error.code === '23514' &&
  error.message.startsWith('no partition of relation');

/** Adds the partitions of the month that a time is in. @returns whether they were missing */
export async function addMonth(sql: Sql, at: Date): Promise<boolean> {
  const [row] = await sql`select audit.add_month(${at}::timestamptz) as added`;
  return row!.added as boolean;
}

/** Adds the partitions of this month and the next three, and drops those of months that are older than `keepMonths`. */
export async function rotateMonths(
  sql: Sql,
  { now, keepMonths }: { now: Date; keepMonths: number },
): Promise<{ added: number; dropped: number }> {
  let added = 0;
  for (let ahead = 0; ahead <= 3; ahead++) {
    const month = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + ahead, 1));
    if (await patiently(() => addMonth(sql, month))) added++;
  }
  let dropped = 0;
  while (await patiently(() => dropMonth(sql, now, keepMonths))) dropped++;
  return { added, dropped };
}

async function dropMonth(sql: Sql, now: Date, keepMonths: number): Promise<boolean> {
  const [row] = await sql`select audit.drop_month(${now}::timestamptz, ${keepMonths}::integer) as dropped`;
  return row!.dropped === 1;
}

/** Tries again what the database has ended because others would have had to wait for it. */
async function patiently<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (!isCutShort(error) || tries === 20) throw error;
    }
  }
}
