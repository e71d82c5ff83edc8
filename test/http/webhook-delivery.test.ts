import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { BatchWriteCommand, type BatchWriteCommandInput } from '@aws-sdk/lib-dynamodb';
import { Webhook } from 'standardwebhooks';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { listenOn, portOf } from '../../infra/local/loopback.ts';
import { tables } from '../../lib/contract/deploy/tables.ts';
import type { StoredEvent } from '../../lib/contract/events/define-event.ts';
import { orderConfirmed } from '../../lib/contract/events/domain-events.ts';
import type { Outcome } from '../../lib/events/webhooks/attempt.ts';
import { deliverTo } from '../../lib/events/webhooks/deliver.ts';
import { listDeliveries, readQueue } from '../../lib/events/webhooks/deliveries.dynamo.ts';
import {
  changeEndpoint,
  type EndpointItem,
  readEndpoint,
  scanEndpoints,
  type WebhookStore,
} from '../../lib/events/webhooks/endpoints.dynamo.ts';
import { createEndpoint, ping, retryDelivery, rotateSecret, updateEndpoint } from '../../lib/events/webhooks/manage.ts';
import { lookAtQueues, routeEvent } from '../../lib/events/webhooks/route.ts';
import { httpSender, type Send } from '../../lib/events/webhooks/send.gateway.ts';
import { stopwatch } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { documentsThat, startTestDynamo, type TestDynamo } from '../support/dynamo.ts';
import { type Receiver, startReceiver } from '../support/receiver.ts';

const start = Date.now();
const minute = 60_000;
const hour = 60 * minute;
let ahead = 0;
const clock = { now: () => start + ahead };
let dynamo: TestDynamo;
let store: WebhookStore;
let receiver: Receiver;
const receivers: Receiver[] = [];
const outcomes: Outcome[] = [];
const disabled: string[] = [];

beforeAll(async () => {
  const specs = (['webhookEndpoints', 'webhookDeliveries', 'webhookQueue'] as const).map((name) => ({
    name,
    ...tables[name],
  }));
  dynamo = await startTestDynamo(specs);
  store = {
    client: dynamo.documents,
    endpoints: 'webhookEndpoints',
    deliveries: 'webhookDeliveries',
    queue: 'webhookQueue',
    clock,
  };
});
afterAll(() => dynamo?.stop());
beforeEach(async () => {
  ahead = 0;
  outcomes.length = 0;
  disabled.length = 0;
  receiver = await open();
});
afterEach(async () => {
  for (const each of receivers.splice(0)) await each.stop();
  // Each test has endpoints of its own: those of the others get nothing more.
  for (const endpoint of endpoints.splice(0)) await changeEndpoint(store, endpoint, { status: 'disabled' });
});

async function open(answer?: Parameters<typeof startReceiver>[0]) {
  const opened = await startReceiver(answer);
  receivers.push(opened);
  return opened;
}

const endpoints: EndpointItem[] = [];
async function register(over: Partial<EndpointItem> = {}): Promise<EndpointItem> {
  const fields = {
    url: receiver.url,
    events: ['*'],
    description: '',
    headers: {},
    ordered: false,
    rateLimit: null,
    ...over,
  };
  const { item } = await createEndpoint(store, newId('application', clock), fields, {
    key: undefined,
    fingerprint: '',
    allowed: 'any',
  });
  endpoints.push(item);
  return item;
}

const sendByHttp = httpSender({ allowed: 'any', elapsed: stopwatch.elapsed });
/** The applications that are cut off. */
const cutOff = new Set<string>();
const mayReceive = async (applicationId: string) => (cutOff.has(applicationId) ? undefined : { personalData: true });
const route = (sent: StoredEvent) => routeEvent(store, sent, { mayReceive });

/** No sender waits for a retry after five seconds. */
const shortOfRetry = 4900;

