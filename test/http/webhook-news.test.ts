import type { Context } from 'aws-lambda';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Bus, startBus } from '../../infra/local/bus/start.ts';
import { readApplication, removeApplication } from '../../lib/auth/applications/applications.dynamo.ts';
import { type StoredEvent, webhookSource } from '../../lib/contract/events/define-event.ts';
import { webhookEndpointDisabled } from '../../lib/contract/events/webhook-events.ts';
import { readQueue } from '../../lib/events/webhooks/deliveries.dynamo.ts';
import { readEndpoint } from '../../lib/events/webhooks/endpoints.dynamo.ts';
import { disableEndpoint } from '../../lib/events/webhooks/notices.ts';
import { systemClock } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { webhookStore } from '../../lib/platform/stores.ts';
import { newServer } from '../support/applications.ts';
import { type LiveHandlers, openLiveHandlers } from '../support/live-handlers.ts';
import { mailsSentTo } from '../support/mailbox.ts';

let bus: Bus;
let handlers: LiveHandlers;
let owner: Awaited<ReturnType<typeof newServer>>;
const told: StoredEvent[] = [];
const contact = 'test@example.com';

beforeAll(async () => {
  bus = await startBus({
    name: 'counterfoil',
    file: ':memory:',
    rules: [
      {
        name: 'news',
        pattern: { source: [webhookSource], 'detail-type': [webhookEndpointDisabled.type] },
        atOnce: 1,
        deliver: async (event) => void told.push((event as { detail: StoredEvent }).detail),
      },
    ],
  });
  handlers = await openLiveHandlers({ RATE_LIMIT_PER_MINUTE: '100000', AWS_ENDPOINT_URL_EVENTBRIDGE: bus.endpoint });
});
afterAll(async () => {
  await handlers?.close();
  await bus?.stop();
});
beforeEach(async () => {
  owner = await newServer(handlers.applications, 'webhooks:manage', 'events:read');
  // What the test before has left.
  await wake();
  await bus.idle();
  told.length = 0;
});

async function register(events: string[], { key } = owner): Promise<string> {
  const body = { url: 'https://ada.example.com/hook?token=secret', events };
  return (await handlers.call('create-webhook-endpoint', { token: key, body })).body.id;
}

/** Disables an endpoint as a sender does. @returns the event that tells of it, as EventBridge delivers it */
async function disable(endpointId: string) {
  const endpoint = await readEndpoint(webhookStore(), { applicationId: owner.id, endpointId });
  const disabled = await disableEndpoint(webhookStore(), { ...endpoint!, failingSince: Date.now() }, 'failing');
  return { detail: disabled!.untold! };
}

const consumers = {
  mail: () => import('../../functions/consumers/mail-webhook-news.ts'),
  route: () => import('../../functions/consumers/route-webhook-news.ts'),
};
const consume = async (by: keyof typeof consumers, event: object) =>
  (await consumers[by]()).handler(event, {} as Context);
const wake = async () => (await import('../../functions/jobs/wake-webhooks.ts')).handler({}, {} as Context);
const waiting = async (endpointId: string) => (await readQueue(webhookStore(), endpointId, { limit: 10 })).length;
const mails = async (endpointId: string) =>
  (await mailsSentTo(handlers.owner, contact)).filter(({ text }) => text.includes(endpointId));

describe('an endpoint that is disabled', () => {
  test('brings the contact of its application one mail, without what may be secret in its URL', async () => {
    const id = await register(['*']);
    const event = await disable(id);
    expect(await consume('mail', event)).toEqual({ outcome: 'mail written' });
    expect(await consume('mail', event)).toEqual({ outcome: 'nothing to write' });
    const [mail, ...more] = await mails(id);
    expect(more).toEqual([]);
    expect(mail).toMatchObject({ subject: 'A webhook endpoint of yours is disabled' });
    expect(mail!.text).toContain('ada.example.com. It took nothing for three days.');
    expect(mail!.text).not.toContain('secret');
    expect(await consume('mail', event), 'after it was sent').toEqual({
      outcome: 'nothing to write',
    });
  });

  test('brings none when the application or the endpoint is gone', async () => {
    const id = await register(['*']);
    const event = await disable(id);
    const parameters = { endpointId: id };
    await handlers.call('delete-webhook-endpoint', { token: owner.key, parameters });
    expect(await consume('mail', event)).toEqual({ outcome: 'nobody to tell' });
    const other = await disable(await register(['*']));
    const application = await readApplication(handlers.applications, owner.id);
    await removeApplication(handlers.applications, application!);
    expect(await consume('mail', other)).toEqual({ outcome: 'nobody to tell' });
  });

  test('goes to the other endpoints of its application that ask for it, once, and to nobody else', async () => {
    const [id, all, named, other] = [
      await register(['*']),
      await register(['*']),
      await register(['webhook_endpoint.disabled']),
      await register(['order.*']),
    ];
    const stranger = await newServer(handlers.applications, 'webhooks:manage', 'events:read');
    const strange = await register(['*'], stranger);
    const event = await disable(id);
    for (let times = 0; times < 2; times++) {
      expect(await consume('route', event)).toEqual({ endpoints: 2 });
    }
    expect(await Promise.all([id, all, named, other, strange].map(waiting))).toEqual([0, 1, 1, 0, 0]);
  });

  test('comes from the job when its sender failed, also when its owner has enabled it since', async () => {
    const id = await register(['*']);
    const event = await disable(id);
    const body = { status: 'active' };
    await handlers.call('update-webhook-endpoint', { token: owner.key, parameters: { endpointId: id }, body });
    expect(await wake()).toMatchObject({ told: 1 });
    await bus.idle();
    expect(told).toEqual([event.detail]);
    expect(await wake()).toMatchObject({ told: 0 });
    const now = await readEndpoint(webhookStore(), { applicationId: owner.id, endpointId: id });
    expect(now).toMatchObject({ status: 'active', version: 3 });
    expect(now).not.toHaveProperty('untold');
  });

  test('is not disabled when its owner has just changed it', async () => {
    const id = await register(['*']);
    const endpoint = await readEndpoint(webhookStore(), { applicationId: owner.id, endpointId: id });
    const body = { url: 'https://ada.example.com/new' };
    await handlers.call('update-webhook-endpoint', { token: owner.key, parameters: { endpointId: id }, body });
    expect(await disableEndpoint(webhookStore(), endpoint!, 'gone')).toBeUndefined();
    expect(await wake()).toMatchObject({ told: 0 });
  });
});

test.each(['mail', 'route'] as const)(
  'the consumer %s refuses a version that it does not know, so that the event is kept',
  async (by) => {
    const { detail } = await disable(await register(['*']));
    await expect(consume(by, { detail: { ...detail, version: 2 } })).rejects.toThrow();
    await expect(consume(by, { detail: { ...detail, id: newId('order', systemClock) } })).rejects.toThrow();
  },
);
