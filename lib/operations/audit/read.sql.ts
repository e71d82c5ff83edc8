import type { Sql } from 'postgres';
import type { Access } from '../../contract/api/audit.ts';
import { decodeCursor, toPage } from '../../contract/api/cursor.ts';
import { idPattern, idTimestamp } from '../../kernel/ids.ts';

type AccessFilter = {
  resource?: string | undefined;
  application?: string | undefined;
  customer?: string | undefined;
  operation?: string | undefined;
  from: Date;
  to: Date;
  limit: number;
  cursor?: string | undefined;
};

type Row = Omit<Access, 'at' | 'kind'> & { at: Date; write: boolean };

/**
 * A page of accesses, newest first.
 * @throws Problem invalid-cursor
 */
export async function listAccesses(sql: Sql, filter: AccessFilter) {
  const { resource, application, customer, operation, from, to, limit, cursor } = filter;
  const listName = `list-accesses ${resource ?? ''} ${application ?? ''} ${customer ?? ''} ${operation ?? ''}`;
  const before = cursor === undefined ? undefined : decodeCursor(listName, cursor, idPattern('access'));
  // An access's id contains its time, so that partitions which cannot contain the next page are pruned.
  const until = before === undefined ? to : new Date(Math.min(to.getTime(), idTimestamp(before) + 1));
  // `offset 0` makes the planner look up accesses one by one until the page is full, instead of joining whole months.
  const [source, at, id] =
    resource === undefined
      ? [sql`audit.accesses a`, sql`a.at`, sql`a.id`]
      : [
          sql`audit.touched t, lateral (
            select id, at, operation, write, status, problem, milliseconds, request_id, application_id, key_id,
              customer_id, network, resources
            from audit.accesses where at = t.at and id = t.access_id offset 0
          ) a`,
          sql`t.at`,
          sql`t.access_id`,
        ];
  const rows = await sql<Row[]>`
    select a.id, a.at, a.operation, a.write, a.status, a.problem, a.milliseconds, a.request_id, a.application_id,
      a.key_id, a.customer_id, a.network, to_jsonb(a.resources) as resources
    from ${source}
    where ${at} >= ${from} and ${at} < ${until}
      ${before === undefined ? sql`` : sql`and (${at}, ${id}) < (${new Date(idTimestamp(before))}, ${before})`}
      ${resource === undefined ? sql`` : sql`and t.resource = ${resource}`}
      ${application === undefined ? sql`` : sql`and a.application_id = ${application}`}
      ${customer === undefined ? sql`` : sql`and a.customer_id = ${customer}`}
      ${operation === undefined ? sql`` : sql`and a.operation = ${operation}`}
    order by ${at} desc, ${id} desc
    limit ${limit + 1}`;
  return toPage(listName, rows.map(toAccess), limit);
}

const toAccess = ({ at, write, ...row }: Row): Access => ({
  ...row,
  at: at.toISOString(),
  kind: write ? 'write' : 'read',
});

/** The applications whose requests about a customer succeeded, those with the most requests first. */
export async function listReaders(sql: Sql, { customer, from, to }: { customer: string; from: Date; to: Date }) {
  const rows = await sql`
    select application_id, count(*) filter (where not write)::integer as reads,
      count(*) filter (where write)::integer as writes, min(at) as first, max(at) as last
    from audit.touched
    where resource = ${customer} and at >= ${from} and at < ${to} and succeeded
    group by application_id
    order by count(*) desc, application_id`;
  return rows.map(({ applicationId, reads, writes, first, last }) => ({
    applicationId: applicationId as string | null,
    reads: reads as number,
    writes: writes as number,
    first: (first as Date).toISOString(),
    last: (last as Date).toISOString(),
  }));
}
