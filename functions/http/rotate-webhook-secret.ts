import type { App } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/webhooks.ts';
import type { WebhookStore } from '../../lib/events/webhooks/endpoints.dynamo.ts';
import { requireEndpoint, rotateSecret, toSecretView } from '../../lib/events/webhooks/manage.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { webhookStore } from '../../lib/platform/stores.ts';
import { routes } from '../routes.ts';

type Deps = { store: WebhookStore };

export async function run(
  { caller, path }: Request<typeof contract.rotateWebhookSecret, App>,
  { store }: Deps,
): Promise<Result> {
  const item = await requireEndpoint(store, caller.application.id, path.endpointId);
  const changed = await rotateSecret(store, item);
  return { status: 200, body: toSecretView(changed) };
}

export const handler = httpHandler(routes['rotate-webhook-secret'], contract.rotateWebhookSecret, run, () => ({
  store: webhookStore(),
}));
