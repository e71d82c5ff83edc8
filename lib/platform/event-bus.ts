import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { eventBridge } from '../events/eventbridge.gateway.ts';
import type { EventBus } from '../events/publish.ts';
import { awsCredentials, config } from './config.ts';

let client: EventBridgeClient | undefined;
let bus: EventBus | undefined;

/** The process's client of EventBridge. */
export function eventBridgeClient(): EventBridgeClient {
  client ??= new EventBridgeClient({
    region: config().AWS_REGION,
    credentials: awsCredentials(),
    maxAttempts: 2,
    requestHandler: { connectionTimeout: 1000, requestTimeout: 3000, throwOnRequestTimeout: true },
  });
  return client;
}

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
    const Entries = details
      .slice(at, at + entriesInCall)
      .map((detail) => ({ EventBusName, Source: source, DetailType: type, Detail: JSON.stringify(detail) }));
    await eventBridgeClient().send(new PutEventsCommand({ Entries }), options);
  }
}

/** The process's event bus. */
export function eventBus(
  wanted: Parameters<typeof eventBridge>[0]['wanted'],
  onError: (error: unknown) => void,
): EventBus {
  bus ??= eventBridge({
    client: eventBridgeClient(),
    busName: config().EVENT_BUS_NAME,
    wanted,
    onError,
  });
  return bus;
}
