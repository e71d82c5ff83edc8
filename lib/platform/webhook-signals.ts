import { webhookDue, webhookSource } from '../contract/events/define-event.ts';
import { toEntry } from '../events/eventbridge.gateway.ts';
import type { EndpointKey } from '../events/webhooks/endpoints.dynamo.ts';
import type { Tell } from '../events/webhooks/notices.ts';
import { describeError, type Logger } from '../kernel/log.ts';
import { config } from './config.ts';
import { putEvents, tellBus } from './event-bus.ts';

export type WakeSenders = (endpoints: readonly EndpointKey[]) => Promise<void>;

/** Tells senders which endpoints have something to send. What gets lost is found by the job wake-webhooks within a minute. */
export const wakeSenders: WakeSenders = (endpoints) =>
  tellBus({ source: webhookSource, type: webhookDue, details: endpoints });

/**
 * The same for a request, which has stored its work by then: with the bus away the work waits for the job, and the request does
 * not fail.
 */
export const wakeSendersOrLeave =
  (log: Logger): WakeSenders =>
  (endpoints) =>
    wakeSenders(endpoints).catch((error: unknown) => {
      log.warn('senders of webhooks not told', { error: describeError(error) });
    });
/** Puts an event about a webhook endpoint on the bus. */
export const tellOfWebhooks: Tell = async (event) => {
  const { Entries = [] } = await putEvents([toEntry(event, config().EVENT_BUS_NAME, webhookSource)]);
  if (Entries[0]?.EventId === undefined) throw new Error(`the bus has not taken it: ${Entries[0]?.ErrorCode}`);
};