const deliver = (
  endpoint: EndpointItem,
  { send = sendByHttp, limitMs = shortOfRetry }: { send?: Send; limitMs?: number } = {},
) =>
  deliverTo(
    {
      store,
      mayReceive,
      send,
      stopwatch,
      random: () => 0,
      limitMs,
      onTimeUp: async () => void outcomes.push('time-up' as never),
      onOutcome: (outcome) => outcomes.push(outcome),
      onDisabled: async (_, reason) => void disabled.push(reason),
    },
    endpoint,
  );

const event = (aggregateId = newId('order', clock), sequence = 1): StoredEvent => ({
  id: newId('event', clock),
  type: 'order.confirmed',
  version: 1,
  subject: aggregateId,
  aggregateId,
  sequence,
  occurredAt: '2026-11-29T12:00:00.000Z',
  correlationId: null,
  causationId: null,
  data: { ...orderConfirmed.example, orderId: aggregateId },
});

const deliveriesOf = (endpoint: EndpointItem) => listDeliveries(store, endpoint.endpointId, { limit: 100 });
/** Sends what is due after each of these times. */
async function later(endpoint: EndpointItem, ...times: number[]) {
  for (const ms of times) {
    ahead += ms;
    await deliver(endpoint);
  }
}

describe('a webhook', () => {
  test('arrives once, signed, with the headers of its endpoint, however often its event comes', async () => {
    const endpoint = await register({ headers: { 'x-shop': 'one' } });
    const sent = event();
    for (let times = 0; times < 3; times++) await route(sent);
    expect(await deliver(endpoint)).toBe(1);
    expect(await deliver(endpoint)).toBe(0);
    await route(sent);
    expect(await deliver(endpoint), 'after it was delivered').toBe(0);
    expect(receiver.received).toHaveLength(1);
    const [{ headers, body }] = receiver.received as [Receiver['received'][0]];
    expect(JSON.parse(body)).toEqual(sent);
    expect(headers).toMatchObject({
      'content-type': 'application/json',
      'user-agent': 'Counterfoil-Webhooks/1',
      'x-shop': 'one',
      'webhook-id': sent.id,
    });
    expect(headers['webhook-replay']).toBeUndefined();
    expect(new Webhook(endpoint.secrets[0]!.secret).verify(body, headers as Record<string, string>)).toEqual(sent);
    expect(await deliveriesOf(endpoint)).toMatchObject([
      { status: 'succeeded', attempts: 1, nextAttemptAt: null, last: { status: 204, error: null, body: '' } },
    ]);
  });

  test('goes to the endpoints that want its type, and are active', async () => {
    const wanted = await register({ events: ['order.*'] });
    const other = await register({ events: ['refund.*'] });
    const off = await register();
    await updateEndpoint(store, off, { status: 'disabled' }, { condition: {}, allowed: 'any' });
    const ids = (await route(event())).map(({ endpointId }) => endpointId);
    expect(ids).toContain(wanted.endpointId);
    expect(ids).not.toContain(other.endpointId);
    expect(ids).not.toContain(off.endpointId);
  });

  test('that fails is tried again, as it was, by the schedule, and given up after the tenth time', async () => {
    receiver.behave(() => ({ status: 500, body: 'x'.repeat(5000) }));
    const endpoint = await register();
    const sent = event();
    await route(sent);
    await deliver(endpoint);
    expect(await deliveriesOf(endpoint)).toMatchObject([
      { status: 'pending', attempts: 1, nextAttemptAt: start + 5000, last: { status: 500, body: 'x'.repeat(2048) } },
    ]);
    expect(await lookAtQueues(store, [(await readEndpoint(store, endpoint))!])).toEqual({
      due: [],
      waiting: 1,
      oldest: 0,
    });
    await later(endpoint, 5 * minute);
    expect(receiver.received).toHaveLength(2);
    // Something else gets through now and then, so the endpoint is not disabled.
    for (const hours of [0.1, 0.6, 3, 6, 11, 15, 21, 25]) {
      await changeEndpoint(store, endpoint, { failingSince: undefined });
      await later(endpoint, hours * hour);
    }
    expect(receiver.received).toHaveLength(10);
    expect(new Set(receiver.received.map(({ body }) => body)).size).toBe(1);
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id']))).toEqual(new Set([sent.id]));
    expect(await deliveriesOf(endpoint)).toMatchObject([{ status: 'failed', attempts: 10, nextAttemptAt: null }]);
    expect(outcomes).toEqual([...Array(9).fill('retried'), 'given-up']);
    expect(await readQueue(store, endpoint.endpointId, { limit: 5 })).toEqual([]);
  });

  test('that is due again soon is waited for', async () => {
    let times = 0;
    receiver.behave(() => ({ status: ++times === 1 ? 503 : 200 }));
    const endpoint = await register();
    await route(event());
    const timer = setInterval(() => {
      ahead += 1000;
    }, 20);
    expect(await deliver(endpoint, { limitMs: 60_000 })).toBe(2);
    clearInterval(timer);
    expect(outcomes).toEqual(['retried', 'succeeded']);
  });

  test('is waited for by one sender, which holds up nothing that comes meanwhile', async () => {
    let times = 0;
    receiver.behave(() => ({ status: ++times <= 2 ? 503 : 200 }));
    const endpoint = await register();
    await route(event());
    const first = deliver(endpoint, { limitMs: 60_000 });
    while ((await readEndpoint(store, endpoint))?.waitingUntil === undefined) await sleep(10);
    for (let n = 0; n < 2; n++) {
      await route(event());
      expect(await deliver(endpoint, { limitMs: 60_000 }), 'while the first one waits').toBe(1);
    }
    expect(times).toBe(3);
    const before = dynamo.calls().Query!;
    await sleep(600);
    expect(dynamo.calls().Query!, 'without asking').toBe(before);
    ahead += 6000;
    expect(await first, 'with the retry of the second').toBe(3);
    expect(outcomes.toSorted()).toEqual(['retried', 'retried', 'succeeded', 'succeeded', 'succeeded']);
  });

  test('is not waited for at an endpoint that has failed for a while', async () => {
    receiver.behave(() => ({ status: 503 }));
    const endpoint = await register();
    for (let n = 0; n < 2; n++) {
      await route(event());
      expect(await deliver(endpoint, { limitMs: 1000 })).toBe(1);
      ahead += 2000;
    }
    ahead += 2 * minute;
    await route(event());
    const startedAt = stopwatch.elapsed();
    expect(await deliver(endpoint, { limitMs: 60_000 }), 'with the retries of the first two').toBe(3);
    expect(stopwatch.elapsed() - startedAt).toBeLessThan(5000);
  });

  test('is no success by a redirect, which is not followed', async () => {
    const elsewhere = await open();
    receiver.behave(() => ({ status: 302, headers: { location: elsewhere.url } }));
    const endpoint = await register();
    await route(event());
    await deliver(endpoint);
    expect(elsewhere.received).toEqual([]);
    expect(outcomes[0]).toBe('retried');
  });

  test.each([
    ['resets the connection', () => 'reset' as const, /ECONNRESET|socket hang up/],
    ['is not there', undefined, /ECONNREFUSED/],
  ])('to a receiver that %s says so in its last attempt', async (_, behave, error) => {
    if (behave === undefined) await receiver.stop();
    else receiver.behave(behave);
    const endpoint = await register();
    await route(event());
    await deliver(endpoint);
    const { last } = (await deliveriesOf(endpoint))[0]!;
    expect(last).toMatchObject({ status: null, error: expect.stringMatching(error) });
  });

  test('can be sent again by its owner, whatever came of it, and is a test when it is a ping', async () => {
    const endpoint = await register();
    const pinged = await ping(store, endpoint);
    await deliver(endpoint);
    await retryDelivery(store, endpoint.endpointId, pinged.deliveryId);
    await deliver(endpoint);
    expect(receiver.received).toHaveLength(2);
    expect(receiver.received[0]!.body).toBe(receiver.received[1]!.body);
    expect(JSON.parse(receiver.received[0]!.body)).toMatchObject({ type: 'webhook.ping', data: {} });
    await expect(retryDelivery(store, endpoint.endpointId, newId('delivery', clock))).rejects.toMatchObject({
      code: 'not-found',
    });
  });
});

