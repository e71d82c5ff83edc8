import type { App } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/webhooks.ts';
import type { WebhookStore } from '../../lib/events/webhooks/endpoints.dynamo.ts';
import { requireEndpoint, retryDelivery, toDeliveryView } from '../../lib/events/webhooks/manage.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { webhookStore } from '../../lib/platform/stores.ts';
import { type WakeSenders, wakeSendersOrLeave } from '../../lib/platform/webhook-signals.ts';
import { routes } from '../routes.ts';

type Deps = { store: WebhookStore; wake: WakeSenders };

export async function run(
  { caller, path }: Request<typeof contract.retryWebhookDelivery, App>,
  { store, wake }: Deps,
): Promise<Result> {
  const item = await requireEndpoint(store, caller.application.id, path.endpointId);
  const delivery = await retryDelivery(store, item.endpointId, path.deliveryId);
  await wake([item]);
  return { status: 202, body: toDeliveryView(delivery) };
}

export const handler = httpHandler(routes['retry-webhook-delivery'], contract.retryWebhookDelivery, run, ({ log }) => ({
  store: webhookStore(),
  wake: wakeSendersOrLeave(log),
}));
