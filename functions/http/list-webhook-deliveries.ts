import type { App } from '../../lib/contract/api/caller.ts';
import { decodeCursor, toPage } from '../../lib/contract/api/cursor.ts';
import * as contract from '../../lib/contract/api/webhooks.ts';
import { listDeliveries } from '../../lib/events/webhooks/deliveries.dynamo.ts';
import type { WebhookStore } from '../../lib/events/webhooks/endpoints.dynamo.ts';
import { requireEndpoint, toDeliveryView } from '../../lib/events/webhooks/manage.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { webhookStore } from '../../lib/platform/stores.ts';
import { routes } from '../routes.ts';

type Deps = { store: WebhookStore };

export async function run(
  { caller, path, query: { limit, cursor } }: Request<typeof contract.listWebhookDeliveries, App>,
  { store }: Deps,
): Promise<Result> {
  const { endpointId } = await requireEndpoint(store, caller.application.id, path.endpointId);
  const list = `list-webhook-deliveries ${endpointId}`;
  const before = cursor === undefined ? undefined : decodeCursor(list, cursor);
  const items = await listDeliveries(store, endpointId, { limit: limit + 1, before });
  return { status: 200, body: toPage(list, items.map(toDeliveryView), limit) };
}

export const handler = httpHandler(routes['list-webhook-deliveries'], contract.listWebhookDeliveries, run, () => ({
  store: webhookStore(),
}));
