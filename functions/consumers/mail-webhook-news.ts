import { type WebhookNews, writeWebhookMail } from '../../lib/accounts/mail/webhook-news.sql.ts';
import { type ApplicationStore, readApplication } from '../../lib/auth/applications/applications.dynamo.ts';
import { webhookEndpointDisabled } from '../../lib/contract/events/webhook-events.ts';
import { readEndpoint, type WebhookStore } from '../../lib/events/webhooks/endpoints.dynamo.ts';
import type { Clock } from '../../lib/kernel/clock.ts';
import { anyOf, consumerHandler } from '../../lib/platform/handlers/consumer.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { applicationStore, webhookStore } from '../../lib/platform/stores.ts';
import { consumers } from '../consumers.ts';

type Deps = { sql: () => Sql; applications: ApplicationStore; endpoints: WebhookStore; clock: Clock };

/** Writes a mail to the contact of an application that one of its webhook endpoints was disabled. */
export async function run(event: WebhookNews, { sql, applications, endpoints, clock }: Deps) {
  const application = await readApplication(applications, event.data.applicationId);
  const endpoint = await readEndpoint(endpoints, event.data);
  if (application === undefined || endpoint === undefined) return { outcome: 'nobody to tell' };
  const mail = { to: application.contact, host: new URL(endpoint.url).host };
  const written = await writeWebhookMail(sql(), event, mail, clock);
  return { outcome: written ? 'mail written' : 'nothing to write' };
}

export const handler = consumerHandler(
  consumers['mail-webhook-news'],
  anyOf([webhookEndpointDisabled]),
  run,
  ({ clock }) => ({
    sql: () => sqlAs('owner_mails'),
    applications: applicationStore(),
    endpoints: webhookStore(),
    clock,
  }),
);
