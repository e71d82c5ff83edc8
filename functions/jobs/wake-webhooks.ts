import type { WebhookStore } from '../../lib/events/webhooks/endpoints.dynamo.ts';
import { listDue } from '../../lib/events/webhooks/route.ts';
import { jobHandler } from '../../lib/platform/handlers/job.ts';
import { webhookStore } from '../../lib/platform/stores.ts';
import { type WakeSenders, wakeSenders } from '../../lib/platform/webhook-signals.ts';
import { jobs } from '../jobs.ts';

/** Tells senders of the endpoints that have something to send: retries that are due, and what a lost message left. */
export async function run({ store, wake }: { store: WebhookStore; wake: WakeSenders }) {
  const endpoints = await listDue(store);
  await wake(endpoints);
  return { endpoints: endpoints.length };
}

export const handler = jobHandler(jobs['wake-webhooks'], run, () => ({ store: webhookStore(), wake: wakeSenders }));
