import { updateSubscription } from '../../lib/analytics/subscriptions/subscriptions.sql.ts';
import type { App } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/report-subscriptions.ts';
import type { Request } from '../../lib/http/request.ts';
import { type Result, versionTag } from '../../lib/http/response.ts';
import type { Clock } from '../../lib/kernel/clock.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { routes } from '../routes.ts';

export async function run(
  { caller, path, body, condition }: Request<typeof contract.updateReportSubscription, App>,
  { sql, clock }: { sql: () => Sql; clock: Clock },
): Promise<Result> {
  const key = { applicationId: caller.application.id, ...path };
  const changed = await updateSubscription(sql(), key, body, { condition, clock });
  return { status: 200, body: changed, etag: versionTag(changed.version) };
}

export const handler = httpHandler(
  routes['update-report-subscription'],
  contract.updateReportSubscription,
  run,
  ({ clock }) => ({ sql: () => sqlAs('reports_api'), clock }),
);
