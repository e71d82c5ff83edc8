import type { App } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/webhooks.ts';
import type { AllowedTargets } from '../../lib/events/webhooks/address.ts';
import type { WebhookStore } from '../../lib/events/webhooks/endpoints.dynamo.ts';
import { requireEndpoint, toEndpointView, updateEndpoint } from '../../lib/events/webhooks/manage.ts';
import type { Request } from '../../lib/http/request.ts';
import { type Result, versionTag } from '../../lib/http/response.ts';
import { config } from '../../lib/platform/config.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { webhookStore } from '../../lib/platform/stores.ts';
import { type WakeSenders, wakeSendersOrLeave } from '../../lib/platform/webhook-signals.ts';
import { routes } from '../routes.ts';

type Deps = { store: WebhookStore; allowed: AllowedTargets; wake: WakeSenders };

export async function run(
  { caller, path, body, condition }: Request<typeof contract.updateWebhookEndpoint, App>,
  { store, allowed, wake }: Deps,
): Promise<Result> {
  const item = await requireEndpoint(store, caller.application.id, path.endpointId);
  const changed = await updateEndpoint(store, item, body, { condition, allowed });
  if (body.status === 'active') await wake([changed]);
  return { status: 200, body: toEndpointView(changed), etag: versionTag(changed.version) };
}

export const handler = httpHandler(
  routes['update-webhook-endpoint'],
  contract.updateWebhookEndpoint,
  run,
  ({ log }) => ({
    store: webhookStore(),
    allowed: config().WEBHOOK_TARGETS,
    wake: wakeSendersOrLeave(log),
  }),
);
