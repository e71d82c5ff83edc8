import { scanEndpoints, type WebhookStore } from '../../lib/events/webhooks/endpoints.dynamo.ts';
import { type Tell, tellOf } from '../../lib/events/webhooks/notices.ts';
import { lookAtQueues } from '../../lib/events/webhooks/route.ts';
import { jobHandler } from '../../lib/platform/handlers/job.ts';
import { webhookStore } from '../../lib/platform/stores.ts';
import type { Meter } from '../../lib/platform/telemetry.ts';
import { tellOfWebhooks, type WakeSenders, wakeSenders } from '../../lib/platform/webhook-signals.ts';
import { jobs } from '../jobs.ts';

type Deps = { store: WebhookStore; wake: WakeSenders; tell: Tell; meter: Pick<Meter, 'count'> };

/**
 * Tells senders of the endpoints that have something to send: retries that are due, and what a lost message left. Then tells
 * what a sender could not tell of an endpoint. It measures the queues, which it has in its hands.
 */
export async function run({ store, wake, tell, meter }: Deps) {
  const all = await scanEndpoints(store);
  const { due, waiting, oldest } = await lookAtQueues(store, all);
  meter.count('QueueDepth', waiting, 'webhooks');
  meter.count('OldestDueDelivery', oldest);
  await wake(due);
  const untold = all.filter((endpoint) => endpoint.untold !== undefined);
  for (const endpoint of untold) await tellOf(store, endpoint, tell);
  return { endpoints: due.length, waiting, oldest, told: untold.length };
}

export const handler = jobHandler(jobs['wake-webhooks'], run, ({ meter }) => ({
  meter,
  store: webhookStore(),
  wake: wakeSenders,
  tell: tellOfWebhooks,
}));
