import type { App } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/webhooks.ts';
import { listEndpoints, type WebhookStore } from '../../lib/events/webhooks/endpoints.dynamo.ts';
import { toEndpointView } from '../../lib/events/webhooks/manage.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { webhookStore } from '../../lib/platform/stores.ts';
import { routes } from '../routes.ts';

type Deps = { store: WebhookStore };

export async function run(
  { caller }: Request<typeof contract.listWebhookEndpoints, App>,
  { store }: Deps,
): Promise<Result> {
  const items = await listEndpoints(store, caller.application.id);
  const oldestFirst = items.toSorted((a, b) => a.createdAt - b.createdAt);
  return { status: 200, body: { data: oldestFirst.map(toEndpointView) } };
}

export const handler = httpHandler(routes['list-webhook-endpoints'], contract.listWebhookEndpoints, run, () => ({
  store: webhookStore(),
}));
