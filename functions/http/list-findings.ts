import type { App } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/findings.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { listFindings } from '../../lib/operations/reconciliation/findings.sql.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { routes } from '../routes.ts';

export async function run(
  { query }: Request<typeof contract.listFindings, App>,
  { sql }: { sql: () => Sql },
): Promise<Result> {
  return { status: 200, body: await listFindings(sql(), query) };
}

export const handler = httpHandler(routes['list-findings'], contract.listFindings, run, () => ({
  sql: () => sqlAs('monitor'),
}));
