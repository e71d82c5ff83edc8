import { scanEndpoints, type WebhookStore } from '../../lib/events/webhooks/endpoints.dynamo.ts';
import { type Tell, tellOf } from '../../lib/events/webhooks/notices.ts';
import { listDue } from '../../lib/events/webhooks/route.ts';
import { jobHandler } from '../../lib/platform/handlers/job.ts';
import { webhookStore } from '../../lib/platform/stores.ts';
import { tellOfWebhooks, type WakeSenders, wakeSenders } from '../../lib/platform/webhook-signals.ts';
import { jobs } from '../jobs.ts';

type Deps = { store: WebhookStore; wake: WakeSenders; tell: Tell };

/**
 * Tells senders of the endpoints that have something to send: retries that are due, and what a lost message left. Then tells
 * what a sender could not tell of an endpoint.
 */
export async function run({ store, wake, tell }: Deps) {
  const all = await scanEndpoints(store);
  const due = await listDue(store, all);
  await wake(due);
  const untold = all.filter((endpoint) => endpoint.untold !== undefined);
  for (const endpoint of untold) await tellOf(store, endpoint, tell);
  return { endpoints: due.length, told: untold.length };
}

export const handler = jobHandler(jobs['wake-webhooks'], run, () => ({
  store: webhookStore(),
  wake: wakeSenders,
  tell: tellOfWebhooks,
}));
