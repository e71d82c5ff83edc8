import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { readModelSource, readModelsDue } from '../contract/events/define-event.ts';
import { config } from './config.ts';
import { eventBridgeClient } from './event-bus.ts';

/** Says that there are events which the read models may lack. What gets lost is made up for by the next one. */
export async function wakeReadModels(): Promise<void> {
  const { EVENT_BUS_NAME } = config();
  await eventBridgeClient().send(
    new PutEventsCommand({
      Entries: [{ EventBusName: EVENT_BUS_NAME, Source: readModelSource, DetailType: readModelsDue, Detail: '{}' }],
    }),
  );
}
