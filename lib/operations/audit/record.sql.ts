import type { Sql } from 'postgres';
import type { AccessLine } from '../../contract/deploy/access-line.ts';
import { inTransaction } from '../../database/transaction.sql.ts';
import { addUsage } from '../usage/usage.sql.ts';
import { addMonth } from './months.sql.ts';

/**
 * Keeps accesses, and counts them into what their applications used, all of it or nothing. A line that is known already
 * changes nothing. @returns how many were new
 */
export async function recordAccesses(sql: Sql, lines: readonly AccessLine[]): Promise<number> {
  if (lines.length === 0) return 0;
  try {
    return await record(sql, lines);
  } catch (error) {
    if (!isWithoutMonth(error)) throw error;
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
    const fresh = lines.filter(({ accessId }) => ids.delete(accessId));
    if (fresh.length === 0) return 0;
    const touched = fresh.flatMap(({ accessId, at, applicationId, write, status, resources }) =>
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
    await addUsage(tx, fresh);
    return fresh.length;
  });

/** PostgreSQL has no code of its own for a row that fits no partition. */
const isWithoutMonth = (error: unknown): boolean =>
  error instanceof Error &&
  'code' in error &&
  error.code === '23514' &&
  error.message.startsWith('no partition of relation');
