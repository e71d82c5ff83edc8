import type { App } from '../../lib/contract/api/caller.ts';
import { Problem } from '../../lib/contract/api/problems.ts';
import * as contract from '../../lib/contract/api/webhooks.ts';
import type { WebhookStore } from '../../lib/events/webhooks/endpoints.dynamo.ts';
import { requireEndpoint } from '../../lib/events/webhooks/manage.ts';
import { replayEvents } from '../../lib/events/webhooks/replay.sql.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { toTimestamp } from '../../lib/kernel/clock.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { webhookStore } from '../../lib/platform/stores.ts';
import { type WakeSenders, wakeSendersOrLeave } from '../../lib/platform/webhook-signals.ts';
import { routes } from '../routes.ts';

type Deps = { sql: () => Sql; store: WebhookStore; wake: WakeSenders };

export async function run(
  { caller, path, body }: Request<typeof contract.replayWebhookEvents, App>,
  { sql, store, wake }: Deps,
): Promise<Result> {
  const endpoint = await requireEndpoint(store, caller.application.id, path.endpointId);
  const [from, to] = [Date.parse(body.from), body.to === undefined ? store.clock.now() : Date.parse(body.to)];
  if (from >= to) {
    throw new Problem('invalid-input', '/to must be after /from.', {
      errors: [{ pointer: '/to', detail: 'must be after /from' }],
    });
  }
  const personalData = caller.application.scopes.includes('customers:read');
  const { events, next } = await replayEvents(sql(), store, endpoint, { from, to, personalData });
  await wake([endpoint]);
  return { status: 202, body: { events, next: next === null ? null : toTimestamp(next) } };
}

export const handler = httpHandler(routes['replay-webhook-events'], contract.replayWebhookEvents, run, ({ log }) => ({
  sql: () => sqlAs('events_api'),
  store: webhookStore(),
  wake: wakeSendersOrLeave(log),
}));
