import type { PutEventsRequestEntry, PutEventsResponse } from '@aws-sdk/client-eventbridge';
import { eventSource, type StoredEvent } from '../contract/events/define-event.ts';
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

/** Publishes to a bus of Amazon EventBridge. A call that fails as a whole leaves its events not taken. */
export const eventBridge = ({
  putEvents,
  busName,
  onError,
}: {
  putEvents: PutEvents;
  busName: string;
  onError: (error: unknown) => void;
}): EventBus => ({
  async put(events) {
    const calls: StoredEvent[][] = [];
    for (let at = 0; at < events.length; at += entriesInCall) calls.push(events.slice(at, at + entriesInCall));
    const taken = await Promise.all(calls.map((entries) => putSome(putEvents, busName, entries).catch(failed)));
    return new Set(taken.flat());

    function failed(error: unknown): string[] {
      onError(error);
      return [];
    }
  },
});

async function putSome(putEvents: PutEvents, busName: string, events: readonly StoredEvent[]): Promise<string[]> {
  const { Entries = [] } = await putEvents(events.map((event) => toEntry(event, busName, eventSource)));
  return events.filter((_, n) => Entries[n]?.EventId !== undefined).map(({ id }) => id);
}

/** An event as the bus takes it. */
export const toEntry = (event: StoredEvent, busName: string, source: string): BusEntry => ({
  EventBusName: busName,
  Source: source,
  DetailType: event.type,
  Time: Date.parse(event.occurredAt) / 1000,
  Resources: [event.aggregateId],
  Detail: JSON.stringify(event),
});
