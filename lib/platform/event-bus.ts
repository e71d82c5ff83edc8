import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
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

/** The process's event bus. */
export function eventBus(onError: (error: unknown) => void): EventBus {
  bus ??= eventBridge({
    client: eventBridgeClient(),
    busName: config().EVENT_BUS_NAME,
    onError,
  });
  return bus;
}
