import type { EventOf } from '../../lib/contract/events/define-event.ts';
import { webhookEndpointDisabled } from '../../lib/contract/events/webhook-events.ts';
import type { MayReceive, WebhookStore } from '../../lib/events/webhooks/endpoints.dynamo.ts';
import { othersOf } from '../../lib/events/webhooks/notices.ts';
import { routeEvent } from '../../lib/events/webhooks/route.ts';
import { anyOf, consumerHandler } from '../../lib/platform/handlers/consumer.ts';
import { webhookStore } from '../../lib/platform/stores.ts';
import { mayReceiveEvents } from '../../lib/platform/webhook-access.ts';
import { type WakeSenders, wakeSenders } from '../../lib/platform/webhook-signals.ts';
import { consumers } from '../consumers.ts';

type Deps = { store: WebhookStore; mayReceive: MayReceive; wake: WakeSenders };

/** Puts an event about a webhook endpoint on its way to the other endpoints of its application, and tells the senders. */
export async function run(event: EventOf<typeof webhookEndpointDisabled>, { store, mayReceive, wake }: Deps) {
  const endpoints = await routeEvent(store, event, { mayReceive, endpoints: othersOf(store, event.data) });
  if (endpoints.length > 0) await wake(endpoints);
  return { endpoints: endpoints.length };
}

export const handler = consumerHandler(consumers['route-webhook-news'], anyOf([webhookEndpointDisabled]), run, () => ({
  store: webhookStore(),
  mayReceive: mayReceiveEvents,
  wake: wakeSenders,
}));