describe('an endpoint', () => {
  test('of an application that is cut off gets nothing, and what waited when it may again', async () => {
    const endpoint = await register();
    await route(event());
    cutOff.add(endpoint.applicationId);
    expect(await deliver(endpoint)).toBeUndefined();
    await route(event());
    cutOff.clear();
    expect(await deliver(endpoint), 'what came meanwhile is not sent').toBe(1);
    expect(receiver.received).toHaveLength(1);
  });

  test('that answers 410 is disabled at once, and gets nothing more', async () => {
    receiver.behave(() => ({ status: 410 }));
    const endpoint = await register();
    await route(event());
    await deliver(endpoint);
    expect(disabled).toEqual(['gone']);
    expect(await readEndpoint(store, endpoint)).toMatchObject({
      status: 'disabled',
      disabledBecause: 'gone',
      version: 2,
    });
    expect(await deliver(endpoint)).toBeUndefined();
  });

  test('that takes nothing for three days is disabled, and continues when its owner enables it', async () => {
    receiver.behave(() => ({ status: 500 }));
    const endpoint = await register();
    await route(event());
    await deliver(endpoint);
    expect(await readEndpoint(store, endpoint)).toMatchObject({ failingSince: start });
    ahead = 72 * hour + minute;
    await deliver(endpoint);
    expect(disabled).toEqual(['failing']);
    const now = (await readEndpoint(store, endpoint))!;
    expect(now).toMatchObject({ status: 'disabled', disabledBecause: 'failing' });
    receiver.behave(() => ({ status: 200 }));
    const enabled = await updateEndpoint(store, now, { status: 'active' }, { condition: {}, allowed: 'any' });
    expect(enabled.failingSince).toBeUndefined();
    ahead += hour;
    await deliver(endpoint);
    expect(await deliveriesOf(endpoint)).toMatchObject([{ status: 'succeeded' }]);
  });

  test('that fails now and then is not disabled: a success ends its bad time', async () => {
    let times = 0;
    receiver.behave(() => ({ status: ++times % 2 === 0 ? 200 : 500 }));
    const endpoint = await register();
    for (let days = 0; days < 5; days++) {
      await route(event());
      await deliver(endpoint);
      await later(endpoint, hour);
      ahead += 24 * hour;
    }
    expect(disabled).toEqual([]);
    expect(await readEndpoint(store, endpoint)).not.toHaveProperty('failingSince');
  });

  test('that does not answer is left alone for a minute after five attempts', async () => {
    await receiver.stop();
    const endpoint = await register();
    for (let n = 0; n < 30; n++) await route(event());
    const attempts = (await deliver(endpoint))!;
    expect(attempts).toBeGreaterThanOrEqual(5);
    expect(attempts).toBeLessThan(15);
    expect(await deliver(endpoint), 'paused').toBeUndefined();
    expect(await lookAtQueues(store, await scanEndpoints(store))).toMatchObject({ due: [], oldest: 0 });
    ahead += 61_000;
    const { due, waiting, oldest } = await lookAtQueues(store, await scanEndpoints(store));
    expect(due).toEqual([{ applicationId: endpoint.applicationId, endpointId: endpoint.endpointId }]);
    expect(waiting).toBeGreaterThanOrEqual(30);
    expect(oldest).toBeGreaterThanOrEqual(61);
    expect(await deliver(endpoint)).toBeGreaterThanOrEqual(5);
  });

  test('with an order gets each order’s events one after the other, also when one of them fails', async () => {
    const endpoint = await register({ ordered: true });
    const [a, b] = [newId('order', clock), newId('order', clock)];
    let refusing = true;
    receiver.behave(({ body }) => {
      const { aggregateId, sequence } = JSON.parse(body);
      return { status: refusing && aggregateId === a && sequence === 2 ? 500 : 200 };
    });
    for (const sequence of [1, 2, 3]) for (const id of [a, b]) await route(event(id, sequence));
    await deliver(endpoint);
    const of = (id: string) =>
      receiver
        .events()
        .filter(({ aggregateId }) => aggregateId === id)
        .map(({ sequence }) => sequence);
    expect(of(b)).toEqual([1, 2, 3]);
    expect(of(a)).toEqual([1, 2]);
    refusing = false;
    await later(endpoint, minute);
    expect(of(a)).toEqual([1, 2, 2, 3]);
  });

  test('with an order is left to its schedule when an order waits for a retry: nobody keeps asking', async () => {
    const endpoint = await register({ ordered: true });
    const id = newId('order', clock);
    receiver.behave(() => ({ status: 500 }));
    await route(event(id, 1));
    await deliver(endpoint);
    await later(endpoint, minute);
    for (const sequence of [2, 3]) await route(event(id, sequence));
    const before = dynamo.calls().Query!;
    expect(await deliver(endpoint, { limitMs: 2000 }), 'the retry is due in five minutes').toBe(0);
    expect(dynamo.calls().Query! - before).toBeLessThan(3);
  });

  test('has one sender at a time, and another one after a sender that died', async () => {
    const endpoint = await register();
    for (let n = 0; n < 20; n++) await route(event());
    const both = await Promise.all([deliver(endpoint), deliver(endpoint)]);
    expect(both.filter((attempts) => attempts === undefined)).toHaveLength(1);
    expect(receiver.received).toHaveLength(20);

    await route(event());
    let killed = false;
    const dying = clientOf((command) =>
      killed ? Promise.reject(new Error('killed')) : dynamo.documents.send(command as never),
    );
    const send: Send = async () => {
      killed = true;
      throw new Error('killed');
    };
    await expect(deliverTo({ ...depsWith(dying), send }, endpoint)).rejects.toThrow('killed');
    expect(await deliver(endpoint), 'the lease of the dead one').toBeUndefined();
    ahead += 80_000;
    expect(await deliver(endpoint)).toBe(1);
  });

  test('goes to the next sender at once when one fails that lives on', async () => {
    const endpoint = await register();
    for (let n = 0; n < 10; n++) await route(event());
    let reads = 0;
    const busy = clientOf((command) =>
      command.constructor.name === 'BatchWriteCommand' && reads++ === 0
        ? Promise.reject(new Error('no answer in time'))
        : dynamo.documents.send(command as never),
    );
    await expect(deliverTo(depsWith(busy), endpoint)).rejects.toThrow('no answer in time');
    expect(await deliver(endpoint)).toBeGreaterThan(0);
    expect(await readQueue(store, endpoint.endpointId, { limit: 5 })).toEqual([]);
  });

  test('is leased once when the answer to the lease is lost and the call repeated', async () => {
    const endpoint = await register();
    await route(event());
    let lost = false;
    const repeating = clientOf(async (command) => {
      const { UpdateExpression = '' } = command.input as { UpdateExpression?: string };
      if (UpdateExpression.startsWith('SET lease') && !lost) {
        lost = true;
        await dynamo.documents.send(command as never);
      }
      return dynamo.documents.send(command as never);
    });
    expect(await deliverTo(depsWith(repeating), endpoint)).toBe(1);
  });

  test('is handed on by a sender whose time is up', async () => {
    const endpoint = await register();
    for (let n = 0; n < 3; n++) await route(event());
    expect(await deliver(endpoint, { limitMs: 0 })).toBe(0);
    expect(outcomes).toEqual(['time-up']);
    await deliver(endpoint);
    expect(receiver.received).toHaveLength(3);
  });

  test('gets what is queued while its sender ends, though the message about it found the lease taken', async () => {
    const endpoint = await register();
    await route(event());
    let once = true;
    const client = clientOf(async (command) => {
      // The sender has seen an empty queue and gives its lease back.
      if (once && (command.input as { UpdateExpression?: string }).UpdateExpression?.startsWith('REMOVE')) {
        once = false;
        await route(event());
        expect(await deliver(endpoint), 'the other sender').toBeUndefined();
      }
      return dynamo.documents.send(command as never);
    });
    const deps = {
      mayReceive,
      send: sendByHttp,
      stopwatch,
      random: () => 0,
      limitMs: 60_000,
      onTimeUp: async () => {},
      onOutcome: () => {},
      onDisabled: async () => {},
    };
    expect(await deliverTo({ ...deps, store: { ...store, client } }, endpoint)).toBe(2);
  });

  test('whose secret is replaced is signed for by both for a day', async () => {
    const endpoint = await register();
    const rotated = await rotateSecret(store, endpoint);
    const [next, old] = [rotated.secrets[0]!.secret, endpoint.secrets[0]!.secret];
    const verifies = async (secret: string) => {
      await route(event());
      await deliver(endpoint);
      const { body, headers } = receiver.received.at(-1)!;
      const key = new Webhook(secret);
      // The library compares the timestamp with the machine's clock.
      const signature = key.sign(
        String(headers['webhook-id']),
        new Date(Number(headers['webhook-timestamp']) * 1000),
        body,
      );
      return String(headers['webhook-signature']).split(' ').includes(signature);
    };
    expect(await verifies(next)).toBe(true);
    expect(await verifies(old)).toBe(true);
    ahead += 25 * hour;
    expect(await verifies(next)).toBe(true);
    expect(await verifies(old)).toBe(false);
  });
});

