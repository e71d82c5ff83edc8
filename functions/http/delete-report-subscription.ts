import { deleteSubscription } from '../../lib/analytics/subscriptions/subscriptions.sql.ts';
import type { App } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/report-subscriptions.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { routes } from '../routes.ts';

export async function run(
  { caller, path }: Request<typeof contract.deleteReportSubscription, App>,
  { sql }: { sql: () => Sql },
): Promise<Result> {
  await deleteSubscription(sql(), { applicationId: caller.application.id, ...path });
  return { status: 204 };
}

export const handler = httpHandler(
  routes['delete-report-subscription'],
  contract.deleteReportSubscription,
  run,
  () => ({ sql: () => sqlAs('reports_api') }),
);
