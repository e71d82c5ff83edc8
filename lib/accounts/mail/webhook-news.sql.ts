import type { Sql } from 'postgres';
import type { EventOf } from '../../contract/events/define-event.ts';
import type { webhookEndpointDisabled } from '../../contract/events/webhook-events.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { WebhookMailKind } from './texts.ts';

export type WebhookNews = EventOf<typeof webhookEndpointDisabled>;

const kind: WebhookMailKind = 'webhook-endpoint-disabled';
const keptDays = 30;

/**
 * Writes the mail to the contact of an application that one of its webhook endpoints was disabled, once, however often the event
 * comes.
 * @param host of the endpoint's URL; the rest of the URL may hold a secret
 * @returns whether a mail was written
 */
export async function writeWebhookMail(
  sql: Sql,
  event: WebhookNews,
  { to, host }: { to: string; host: string },
  clock: Clock,
): Promise<boolean> {
  const { subject, text } = webhookMailOf(event, host);
  const now = new Date(clock.now());
  const { count } = await sql`
    insert into customers.mails (id, kind, recipient, subject, body, created_at, next_attempt_at, keep_until)
    values (
      ${event.id.replace(/^evt_/, 'eml_')}, ${kind}, ${to}, ${subject}, ${text}, ${now}::timestamptz, ${now}::timestamptz,
      ${now}::timestamptz + ${keptDays} * interval '1 day'
    )
    on conflict (id) do nothing`;
  return count > 0;
}

const reasons: Readonly<Record<WebhookNews['data']['reason'], string>> = {
  gone: 'It answered 410, which asks for no more.',
  failing: 'It took nothing for three days.',
};

export function webhookMailOf({ occurredAt, data }: WebhookNews, host: string): { subject: string; text: string } {
  const { endpointId, applicationId, reason, failingSince } = data;
  const paragraphs = [
    `The shop sends no more events to your webhook endpoint at ${host}. ${reasons[reason]}`,
    `When your receiver works again, enable the endpoint: PATCH /webhook-endpoints/${endpointId} with {"status":"active"}. What waited is sent then. What happens until then is not sent: read it with GET /events.`,
    [
      `Endpoint: ${endpointId}`,
      `Application: ${applicationId}`,
      ...(failingSince === null ? [] : [`Failing since: ${failingSince}`]),
      `Disabled: ${occurredAt}`,
    ].join('\n'),
  ];
  return { subject: 'A webhook endpoint of yours is disabled', text: `${paragraphs.join('\n\n')}\n` };
}
