import { lastMonth, periodOf } from '../../lib/audit/period.ts';
import { listAccesses } from '../../lib/audit/read.sql.ts';
import * as contract from '../../lib/contract/audit.ts';
import type { App } from '../../lib/contract/caller.ts';
import { Problem } from '../../lib/contract/problems.ts';
import { httpDoor, type Request, type Result } from '../../lib/entry/http.ts';
import type { Clock } from '../../lib/kernel/clock.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { routes } from '../routes.ts';

export async function run(
  { query, touch }: Request<typeof contract.listAccesses, App>,
  { sql, clock }: { sql: () => Sql; clock: Clock },
): Promise<Result> {
  const about = [query.resource, query.application, query.customer].filter((id) => id !== undefined);
  if (about.length === 0) {
    const detail = 'is missing, and so are ?application and ?customer: one of them is needed';
    throw new Problem('invalid-input', `?resource ${detail}.`, { errors: [{ pointer: '?resource', detail }] });
  }
  touch(...about);
  return { status: 200, body: await listAccesses(sql(), { ...query, ...periodOf(query, lastMonth, clock) }) };
}

export const handler = httpDoor(routes['list-accesses'], contract.listAccesses, run, ({ clock }) => ({
  sql: () => sqlAs('audit_reader'),
  clock,
}));
