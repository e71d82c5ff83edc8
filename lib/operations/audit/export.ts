import type { Sql } from 'postgres';
import type { CustomerExport } from '../../contract/api/privacy.ts';
import type { Clock } from '../../kernel/clock.ts';
import { listAccesses } from './read.sql.ts';

const mostAccesses = 1000;
/** Longer than accesses are kept. */
const keptDays = 500;

/**
 * A page of the requests that came from a customer or were about them, newest first.
 * @param page where it begins: `next` of the page before; the newest by default
 * @returns the page, and where the next one begins: `end` when there is none
 * @throws Problem invalid-cursor
 */
export async function exportAccesses(
  sql: Sql,
  customerId: string,
  page: string | undefined,
  clock: Clock,
): Promise<{ data: CustomerExport['accesses']; next: string }> {
  if (page === 'end') return { data: [], next: 'end' };
  const to = new Date(clock.now());
  const from = new Date(to.getTime() - keptDays * 24 * 3600_000);
  const found = await listAccesses(sql, { resource: customerId, from, to, limit: mostAccesses, cursor: page });
  return {
    next: found.nextCursor ?? 'end',
    data: found.data.map((access) => ({
      at: access.at,
      operation: access.operation,
      kind: access.kind,
      status: access.status,
      applicationId: access.applicationId,
      // The network of a back office's server is not the customer's to know.
      network: access.keyId === null ? access.network : null,
    })),
  };
}
