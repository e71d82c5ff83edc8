import type { App } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/usage.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import type { Clock } from '../../lib/kernel/clock.ts';
import { lastDay, periodOf } from '../../lib/operations/audit/period.ts';
import { readUsage } from '../../lib/operations/usage/usage.sql.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { routes } from '../routes.ts';

export async function run(
  { path: { applicationId }, query }: Request<typeof contract.getUsage, App>,
  { sql, clock }: { sql: () => Sql; clock: Clock },
): Promise<Result> {
  const { from, to } = periodOf(query, lastDay, clock);
  const operations = await readUsage(sql(), { applicationId, from, to });
  const sum = (name: 'requests' | 'clientErrors' | 'serverErrors') =>
    operations.reduce((total, operation) => total + operation[name], 0);
  const [slowest] = operations.toSorted((a, b) => b.p99Milliseconds - a.p99Milliseconds);
  const body = {
    applicationId,
    from: from.toISOString(),
    to: to.toISOString(),
    requests: sum('requests'),
    clientErrors: sum('clientErrors'),
    serverErrors: sum('serverErrors'),
    slowestOperation: slowest?.operation ?? null,
    operations,
  };
  return { status: 200, body };
}

export const handler = httpHandler(routes['get-usage'], contract.getUsage, run, ({ clock }) => ({
  sql: () => sqlAs('audit_reader'),
  clock,
}));