/** A client whose calls are answered by `answer`, which may pass them on. */
const clientOf = (answer: (command: { input: object; constructor: { name: string } }) => Promise<unknown>) =>
  documentsThat(answer);

const depsWith = (client: WebhookStore['client']) => ({
  store: { ...store, client },
  mayReceive,
  send: sendByHttp,
  stopwatch,
  random: () => 0,
  limitMs: shortOfRetry,
  onTimeUp: async () => {},
  onOutcome: () => {},
  onDisabled: async () => {},
});

describe('what a sender that died has left is put in order by the next one', () => {
  test.each([false, true])('wherever between its calls it dies; receiver answers 500: %s', async (failing) => {
    for (let lives = 0; lives < 9; lives++) {
      const endpoint = await register();
      const sent = [event(), event()];
      for (const each of sent) await route(each);
      receiver.received.length = 0;
      receiver.behave(() => ({ status: failing ? 500 : 200 }));
      let calls = 0;
      const mortal = clientOf((command) =>
        calls++ < lives ? dynamo.documents.send(command as never) : Promise.reject(new Error('killed')),
      );
      await deliverTo(depsWith(mortal), endpoint).catch(() => {});
      receiver.behave(() => ({ status: 200 }));
      for (let n = 0; n < 3; n++) await later(endpoint, hour);
      expect(await deliveriesOf(endpoint), `after ${lives} calls`).toMatchObject(
        Array(2).fill({ status: 'succeeded' }),
      );
      expect(await readQueue(store, endpoint.endpointId, { limit: 5 })).toEqual([]);
      expect(new Set(receiver.events().map(({ id }) => id))).toEqual(new Set(sent.map(({ id }) => id)));
    }
  });

  test('whichever writes of its last call were made', async () => {
    const refused = { status: 500 };
    // Each outcome is a put and what queues it again, and takes another item off the queue: any may be missing.
    for (let made = 0; made < 2 ** 4; made++) {
      const endpoint = await register();
      for (let n = 0; n < 2; n++) await route(event());
      receiver.behave(() => refused);
      const mortal = clientOf(async (command) => {
        if (command.constructor.name !== 'BatchWriteCommand') return dynamo.documents.send(command as never);
        const { RequestItems } = command.input as BatchWriteCommandInput;
        const writes = Object.entries(RequestItems!).flatMap(([table, some]) => some.map((each) => ({ table, each })));
        for (const [n, { table, each }] of writes.entries()) {
          if ((made >> n) % 2 === 1) {
            await dynamo.documents.send(new BatchWriteCommand({ RequestItems: { [table]: [each] } }));
          }
        }
        throw new Error('killed');
      });
      await expect(deliverTo(depsWith(mortal), endpoint)).rejects.toThrow('killed');
      receiver.behave(() => ({ status: 200 }));
      for (let n = 0; n < 3; n++) await later(endpoint, hour);
      const all = await deliveriesOf(endpoint);
      expect(all, `writes ${made.toString(2)}`).toMatchObject(Array(2).fill({ status: 'succeeded' }));
      expect(await readQueue(store, endpoint.endpointId, { limit: 5 })).toEqual([]);
    }
  });
});

