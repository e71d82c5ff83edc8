import type { StoredEvent } from '../../contract/events/define-event.ts';
import { webhookEndpointDisabled } from '../../contract/events/webhook-events.ts';
import { toTimestamp } from '../../kernel/clock.ts';
import { newId } from '../../kernel/ids.ts';
import { changeEndpoint, type EndpointItem, listEndpoints, type WebhookStore } from './endpoints.dynamo.ts';

/**
 * Disables an endpoint that no longer takes anything, with the event that tells of it, unless its owner has changed it meanwhile.
 * @returns the endpoint as it is now; undefined when it was changed
 */
export async function disableEndpoint(
  store: WebhookStore,
  endpoint: EndpointItem,
  reason: 'gone' | 'failing',
): Promise<EndpointItem | undefined> {
  const { applicationId, endpointId, failingSince } = endpoint;
  const now = store.clock.now();
  const version = endpoint.version + 1;
  const untold: StoredEvent = {
    id: newId('event', store.clock),
    type: webhookEndpointDisabled.type,
    version: webhookEndpointDisabled.version,
    subject: endpointId,
    aggregateId: endpointId,
    sequence: version,
    occurredAt: toTimestamp(now),
    correlationId: null,
    causationId: null,
    data: {
      endpointId,
      applicationId,
      reason,
      failingSince: failingSince === undefined ? null : toTimestamp(failingSince),
    },
  };
  const changes = { status: 'disabled', disabledBecause: reason, updatedAt: now, version, untold } as const;
  return changeEndpoint(store, endpoint, changes, endpoint.version);
}

/** Puts an event about an endpoint on the bus. Rejects when the bus has not taken it. */
export type Tell = (event: StoredEvent) => Promise<void>;

/** Tells what happened to an endpoint, at least once: until it is told, the endpoint holds it. */
export async function tellOf(store: WebhookStore, endpoint: EndpointItem, tell: Tell): Promise<void> {
  if (endpoint.untold === undefined) return;
  await tell(endpoint.untold);
  await changeEndpoint(store, endpoint, { untold: undefined });
}

/** A list of the other endpoints of the application that an event about an endpoint concerns. */
export const othersOf =
  (store: WebhookStore, { applicationId, endpointId }: { applicationId: string; endpointId: string }) =>
  async () =>
    (await listEndpoints(store, applicationId)).filter((each) => each.endpointId !== endpointId);
