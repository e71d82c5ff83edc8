import { listRuns } from '../../lib/analytics/subscriptions/runs.sql.ts';
import { findSubscription } from '../../lib/analytics/subscriptions/subscriptions.sql.ts';
import type { App } from '../../lib/contract/api/caller.ts';
import { decodeCursor, toPage } from '../../lib/contract/api/cursor.ts';
import * as contract from '../../lib/contract/api/report-subscriptions.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { routes } from '../routes.ts';

export async function run(
  { caller, path, query: { limit, cursor } }: Request<typeof contract.listReportRuns, App>,
  { sql }: { sql: () => Sql },
): Promise<Result> {
  const { id } = await findSubscription(sql(), { applicationId: caller.application.id, ...path });
  const list = `list-report-runs ${id}`;
  const before = cursor === undefined ? undefined : decodeCursor(list, cursor);
  const rows = await listRuns(sql(), id, { limit: limit + 1, before });
  return { status: 200, body: toPage(list, rows, limit) };
}

export const handler = httpHandler(routes['list-report-runs'], contract.listReportRuns, run, () => ({
  sql: () => sqlAs('reports_api'),
}));
