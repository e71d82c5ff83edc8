import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { webhookDue, webhookSource } from '../contract/events/define-event.ts';
import type { EndpointKey } from '../events/webhooks/endpoints.dynamo.ts';
import { awsCredentials, config } from './config.ts';

export type WakeSenders = (endpoints: readonly EndpointKey[]) => Promise<void>;

let client: EventBridgeClient | undefined;

/** Tells senders which endpoints have something to send. What gets lost is found by the job wake-webhooks within a minute. */
export const wakeSenders: WakeSenders = async (endpoints) => {
  client ??= new EventBridgeClient({
    region: config().AWS_REGION,
    credentials: awsCredentials(),
    maxAttempts: 2,
    requestHandler: { connectionTimeout: 1000, requestTimeout: 3000, throwOnRequestTimeout: true },
  });
  const EventBusName = config().EVENT_BUS_NAME;
  for (let at = 0; at < endpoints.length; at += 10) {
    const Entries = endpoints.slice(at, at + 10).map((endpoint) => ({
      EventBusName,
      Source: webhookSource,
      DetailType: webhookDue,
      Detail: JSON.stringify(endpoint),
    }));
    await client.send(new PutEventsCommand({ Entries }));
  }
};
