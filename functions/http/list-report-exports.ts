import { listExports } from '../../lib/analytics/exports/exports.sql.ts';
import type { App } from '../../lib/contract/api/caller.ts';
import { decodeCursor, toPage } from '../../lib/contract/api/cursor.ts';
import * as contract from '../../lib/contract/api/report-exports.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { routes } from '../routes.ts';

export async function run(
  { caller, query: { limit, cursor } }: Request<typeof contract.listReportExports, App>,
  { sql }: { sql: () => Sql },
): Promise<Result> {
  const { id } = caller.application;
  const list = `list-report-exports ${id}`;
  const before = cursor === undefined ? undefined : decodeCursor(list, cursor);
  const rows = await listExports(sql(), id, { limit: limit + 1, before });
  const page = toPage(list, rows, limit);
  return { status: 200, body: { ...page, data: page.data.map((one) => ({ ...one, download: null })) } };
}

export const handler = httpHandler(routes['list-report-exports'], contract.listReportExports, run, () => ({
  sql: () => sqlAs('reports_api'),
}));
