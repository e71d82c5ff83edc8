import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { run } from '../../functions/http/receive-stripe-event.ts';
import { routes } from '../../functions/routes.ts';
import { receiveStripeEvent } from '../../lib/contract/api/payments.ts';
import { systemClock } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { isRemembered } from '../../lib/shop/payments/webhook-events.dynamo.ts';
import { startTestDynamo, type TestDynamo, watchReads } from '../support/dynamo.ts';
import { openHandler } from '../support/handlers.ts';
import { signatureOf, stripeEvent } from '../support/stripe-events.ts';

const secret = 'whsec_test';
let dynamo: TestDynamo;
let now = Date.now();
let resumed: string[] = [];
let resume: (orderId: string) => Promise<void>;
let secrets = [secret];

beforeAll(async () => {
  dynamo = await startTestDynamo([{ name: 'events', partitionKey: 'eventId', ttlAttribute: 'expiresAt' }]);
});
afterAll(() => dynamo.stop());
beforeEach(() => {
  now = Date.now();
  resumed = [];
  resume = async (orderId) => void resumed.push(orderId);
  secrets = [secret];
});

const orderId = newId('order', systemClock);
const types = [
  'payment_intent.succeeded',
  'payment_intent.amount_capturable_updated',
  'payment_intent.payment_failed',
  'payment_intent.canceled',
] as const;

function send(
  event: unknown,
  { signature, base64 = false }: { signature?: string | undefined; base64?: boolean } = {},
) {
  const text = typeof event === 'string' ? event : JSON.stringify(event);
  const call = openHandler(routes['receive-stripe-event'], receiveStripeEvent, run, {
    secrets: async () => secrets,
    events: { client: dynamo.documents, table: 'events' },
    resume: (id) => resume(id),
    clock: { now: () => now },
  });
  return call({
    body: text,
    base64,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'stripe-signature': signature ?? signatureOf(text, now, secret),
    },
  });
}

test.each(types)('%s resumes the order’s saga', async (type) => {
  expect(await send(stripeEvent(type, orderId))).toMatchObject({ status: 200, body: { received: true } });
  expect(resumed).toEqual([orderId]);
});

test('a repeated event is accepted and does nothing', async () => {
  const event = stripeEvent('payment_intent.succeeded', orderId);
  for (let time = 0; time < 3; time++) expect((await send(event)).status).toBe(200);
  expect(resumed).toEqual([orderId]);
});

test('an event is remembered for 30 days', async () => {
  const event = stripeEvent('payment_intent.succeeded', orderId);
  now = Date.parse('2026-01-01T00:00:00Z');
  await send(event);
  const { Item } = await dynamo.documents.send(new GetCommand({ TableName: 'events', Key: { eventId: event.id } }));
  expect(Item).toEqual({ eventId: event.id, expiresAt: Date.parse('2026-01-31T00:00:00Z') / 1000 });
});

test('whether an event is remembered is read consistently', async () => {
  const { client, reads } = watchReads(dynamo.documents);
  await isRemembered({ client, table: 'events' }, 'evt_1');
  expect(reads).toEqual([{ TableName: 'events', Key: { eventId: 'evt_1' }, ConsistentRead: true }]);
});

test('events in any order each resume the saga, which asks the provider', async () => {
  const events = types.map((type) => stripeEvent(type, orderId));
  for (const event of events.toReversed()) await send(event);
  expect(resumed).toEqual(types.map(() => orderId));
});

test('a body in base64 is verified as its bytes', async () => {
  expect((await send(stripeEvent('payment_intent.succeeded', orderId), { base64: true })).status).toBe(200);
  expect(resumed).toEqual([orderId]);
});

test.each([
  ['of another type', stripeEvent('invoice.paid', orderId)],
  ['of another product', stripeEvent('payment_intent.succeeded', 'order-17')],
  ['of no order', stripeEvent('payment_intent.succeeded', undefined)],
])('an event %s is taken and does nothing', async (_, event) => {
  const before = dynamo.calls();
  expect(await send(event)).toMatchObject({ status: 200, body: { received: true } });
  expect(resumed).toEqual([]);
  expect(dynamo.calls()).toEqual(before);
});

describe('when the saga cannot be resumed', () => {
  test('Stripe is asked to send the event again, and then the saga resumes', async () => {
    const event = stripeEvent('payment_intent.succeeded', orderId);
    resume = () => Promise.reject(new Error('no'));
    expect(await send(event)).toMatchObject({ status: 503, body: { code: 'unavailable' } });
    resume = async (id) => void resumed.push(id);
    expect((await send(event)).status).toBe(200);
    expect(resumed).toEqual([orderId]);
  });

  test('an event that could not be remembered resumes the saga again', async () => {
    const event = stripeEvent('payment_intent.succeeded', orderId);
    resume = async (id) => {
      resumed.push(id);
      dynamo.refuse();
    };
    expect((await send(event)).status).toBe(503);
    await dynamo.resume();
    resume = async (id) => void resumed.push(id);
    expect((await send(event)).status).toBe(200);
    expect((await send(event)).status).toBe(200);
    expect(resumed).toEqual([orderId, orderId]);
  });
});

describe('refused without resuming the saga', () => {
  const event = stripeEvent('payment_intent.succeeded', orderId);
  const text = JSON.stringify(event);
  const invalid = { status: 400, body: { code: 'webhook-signature-invalid' } };
  const untouched = () => expect(resumed).toEqual([]);

  test('a missing signature, one by another secret, one for another body', async () => {
    for (const signature of ['', signatureOf(text, now, 'whsec_other'), signatureOf(`${text} `, now, secret)]) {
      expect(await send(event, { signature })).toMatchObject(invalid);
    }
    untouched();
  });

  test('an old event, replayed by an attacker', async () => {
    expect(await send(event, { signature: signatureOf(text, now - 301_000, secret) })).toMatchObject(invalid);
    untouched();
  });

  test('a body that is not JSON, though it is signed', async () => {
    expect(await send('{"id":')).toMatchObject({ status: 400, body: { code: 'invalid-json' } });
    expect(await send('{}')).toMatchObject({ status: 400, body: { code: 'invalid-input' } });
    expect(await send('')).toMatchObject({ status: 400, body: { code: 'invalid-json' } });
    untouched();
  });

  test('more than 256 KiB, before the signature is computed', async () => {
    const long = JSON.stringify({ ...event, padding: 'x'.repeat(256 * 1024) });
    expect(await send(long)).toMatchObject({ status: 413, body: { code: 'body-too-large' } });
    untouched();
  });

  test('where no webhook is set up', async () => {
    secrets = [];
    expect(await send(event)).toMatchObject({ status: 404, body: { code: 'not-found' } });
    untouched();
  });
});

test('a larger body than other operations accept is accepted', async () => {
  const event = { ...stripeEvent('payment_intent.succeeded', orderId), padding: 'x'.repeat(200 * 1024) };
  expect((await send(event)).status).toBe(200);
});
