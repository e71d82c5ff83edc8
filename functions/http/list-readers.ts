import * as contract from '../../lib/contract/api/audit.ts';
import type { App } from '../../lib/contract/api/caller.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import type { Clock } from '../../lib/kernel/clock.ts';
import { lastMonth, periodOf } from '../../lib/operations/audit/period.ts';
import { listReaders } from '../../lib/operations/audit/read.sql.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { routes } from '../routes.ts';

export async function run(
  { query: { customer, ...range }, touch }: Request<typeof contract.listReaders, App>,
  { sql, clock }: { sql: () => Sql; clock: Clock },
): Promise<Result> {
  touch(customer);
  const { from, to } = periodOf(range, lastMonth, clock);
  const data = await listReaders(sql(), { customer, from, to });
  return { status: 200, body: { customerId: customer, from: from.toISOString(), to: to.toISOString(), data } };
}

export const handler = httpHandler(routes['list-readers'], contract.listReaders, run, ({ clock }) => ({
  sql: () => sqlAs('audit_reader'),
  clock,
}));
