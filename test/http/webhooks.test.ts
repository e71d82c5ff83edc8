import { setTimeout as sleep } from 'node:timers/promises';
import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import type { Context } from 'aws-lambda';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Bus, startBus } from '../../infra/local/bus/start.ts';
import { changeApplication, readApplication } from '../../lib/auth/applications/applications.dynamo.ts';
import { webhookSource } from '../../lib/contract/events/define-event.ts';
import { productCreated } from '../../lib/contract/events/domain-events.ts';
import { systemClock } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { newServer } from '../support/applications.ts';
import { type LiveHandlers, openLiveHandlers } from '../support/live-handlers.ts';

let bus: Bus;
let handlers: LiveHandlers;
let key: string;
const woken: string[] = [];
const body = { url: 'https://crm.example.com/hook', events: ['order.*'] };

beforeAll(async () => {
  bus = await startBus({
    name: 'counterfoil',
    file: ':memory:',
    rules: [
      {
        name: 'senders',
        pattern: { source: [webhookSource] },
        atOnce: 1,
        deliver: async (event) => void woken.push((event as { detail: { endpointId: string } }).detail.endpointId),
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
  key = await handlers.appKey('webhooks:manage', 'events:read');
  woken.length = 0;
});

const create = (over: object = {}, headers: Record<string, string> = {}) =>
  handlers.call('create-webhook-endpoint', { token: key, body: { ...body, ...over }, headers });
const on = (endpointId: string) => ({ token: key, parameters: { endpointId } });

describe('an endpoint', () => {
  test('shows its secret once, and is listed and read without it', async () => {
    const made = await create({ description: 'The CRM', headers: { authorization: 'Bearer x' }, ordered: true });
    expect(made.status).toBe(201);
    expect(made.headers).toMatchObject({ location: `/webhook-endpoints/${made.body.id}`, etag: '"1"' });
    const { secret, ...rest } = made.body;
    expect(secret).toMatch(/^whsec_[\w+/]{43}=$/);
    expect(rest).toMatchObject({
      ...body,
      status: 'active',
      rateLimit: null,
      description: 'The CRM',
      ordered: true,
      version: 1,
    });
    expect((await handlers.call('get-webhook-endpoint', on(rest.id))).body).toEqual(rest);
    expect((await handlers.call('list-webhook-endpoints', { token: key })).body).toEqual({ data: [rest] });
  });

  test('is created once under an idempotency key, and the repeat gets the secret too', async () => {
    const headers = { 'idempotency-key': 'crm-1' };
    const [first, again] = [await create({}, headers), await create({}, headers)];
    expect(again).toMatchObject({ status: 201, body: first.body, headers: { 'idempotency-replayed': 'true' } });
    expect(await create({ events: ['*'] }, headers)).toMatchObject({
      status: 422,
      body: { code: 'idempotency-key-reused' },
    });
    expect((await handlers.call('list-webhook-endpoints', { token: key })).body.data).toHaveLength(1);
  });

  test('belongs to the application that created it', async () => {
    const { id } = (await create()).body;
    key = await handlers.appKey('webhooks:manage', 'events:read');
    for (const operation of [
      'get-webhook-endpoint',
      'delete-webhook-endpoint',
      'rotate-webhook-secret',
      'ping-webhook-endpoint',
      'list-webhook-deliveries',
    ] as const) {
      expect(await handlers.call(operation, on(id)), operation).toMatchObject({
        status: 404,
        body: { code: 'not-found' },
      });
    }
    expect(await handlers.call('update-webhook-endpoint', { ...on(id), body: { status: 'disabled' } })).toMatchObject({
      status: 404,
    });
  });

  test('is managed by who may manage webhooks and read events, and nobody else', async () => {
    for (const scopes of [['webhooks:manage'], ['events:read']] as const) {
      key = await handlers.appKey(...scopes);
      expect(await create()).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    }
  });

  test('is changed, disabled and enabled, and tells the senders when it is enabled', async () => {
    const { id } = (await create()).body;
    const change = (changes: object, headers = {}) =>
      handlers.call('update-webhook-endpoint', { ...on(id), body: changes, headers });
    expect(await change({ status: 'disabled' })).toMatchObject({
      status: 200,
      headers: { etag: '"2"' },
      body: { status: 'disabled', disabledBecause: 'owner', version: 2 },
    });
    expect(await change({ url: 'https://other.example.com/' }, { 'if-match': '"1"' })).toMatchObject({
      status: 412,
      body: { code: 'version-stale' },
    });
    expect(await change({ status: 'active', events: ['*'], rateLimit: 10 })).toMatchObject({
      body: { status: 'active', disabledBecause: null, events: ['*'], rateLimit: 10, version: 3 },
    });
    expect(await change({ rateLimit: null })).toMatchObject({ body: { rateLimit: null, version: 4 } });
    await bus.idle();
    expect(woken).toEqual([id]);
  });

  test('that is deleted is gone', async () => {
    const { id } = (await create()).body;
    expect((await handlers.call('delete-webhook-endpoint', on(id))).status).toBe(204);
    expect((await handlers.call('get-webhook-endpoint', on(id))).status).toBe(404);
    expect((await handlers.call('delete-webhook-endpoint', on(id))).status).toBe(404);
  });

  test('gets a new secret, and its test shows among its deliveries and can be sent again', async () => {
    const { id, secret } = (await create()).body;
    const rotated = await handlers.call('rotate-webhook-secret', on(id));
    expect(rotated).toMatchObject({ status: 200, body: { version: 2 } });
    expect(rotated.body.secret).not.toBe(secret);
    const pings = [];
    for (let n = 0; n < 3; n++) pings.unshift((await handlers.call('ping-webhook-endpoint', on(id))).body);
    expect(pings[0]).toMatchObject({ type: 'webhook.ping', status: 'pending', attempts: 0, lastAttempt: null });
    const page = (await handlers.call('list-webhook-deliveries', { ...on(id), query: { limit: '2' } })).body;
    expect(page).toMatchObject({ data: pings.slice(0, 2), hasMore: true });
    const next = { limit: '2', cursor: page.nextCursor };
    expect((await handlers.call('list-webhook-deliveries', { ...on(id), query: next })).body).toMatchObject({
      data: pings.slice(2),
      hasMore: false,
    });
    const parameters = { endpointId: id, deliveryId: pings[0].id };
    expect(await handlers.call('retry-webhook-delivery', { token: key, parameters })).toMatchObject({
      status: 202,
      body: { id: pings[0].id, status: 'pending' },
    });
    const nothing = { endpointId: id, deliveryId: newId('delivery', systemClock) };
    expect((await handlers.call('retry-webhook-delivery', { token: key, parameters: nothing })).status).toBe(404);
    await bus.idle();
    expect(woken).toEqual([id, id, id, id]);
  });

  test('gets events of the past again, of its types alone, and says how to go on', async () => {
    const { id } = (await create({ events: ['product.*'] })).body;
    const writer = await handlers.appKey('catalog:write');
    const from = new Date().toISOString();
    const made = [];
    for (let n = 0; n < 3; n++) {
      const product = { sku: `REPLAY-${n}-${id.slice(-6)}`, name: 'Thing', price: { amount: 100, currency: 'EUR' } };
      made.unshift((await handlers.call('create-product', { token: writer, body: product })).body.id);
    }
    const replay = (body: object) => handlers.call('replay-webhook-events', { ...on(id), body });
    const to = new Date(Date.now() + 1).toISOString();
    expect(await replay({ from, to })).toMatchObject({ status: 202, body: { events: 3, next: null } });
    const { data } = (await handlers.call('list-webhook-deliveries', on(id))).body;
    expect(data).toMatchObject(Array(3).fill({ type: 'product.created', replay: true, status: 'pending' }));
    expect((await replay({ from: to, to: from })).body).toMatchObject({
      code: 'invalid-input',
      errors: [{ pointer: '/to' }],
    });
    expect((await replay({ from: 'yesterday' })).body).toMatchObject({ errors: [{ pointer: '/from' }] });
    await handlers.call('update-webhook-endpoint', { ...on(id), body: { events: ['refund.*'] } });
    expect((await replay({ from })).body).toEqual({ events: 0, next: null });

    const many = (await create({ events: ['order.*'] })).body.id;
    const old = Date.UTC(2020, 0, 1);
    await handlers.owner`
      insert into outbox.events (id, type, schema_version, subject, aggregate_id, sequence, data, occurred_at)
      select 'evt_' || lpad(to_hex(${old}::bigint + n), 12, '0') || repeat('0', 20), 'order.placed', 1, o, o, 1, '{}', now()
      from generate_series(1, 1001) n, lateral (select 'ord_' || lpad(to_hex(n), 32, '0')) t (o)`;
    const past = { from: '2020-01-01T00:00:00.000Z', to: '2020-01-02T00:00:00.000Z' };
    const page = await handlers.call('replay-webhook-events', { ...on(many), body: past });
    expect(page.body).toEqual({ events: 1000, next: '2020-01-01T00:00:01.001Z' });
    const rest = { ...past, from: page.body.next };
    expect((await handlers.call('replay-webhook-events', { ...on(many), body: rest })).body).toEqual({
      events: 1,
      next: null,
    });
  });

  test('gets nothing while its application is suspended, or may not read events', async () => {
    const server = await newServer(handlers.applications, 'webhooks:manage', 'events:read');
    key = server.key;
    const { id } = (await create({ events: ['product.*'] })).body;
    const { handler } = await import('../../functions/consumers/route-webhooks.ts');
    const happens = async () => {
      const detail = {
        id: newId('event', systemClock),
        type: 'product.created',
        version: 1,
        subject: 'prd_0197f39f11aa7b2c8d3e4f5a6b7c8d9e',
        aggregateId: 'prd_0197f39f11aa7b2c8d3e4f5a6b7c8d9e',
        sequence: 1,
        occurredAt: '2026-11-29T12:00:00.000Z',
        correlationId: null,
        causationId: null,
        data: productCreated.example,
      };
      await handler({ detail }, {} as Context);
    };
    const deliveries = async () => {
      const { Items = [] } = await handlers.dynamo.documents.send(
        new QueryCommand({
          TableName: 'webhookDeliveries',
          KeyConditionExpression: 'endpointId = :id',
          ExpressionAttributeValues: { ':id': id },
        }),
      );
      return Items.length;
    };
    const change = async (changes: Parameters<typeof changeApplication>[2]) => {
      const item = await readApplication(handlers.applications, server.id);
      await changeApplication(handlers.applications, item!, changes);
      await sleep(1100); // It takes effect within a second.
    };
    await happens();
    expect(await deliveries()).toBe(1);
    await change({ status: 'suspended' });
    await happens();
    await change({ status: 'active', scopes: ['webhooks:manage'] });
    await happens();
    expect(await deliveries()).toBe(1);
    await change({ scopes: ['webhooks:manage', 'events:read'] });
    await happens();
    expect(await deliveries()).toBe(2);
  });

  test('is one of twenty at most', async () => {
    for (let n = 0; n < 20; n++) expect((await create({}, { 'idempotency-key': `n-${n}` })).status).toBe(201);
    expect(await create()).toMatchObject({ status: 409, body: { code: 'too-many-webhook-endpoints' } });
    expect((await create({}, { 'idempotency-key': 'n-3' })).status, 'a repeat').toBe(201);
  });
});

describe('input', () => {
  test.each([
    ['/url', { url: 'http://crm.example.com/' }],
    ['/url', { url: 'https://127.0.0.1/' }],
    ['/url', { url: 'https://[::1]/' }],
    ['/url', { url: 'https://ada:secret@crm.example.com/' }],
    ['/url', { url: 'https://crm.example.com:9000/' }],
    ['/url', { url: 'nonsense' }],
    ['/url', { url: 5 }],
    ['/events', { events: [] }],
    ['/events/0', { events: ['order.unknown'] }],
    ['/events', { events: ['*', '*'] }],
    ['/headers', { headers: Object.fromEntries(['a', 'b', 'c', 'd', 'e', 'f'].map((name) => [name, 'x'])) }],
    ['/headers/webhook-id', { headers: { 'webhook-id': 'x' } }],
    ['/headers/content-length', { headers: { 'content-length': '3' } }],
    ['/headers/host', { headers: { host: 'internal' } }],
    ['/headers/X-Upper', { headers: { 'X-Upper': 'x' } }],
    ['/headers/x-line', { headers: { 'x-line': 'a\r\nb: c' } }],
    ['/ordered', { ordered: 'yes' }],
    ['/rateLimit', { rateLimit: 0 }],
    ['/rateLimit', { rateLimit: 101 }],
    ['/rateLimit', { rateLimit: 1.5 }],
    ['/rateLimit', { rateLimit: '5' }],
    ['/description', { description: 'x'.repeat(201) }],
    ['/nonsense', { nonsense: 1 }],
  ])('is refused at %s: %j', async (pointer, over) => {
    const answer = await create(over);
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid-input' } });
    expect(answer.body.errors[0].pointer).toBe(pointer);
    expect((await handlers.call('list-webhook-endpoints', { token: key })).body.data).toEqual([]);
  });
});
