import { afterAll, beforeAll, expect, test } from 'vitest';
import { readApplication } from '../../lib/auth/applications/applications.dynamo.ts';
import { createApplicationCache } from '../../lib/auth/applications/cache.ts';
import { tables } from '../../lib/contract/deploy/tables.ts';
import type { StoredEvent } from '../../lib/contract/events/define-event.ts';
import { type DeliverDeps, deliverTo } from '../../lib/events/webhooks/deliver.ts';
import type { MayReceive, WebhookStore } from '../../lib/events/webhooks/endpoints.dynamo.ts';
import { createEndpoint } from '../../lib/events/webhooks/manage.ts';
import { recentEndpoints, routeEvent } from '../../lib/events/webhooks/route.ts';
import { stopwatch, systemClock } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { newServer } from '../support/applications.ts';
import { startTestDynamo, type TestDynamo } from '../support/dynamo.ts';

let dynamo: TestDynamo;
let store: WebhookStore;
const names = ['applications', 'appKeys', 'webhookEndpoints', 'webhookDeliveries', 'webhookQueue'] as const;

beforeAll(async () => {
  dynamo = await startTestDynamo(names.map((name) => ({ name, ...tables[name] })));
  const [, , endpoints, deliveries, queue] = names;
  store = { client: dynamo.documents, endpoints, deliveries, queue, clock: systemClock };
});
afterAll(() => dynamo?.stop());

const event = (): StoredEvent => {
  const aggregateId = newId('order', systemClock);
  const occurredAt = '2026-11-29T12:00:00.000Z';
  const ids = {
    id: newId('event', systemClock),
    subject: aggregateId,
    aggregateId,
    correlationId: null,
    causationId: null,
  };
  return { ...ids, type: 'order.confirmed', version: 1, sequence: 1, occurredAt, data: {} };
};

/** As every process of a function has it. */
const newAccess = (): MayReceive => {
  const applications = { client: dynamo.documents, table: 'applications' };
  const find = createApplicationCache((id) => readApplication(applications, id), systemClock);
  return async (id) => (await find(id, { allowStale: false })) && { personalData: true };
};

/** What routing events to endpoints and sending them asks of DynamoDB, but for the scan of all endpoints once a second. */
async function callsFor({ events, endpoints }: { events: number; endpoints: number }) {
  const applications = { client: dynamo.documents, table: 'applications', keysTable: 'appKeys', clock: systemClock };
  const { id } = await newServer(applications, 'webhooks:manage', 'events:read');
  const fields = { url: 'https://crm.example/', events: ['*'], description: '', headers: {}, ordered: false };
  const claim = { key: undefined, fingerprint: '', allowed: 'any' } as const;
  for (let n = 0; n < endpoints; n++) await createEndpoint(store, id, { ...fields, rateLimit: null }, claim);
  const all = recentEndpoints(store, stopwatch, 3600_000);
  const own = async () => (await all()).filter(({ applicationId }) => applicationId === id);
  await own();
  let sent = 0;
  const deps: DeliverDeps = {
    store,
    mayReceive: newAccess(),
    async send() {
      sent += 1;
      return { status: 200, body: '', error: null, milliseconds: 1 };
    },
    stopwatch,
    random: () => 0,
    limitMs: 60_000,
    onTimeUp: async () => {},
    onOutcome: () => {},
    onDisabled: async () => {},
  };
  const router = { mayReceive: newAccess(), endpoints: own };
  const before = dynamo.calls();
  const happens = async () => {
    const woken = await routeEvent(store, event(), router);
    await Promise.all(woken.map((key) => deliverTo(deps, key)));
  };
  await Promise.all(Array.from({ length: events }, happens));
  expect(sent).toBe(events * endpoints);
  const made = Object.entries(dynamo.calls()).map(([name, count]) => [name, count - (before[name] ?? 0)] as const);
  return Object.fromEntries(made.filter(([, count]) => count > 0));
}

test('a single delivery takes nine calls of DynamoDB, two of which ask for its application', async () => {
  expect(await callsFor({ events: 1, endpoints: 1 })).toEqual({
    GetItem: 2,
    TransactWriteItems: 1,
    UpdateItem: 2,
    Query: 1,
    BatchGetItem: 1,
    BatchWriteItem: 2,
  });
});

test('deliveries of one event to many endpoints share the calls that put them on their way', async () => {
  expect(await callsFor({ events: 1, endpoints: 10 })).toEqual({
    GetItem: 2,
    TransactWriteItems: 1,
    UpdateItem: 20,
    Query: 10,
    BatchGetItem: 10,
    BatchWriteItem: 20,
  });
});

test.each([
  [{ events: 100, endpoints: 1 }, 3.8],
  [{ events: 20, endpoints: 10 }, 3.3],
])('deliveries that come together share calls: %j take %d a delivery at most', async (load, most) => {
  const calls = await callsFor(load);
  const sum = Object.values(calls).reduce((all, count) => all + count, 0);
  expect(sum / (load.events * load.endpoints), JSON.stringify(calls)).toBeLessThanOrEqual(most);
});
