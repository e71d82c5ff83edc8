import * as contract from '../../lib/contract/api/payments.ts';
import { Problem } from '../../lib/contract/api/problems.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import type { Clock } from '../../lib/kernel/clock.ts';
import { tableName } from '../../lib/platform/config.ts';
import { dynamo } from '../../lib/platform/dynamo.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { resumeSaga } from '../../lib/platform/resume.ts';
import { webhookSecrets } from '../../lib/platform/secrets.ts';
import { checkSignature, readEvent } from '../../lib/shop/payments/stripe-webhook.ts';
import { isRemembered, remember, type WebhookEvents } from '../../lib/shop/payments/webhook-events.dynamo.ts';
import { routes } from '../routes.ts';

type Deps = {
  secrets: () => Promise<string[]>;
  events: WebhookEvents;
  resume: (orderId: string) => Promise<void>;
  clock: Clock;
};

export async function run(
  { body, log }: Request<typeof contract.receiveStripeEvent>,
  { secrets, events, resume, clock }: Deps,
): Promise<Result> {
  const known = await secrets();
  if (known.length === 0) throw new Problem('not-found', 'No webhook is set up here.');
  checkSignature(body, known, clock.now());
  const { id: eventId, type, orderId } = readEvent(body.text);
  let outcome = 'ignored';
  if (orderId !== undefined) {
    outcome = (await isRemembered(events, eventId)) ? 'repeated' : 'resumed';
    if (outcome === 'resumed') {
      await resume(orderId).catch((cause: unknown) => {
        throw new Problem('unavailable', 'The order could not be resumed. Send the event again.', { cause });
      });
      // Last: if this request fails before, Stripe sends the event again.
      await remember(events, eventId, clock.now());
    }
  }
  log.info('stripe event', { eventId, type, orderId, outcome });
  return { status: 200, body: { received: true } };
}

export const handler = httpHandler(routes['receive-stripe-event'], contract.receiveStripeEvent, run, ({ clock }) => ({
  secrets: webhookSecrets,
  events: { client: dynamo(), table: tableName('webhookEvents') },
  resume: resumeSaga,
  clock,
}));
