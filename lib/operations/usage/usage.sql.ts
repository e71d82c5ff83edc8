import type { Sql, TransactionSql } from 'postgres';
import type { OperationUsage } from '../../contract/api/usage.ts';
import type { AccessLine } from '../../contract/deploy/access-line.ts';
import { added, bucketOf, percentile } from './histogram.ts';

type Counted = {
  applicationId: string;
  hour: string;
  operation: string;
  requests: number;
  clientErrors: number;
  serverErrors: number;
  buckets: number[];
};

/** Counts requests without an application. */
export const noApplication = 'none';

/** Adds requests to the usage of their hours, whose partitions must exist. Adding a request twice counts it twice. */
export async function addUsage(tx: TransactionSql, lines: readonly AccessLine[]): Promise<void> {
  const counted = JSON.stringify(count(lines));
  await tx`
    insert into audit.usage as u
      (application_id, hour, operation, requests, client_errors, server_errors, buckets)
    select "applicationId", hour, operation, requests, "clientErrors", "serverErrors", buckets
    from jsonb_to_recordset(${counted}::text::jsonb) as c ("applicationId" text, hour timestamptz, operation text,
      requests bigint, "clientErrors" bigint, "serverErrors" bigint, buckets integer[])
    -- Always in the same order, so that concurrent writers cannot deadlock.
    order by 1, 2, 3
    on conflict (application_id, hour, operation) do update set
      requests = u.requests + excluded.requests,
      client_errors = u.client_errors + excluded.client_errors,
      server_errors = u.server_errors + excluded.server_errors,
      buckets = array(
        select coalesce(a, 0) + coalesce(b, 0)
        from unnest(u.buckets, excluded.buckets) with ordinality as both_of (a, b, place)
        order by place)`;
}

function count(lines: readonly AccessLine[]): Counted[] {
  const groups = new Map<string, Counted>();
  for (const { applicationId, at, operation, status, milliseconds } of lines) {
    const hour = `${at.slice(0, 13)}:00:00Z`;
    const key = `${applicationId} ${hour} ${operation}`;
    const group = groups.get(key) ?? {
      applicationId: applicationId ?? noApplication,
      hour,
      operation,
      requests: 0,
      clientErrors: 0,
      serverErrors: 0,
      buckets: [],
    };
    groups.set(key, group);
    group.requests++;
    if (status >= 500) group.serverErrors++;
    else if (status >= 400) group.clientErrors++;
    group.buckets = added(group.buckets, [...Array<number>(bucketOf(milliseconds)).fill(0), 1]);
  }
  return [...groups.values()];
}

/** An application's usage by operation, most used first, in the hours from the one that `from` is in until `to`. */
export async function readUsage(
  sql: Sql,
  { applicationId, from, to }: { applicationId: string; from: Date; to: Date },
): Promise<OperationUsage[]> {
  // Summed up here, because PostgreSQL cannot sum arrays; an hour has few rows.
  const rows = await sql<Omit<Counted, 'applicationId' | 'hour'>[]>`
    select operation, requests, client_errors, server_errors, to_jsonb(buckets) as buckets
    from audit.usage
    where application_id = ${applicationId} and hour >= date_trunc('hour', ${from}::timestamptz) and hour < ${to}`;
  const byOperation = new Map<string, Omit<Counted, 'applicationId' | 'hour'>>();
  for (const row of rows) {
    const sum = byOperation.get(row.operation);
    byOperation.set(row.operation, {
      operation: row.operation,
      requests: (sum?.requests ?? 0) + row.requests,
      clientErrors: (sum?.clientErrors ?? 0) + row.clientErrors,
      serverErrors: (sum?.serverErrors ?? 0) + row.serverErrors,
      buckets: added(sum?.buckets ?? [], row.buckets),
    });
  }
  return [...byOperation.values()]
    .map(({ buckets, ...operation }) => ({
      ...operation,
      p50Milliseconds: percentile(buckets, 0.5)!,
      p99Milliseconds: percentile(buckets, 0.99)!,
    }))
    .toSorted((a, b) => b.requests - a.requests || (a.operation < b.operation ? -1 : 1));
}
