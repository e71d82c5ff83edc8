import { insertSubscription } from '../../lib/analytics/subscriptions/subscriptions.sql.ts';
import type { App } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/report-subscriptions.ts';
import { idempotent, type KeyOptions } from '../../lib/database/idempotency.sql.ts';
import { claimOf, fromStored, toStored } from '../../lib/http/idempotency.ts';
import type { Request } from '../../lib/http/request.ts';
import { type Result, versionTag } from '../../lib/http/response.ts';
import type { Clock } from '../../lib/kernel/clock.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { idempotency } from '../../lib/platform/stores.ts';
import { routes } from '../routes.ts';

type Deps = { sql: () => Sql; clock: Clock; keys: KeyOptions };

export async function run(
  request: Request<typeof contract.createReportSubscription, App>,
  { sql, clock, keys }: Deps,
): Promise<Result> {
  const claim = claimOf('create-report-subscription', request);
  const { answer, replayed } = await idempotent(sql(), claim, keys, async (tx) => {
    const added = await insertSubscription(tx, request.caller.application.id, request.body, clock);
    const headers = { location: `/report-subscriptions/${added.id}`, etag: versionTag(added.version) };
    return toStored({ status: 201, headers, body: added });
  });
  return fromStored(answer, replayed);
}

export const handler = httpHandler(
  routes['create-report-subscription'],
  contract.createReportSubscription,
  run,
  ({ clock }) => ({ sql: () => sqlAs('reports_api'), clock, keys: idempotency('reports.idempotency_keys') }),
);
