import type { PutEventsRequestEntry, PutEventsResponse } from '@aws-sdk/client-eventbridge';
import { eventSource, forWebhooks, type StoredEvent } from '../contract/events/define-event.ts';
import type { EventBus } from './publish.ts';

/** What EventBridge takes in one call. https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html */
const entriesInCall = 10;

/** As it is sent: the time is in seconds since the epoch. */
export type BusEntry = Omit<PutEventsRequestEntry, 'Time'> & { Time?: number };

/** Puts at most ten entries on buses. Some may be refused: those come back without an `EventId`. */
export type PutEvents = (
  entries: readonly BusEntry[],
  options?: { abortSignal?: AbortSignal },
) => Promise<PutEventsResponse>;

/**
 * Publishes to a bus of Amazon EventBridge. A call that fails as a whole leaves its events not taken.
 * @param wanted which types of events webhook endpoints want: those events say so among their resources
 */
export const eventBridge = ({
  putEvents,
  busName,
  wanted,
  onError,
}: {
  putEvents: PutEvents;
  busName: string;
  wanted: () => Promise<(type: string) => boolean>;
  onError: (error: unknown) => void;
}): EventBus => ({
  async put(events) {
    const isWanted = await wanted();
    const calls: StoredEvent[][] = [];
    for (let at = 0; at < events.length; at += entriesInCall) calls.push(events.slice(at, at + entriesInCall));
    const taken = await Promise.all(calls.map((some) => putSome(some).catch(failed)));
    return new Set(taken.flat());

    async function putSome(some: readonly StoredEvent[]): Promise<string[]> {
      const { Entries = [] } = await putEvents(
        some.map((event) => toEntry(event, busName, eventSource, isWanted(event.type) ? [forWebhooks] : [])),
      );
      return some.filter((_, n) => Entries[n]?.EventId !== undefined).map(({ id }) => id);
    }

    function failed(error: unknown): string[] {
      onError(error);
      return [];
    }
  },
});

/** An event as the bus takes it. Its resources are what it is about, and `more`. */
export const toEntry = (
  event: StoredEvent,
  busName: string,
  source: string,
  more: readonly string[] = [],
): BusEntry => ({
  EventBusName: busName,
  Source: source,
  DetailType: event.type,
  Time: Date.parse(event.occurredAt) / 1000,
  Resources: [event.aggregateId, ...more],
  Detail: JSON.stringify(event),
});