test.each([
  ['a name that is not found out', () => new Promise<never>(() => {}), undefined],
  ['a receiver that hangs', undefined, 'hang'],
  ['an answer that does not end', undefined, 'drips'],
] as const)('%s is given up in time', async (_, resolve, behaviour) => {
  const target = await open(() => (behaviour === 'hang' ? 'hang' : { status: 200 }));
  const dripping = createServer((_request, response) => void response.writeHead(200).write('x'));
  await listenOn('127.0.0.1', 0, dripping);
  const url = behaviour === 'drips' ? `http://127.0.0.1:${portOf(dripping)}/` : target.url;
  const options = { allowed: 'any', elapsed: stopwatch.elapsed, timeoutMs: 150 } as const;
  const send = httpSender(resolve === undefined ? options : { ...options, resolve });
  const { status, error, milliseconds } = await send(url, {}, '{}');
  expect({ status, error }).toEqual({ status: null, error: 'no answer within 0.15 seconds' });
  expect(milliseconds).toBeGreaterThanOrEqual(149);
  dripping.close();
  dripping.closeAllConnections();
});

test('a request goes to the address that was checked, under the name of its URL', async () => {
  const { port } = new URL(receiver.url);
  const resolve = async (text: string) => ({ url: new URL(text), address: '127.0.0.1', family: 4 as const });
  const send = httpSender({ allowed: 'any', elapsed: stopwatch.elapsed, resolve });
  // No resolver knows this name.
  expect(await send(`http://crm.invalid:${port}/`, {}, '{}')).toMatchObject({ status: 204, error: null });
  expect(receiver.received[0]!.headers.host).toBe(`crm.invalid:${port}`);
});

