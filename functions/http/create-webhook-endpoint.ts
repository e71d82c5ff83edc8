import type { App } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/webhooks.ts';
import type { AllowedTargets } from '../../lib/events/webhooks/address.ts';
import type { WebhookStore } from '../../lib/events/webhooks/endpoints.dynamo.ts';
import { createEndpoint, toSecretView } from '../../lib/events/webhooks/manage.ts';
import type { Request } from '../../lib/http/request.ts';
import { type Result, versionTag } from '../../lib/http/response.ts';
import { config } from '../../lib/platform/config.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { webhookStore } from '../../lib/platform/stores.ts';
import { routes } from '../routes.ts';

type Deps = { store: WebhookStore; allowed: AllowedTargets };

export async function run(
  { caller, body, idempotencyKey, fingerprint }: Request<typeof contract.createWebhookEndpoint, App>,
  { store, allowed }: Deps,
): Promise<Result> {
  const claim = { key: idempotencyKey, fingerprint, allowed };
  const { item, replayed } = await createEndpoint(store, caller.application.id, body, claim);
  return {
    status: 201,
    body: toSecretView(item),
    headers: {
      location: `/webhook-endpoints/${item.endpointId}`,
      etag: versionTag(item.version),
      ...(replayed ? { 'idempotency-replayed': 'true' } : {}),
    },
  };
}

export const handler = httpHandler(routes['create-webhook-endpoint'], contract.createWebhookEndpoint, run, () => ({
  store: webhookStore(),
  allowed: config().WEBHOOK_TARGETS,
}));
