import * as contract from '../../lib/contract/api/audit.ts';
import type { App } from '../../lib/contract/api/caller.ts';
import { Problem } from '../../lib/contract/api/problems.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import type { Clock } from '../../lib/kernel/clock.ts';
import { lastMonth, periodOf } from '../../lib/operations/audit/period.ts';
import { listAccesses } from '../../lib/operations/audit/read.sql.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { routes } from '../routes.ts';

export async function run(
  { query, touch }: Request<typeof contract.listAccesses, App>,
  { sql, clock }: { sql: () => Sql; clock: Clock },
): Promise<Result> {
  const about = [query.resource, query.application, query.customer].filter((id) => id !== undefined);
  if (about.length === 0) {
    const detail = 'is missing, and so are ?application and ?customer. Send at least one of them';
    throw new Problem('invalid-input', `?resource ${detail}.`, { errors: [{ pointer: '?resource', detail }] });
  }
  touch(...about);
  return { status: 200, body: await listAccesses(sql(), { ...query, ...periodOf(query, lastMonth, clock) }) };
}

export const handler = httpHandler(routes['list-accesses'], contract.listAccesses, run, ({ clock }) => ({
  sql: () => sqlAs('audit_reader'),
  clock,
}));
