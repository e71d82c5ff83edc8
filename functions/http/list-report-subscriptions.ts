import { listSubscriptions } from '../../lib/analytics/subscriptions/subscriptions.sql.ts';
import type { App } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/report-subscriptions.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { routes } from '../routes.ts';

export async function run(
  { caller }: Request<typeof contract.listReportSubscriptions, App>,
  { sql }: { sql: () => Sql },
): Promise<Result> {
  return { status: 200, body: { data: await listSubscriptions(sql(), caller.application.id) } };
}

export const handler = httpHandler(routes['list-report-subscriptions'], contract.listReportSubscriptions, run, () => ({
  sql: () => sqlAs('reports_api'),
}));
