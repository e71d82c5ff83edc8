import type { StoredEvent } from '../../lib/contract/events/define-event.ts';
import { domainEvents } from '../../lib/contract/events/domain-events.ts';
import type { MayReceive, WebhookStore } from '../../lib/events/webhooks/endpoints.dynamo.ts';
import { type ListEndpoints, recentEndpoints, routeEvent } from '../../lib/events/webhooks/route.ts';
import { anyOf, consumerHandler } from '../../lib/platform/handlers/consumer.ts';
import { webhookStore } from '../../lib/platform/stores.ts';
import { mayReceiveEvents } from '../../lib/platform/webhook-access.ts';
import { type WakeSenders, wakeSenders } from '../../lib/platform/webhook-signals.ts';
import { consumers } from '../consumers.ts';

type Deps = { store: WebhookStore; endpoints: ListEndpoints; mayReceive: MayReceive; wake: WakeSenders };

/** Puts an event on its way to every webhook endpoint that wants it, and tells the senders. */
export async function run(event: StoredEvent, { store, wake, ...deps }: Deps) {
  const endpoints = await routeEvent(store, event, deps);
  if (endpoints.length > 0) await wake(endpoints);
  return { endpoints: endpoints.length };
}

export const handler = consumerHandler(consumers['route-webhooks'], anyOf(domainEvents), run, ({ stopwatch }) => {
  const store = webhookStore();
  return { store, endpoints: recentEndpoints(store, stopwatch), mayReceive: mayReceiveEvents, wake: wakeSenders };
});