test('of a long answer no more is read than is kept', async () => {
  let written = 0;
  const endless = createServer((_request, response) => {
    response.writeHead(200);
    const more = () => {
      while (!response.destroyed && response.write('x'.repeat(65_536))) written += 65_536;
    };
    response.on('drain', more);
    more();
  });
  await listenOn('127.0.0.1', 0, endless);
  const { status, body } = await sendByHttp(`http://127.0.0.1:${portOf(endless)}/`, {}, '{}');
  expect({ status, body }).toEqual({ status: 200, body: 'x'.repeat(2048) });
  endless.close();
  endless.closeAllConnections();
  expect(written).toBeLessThan(50_000_000);
});

describe('a rate limit', () => {
  test('spreads what is sent to an endpoint, also over senders, and delays no other endpoint', async () => {
    const slow = await register({ rateLimit: 20 });
    receiver = await open();
    const other = await register();
    const [slowReceiver, otherReceiver] = receivers as [Receiver, Receiver];
    for (let n = 0; n < 12; n++) await route(event());
    // Real time: the limit is one of seconds.
    const startedAt = Date.now();
    const follow = () => {
      ahead = Date.now() - start;
    };
    follow();
    const running = setInterval(follow, 2);
    const work = async (): Promise<void> => {
      await deliverTo({ ...depsWith(store.client), limitMs: 120, onTimeUp: work }, slow);
    };
    await Promise.all([work(), deliver(other)]);
    clearInterval(running);
    expect(slowReceiver.received).toHaveLength(12);
    expect(otherReceiver.received).toHaveLength(12);
    const last = ({ received }: Receiver) => received.at(-1)!.at - startedAt;
    expect(last(slowReceiver)).toBeGreaterThanOrEqual(11 * 50 - 10);
    expect(last(otherReceiver)).toBeLessThan(last(slowReceiver));
    expect((await deliveriesOf(slow)).every(({ attempts }) => attempts === 1)).toBe(true);
  });
});
