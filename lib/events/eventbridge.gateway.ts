import { type EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { eventSource, forWebhooks, type StoredEvent } from '../contract/events/define-event.ts';
import type { EventBus } from './publish.ts';

/** What EventBridge takes in one call. https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html */
const entriesInCall = 10;

/**
 * Publishes to a bus of Amazon EventBridge. A call that fails as a whole leaves its events not taken.
 * @param wanted which types of events webhook endpoints want: those events say so among their resources
 */
export const eventBridge = ({
  client,
  busName,
  wanted,
  onError,
}: {
  client: EventBridgeClient;
  busName: string;
  wanted: () => Promise<(type: string) => boolean>;
  onError: (error: unknown) => void;
}): EventBus => ({
  async put(events) {
    const isWanted = await wanted();
    const calls: StoredEvent[][] = [];
    for (let at = 0; at < events.length; at += entriesInCall) calls.push(events.slice(at, at + entriesInCall));
    const taken = await Promise.all(calls.map((entries) => putSome(client, busName, entries, isWanted).catch(failed)));
    return new Set(taken.flat());

    function failed(error: unknown): string[] {
      onError(error);
      return [];
    }
  },
});

async function putSome(
  client: EventBridgeClient,
  busName: string,
  events: readonly StoredEvent[],
  isWanted: (type: string) => boolean,
): Promise<string[]> {
  const { Entries = [] } = await client.send(
    new PutEventsCommand({
      Entries: events.map((event) => ({
        EventBusName: busName,
        Source: eventSource,
        DetailType: event.type,
        Time: new Date(event.occurredAt),
        Resources: isWanted(event.type) ? [event.aggregateId, forWebhooks] : [event.aggregateId],
        Detail: JSON.stringify(event),
      })),
    }),
  );
  return events.filter((_, n) => Entries[n]?.EventId !== undefined).map(({ id }) => id);
}
