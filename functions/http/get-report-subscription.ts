import { findSubscription } from '../../lib/analytics/subscriptions/subscriptions.sql.ts';
import type { App } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/report-subscriptions.ts';
import type { Request } from '../../lib/http/request.ts';
import { type Result, versionTag } from '../../lib/http/response.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { routes } from '../routes.ts';

export async function run(
  { caller, path }: Request<typeof contract.getReportSubscription, App>,
  { sql }: { sql: () => Sql },
): Promise<Result> {
  const body = await findSubscription(sql(), { applicationId: caller.application.id, ...path });
  return { status: 200, body, etag: versionTag(body.version) };
}

export const handler = httpHandler(routes['get-report-subscription'], contract.getReportSubscription, run, () => ({
  sql: () => sqlAs('reports_api'),
}));
