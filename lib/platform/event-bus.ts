import type { PutEventsResponse } from '@aws-sdk/client-eventbridge';
import { eventBridge, type PutEvents } from '../events/eventbridge.gateway.ts';
import type { EventBus } from '../events/publish.ts';
import { type AwsCall, awsCaller } from './aws/caller.ts';
import { awsCredentials, awsEndpoint, config } from './config.ts';

let call: AwsCall | undefined;
let bus: EventBus | undefined;

/** Puts entries on buses by the process's caller of EventBridge. */
export const putEvents: PutEvents = (Entries, options) => {
  call ??= awsCaller({
    region: config().AWS_REGION,
    service: 'events',
    target: 'AWSEvents',
    jsonVersion: '1.1',
    endpoint: awsEndpoint('EVENTBRIDGE'),
    credentials: awsCredentials,
    attempts: 2,
    timeouts: { connectMs: 1000, answerMs: 3000 },
  });
  return call<PutEventsResponse>('PutEvents', { Entries }, options);
};

/** What EventBridge takes in one call. */
const entriesInCall = 10;

/**
 * Puts messages of one kind on the stage's bus, each with its detail. They tell somebody of work: what gets lost is found by a
 * schedule, so entries that the bus refuses are not sent again.
 */
export async function tellBus(
  { source, type, details = [{}] }: { source: string; type: string; details?: readonly object[] },
  options: { abortSignal?: AbortSignal } = {},
): Promise<void> {
  const { EVENT_BUS_NAME: EventBusName } = config();
  for (let at = 0; at < details.length; at += entriesInCall) {
    const entries = details
      .slice(at, at + entriesInCall)
      .map((detail) => ({ EventBusName, Source: source, DetailType: type, Detail: JSON.stringify(detail) }));
    await putEvents(entries, options);
  }
}

/** The process's event bus. */
export function eventBus(
  wanted: Parameters<typeof eventBridge>[0]['wanted'],
  onError: (error: unknown) => void,
): EventBus {
  bus ??= eventBridge({
    putEvents,
    busName: config().EVENT_BUS_NAME,
    wanted,
    onError,
  });
  return bus;
}
