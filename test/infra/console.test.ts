import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { OrderView } from '../../infra/local/console/order.ts';
import type { OrderList } from '../../infra/local/console/orders.ts';
import type { OverviewView } from '../../infra/local/console/overview.ts';
import type { EventsView, PostgresView } from '../../infra/local/console/parts.ts';
import type { PlannedJob, SentMail } from '../../infra/local/console/protocol.ts';
import type { RequestDetail, RequestList } from '../../infra/local/console/requests.ts';
import type { TableView } from '../../infra/local/console/tables.dynamo.ts';
import { type Demo, prepareDemo } from '../../infra/local/demo.ts';
import { resetStack, type Stack, startStack } from '../../infra/local/stack.ts';
import type { Reading } from '../../infra/local/test-clock.ts';
import { isSampled } from '../../lib/platform/sql-comments.ts';
import { startReceiver } from '../support/receiver.ts';

/* The console of a whole stack, by HTTP as the page asks it. */

let directory: string;
let stack: Stack;
let demo: Demo;
let token: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'counterfoil-console-'));
  stack = await startStack({
    directory,
    port: 0,
    settings: { RATE_LIMIT_PER_MINUTE: '100000', ORDER_MAILS: 'all' },
    postgresSettings: { shared_preload_libraries: 'pg_stat_statements' },
    waitScale: 0.02,
  });
  demo = await prepareDemo(stack, directory);
  const session = await call('POST', '/sessions', { 'client-id': demo.clientId }, demo.customer);
  token = (session as { token: string }).token;
});
afterAll(async () => {
  await stack?.stop();
  await resetStack(directory);
});

async function call(method: string, path: string, headers: Record<string, string> = {}, body?: object) {
  const response = await fetch(stack.baseUrl + path, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return (await response.json()) as unknown;
}

const ask = <T>(path: string) => call('GET', `/console/api/${path}`) as Promise<T>;
const tell = <T>(path: string, body: object = {}) => call('POST', `/console/api/${path}`, {}, body) as Promise<T>;

async function place(paymentMethod = 'pm_card_visa', wait = 20, more: Record<string, string> = {}): Promise<string> {
  const headers = {
    ...more,
    authorization: `Bearer ${token}`,
    'idempotency-key': randomUUID(),
    prefer: `wait=${wait}`,
  };
  const lines = [{ productId: demo.products[0]!.id, quantity: 2 }];
  return ((await call('POST', '/orders', headers, { lines, paymentMethod })) as { id: string }).id;
}

const orderOf = (id: string) => ask<OrderView>(`orders/${id}`);
const path = ({ executions }: OrderView) => executions.at(-1)!.visits.map(({ state }) => state);

test('an order stands first in the list as soon as its request is answered, and is found by what belongs to it', async () => {
  const id = await place();
  const { orders } = await ask<OrderList>('orders');
  expect(orders[0]).toMatchObject({ id, status: 'confirmed', goods: '2 × MUG-BLUE', trouble: null });
  for (const text of [id.slice(0, 30), orders[0]!.customerId, 'MUG-BLUE']) {
    expect((await ask<OrderList>(`orders?text=${text}`)).orders[0]).toMatchObject({ id });
  }
  expect((await ask<OrderList>('orders?text=nothing')).orders).toEqual([]);
  expect((await ask<OrderList>('orders?status=problems')).orders).toEqual([]);
  expect((await ask<OrderList>(`orders?before=${id}`)).orders).toEqual([]);
});

test('an order comes with its saga, timeline, money, stock and events', async () => {
  const view = await orderOf(await place());
  expect(path(view)).toEqual(['ReserveStock', 'ChargePayment', 'ConfirmOrder']);
  expect(view).toMatchObject({
    missing: [],
    payments: [{ status: 'captured' }],
    charge: { status: 'captured', amount: view.order.total.amount },
    reservations: [{ sku: 'MUG-BLUE', state: 'committed' }],
    executions: [{ machine: 'placing', status: 'SUCCEEDED' }],
  });
  expect(view.timeline.map(({ type }) => type)).toContain('payment-captured');
  expect(view.events.map(({ type }) => type)).toContain('order.confirmed');
});

test('the faults strike the orders that come next, which survive them as the saga promises', async () => {
  const ends: Record<string, string> = { decline: 'failed', 'lose-answer': 'confirmed', kill: 'confirmed' };
  for (const [name, status] of Object.entries(ends)) {
    expect(await tell('faults', { name }), name).toMatchObject({ armed: [{ name }] });
    const id = await place('pm_card_visa', 0);
    await expect.poll(async () => (await orderOf(id)).order?.status, { message: name }).toBe(status);
    expect(await ask('faults'), name).toMatchObject({ armed: [] });
    const failures = (await orderOf(id)).executions.flatMap(({ visits }) =>
      visits.flatMap(({ attempts }) => attempts.flatMap(({ error }) => (error === null ? [] : [error]))),
    );
    expect(failures, name).toHaveLength(1);
  }
  expect((await ask<OrderList>('orders?status=problems')).orders[0]!.trouble!.text).toContain('payment-declined');
  expect(await tell('faults', { name: 'meteor' })).toEqual({ error: 'There is no such fault.' });
});

test('an order is shown without what DynamoDB has of it while that is away', async () => {
  const id = await place();
  await tell('faults', { name: 'dynamo-away' });
  expect(await orderOf(id)).toMatchObject({ missing: ['DynamoDB'], charge: null, order: { status: 'confirmed' } });
  await tell('faults/clear');
  expect(await orderOf(id)).toMatchObject({ missing: [], charge: { status: 'captured' } });
});

test('manual review shows what failed, and its buttons do what the API allows', async () => {
  const id = await place('pm_timeoutAlways', 0);
  await expect.poll(async () => (await orderOf(id)).order?.status).toBe('needs_attention');
  const { orders } = await ask<OrderList>('orders?status=needs_attention');
  expect(orders[0]).toMatchObject({ id, trouble: { step: 'RefundPayment' } });
  expect(orders[0]!.trouble!.text).toMatch(/^OutcomeUnknown: the simulated provider did not answer/);
  expect(await tell(`orders/${id}/resolve`, { outcome: 'confirmed', note: 'x' })).toHaveProperty('error');
  expect(await tell(`orders/${id}/resolve`, { outcome: 'failed', note: 'The provider says: no charge.' })).toEqual({});
  expect(await orderOf(id)).toMatchObject({ order: { status: 'failed' }, manualReview: [{ settledHow: 'resolved' }] });
});

test('no key, token or password is in anything that the console answers', async () => {
  const id = await place();
  const text = JSON.stringify([await orderOf(id), await ask('orders'), await ask('faults'), await ask('graphs')]);
  for (const secret of [demo.appKey, token, demo.customer.password, stack.inside.env.AWS_SECRET_ACCESS_KEY!]) {
    expect(text).not.toContain(secret);
  }
});

test('a page that listens hears of an order within a second of its request', async () => {
  const controller = new AbortController();
  const { body } = await fetch(`${stack.baseUrl}/console/live`, { signal: controller.signal });
  const reader = body!.pipeThrough(new TextDecoderStream()).getReader();
  const heard: number[] = [];
  void (async () => {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      if (value.includes('data:')) heard.push(performance.now());
    }
  })().catch(() => {});
  await place();
  const placed = performance.now();
  await expect.poll(() => heard.some((time) => time > placed), { interval: 20 }).toBe(true);
  // The looks into the log are 200 ms apart; a machine that has much else to do is later.
  expect(heard.find((time) => time > placed)! - placed).toBeLessThan(10_000);
  controller.abort();
});

test('the dashboards of a deployment show what was just measured', async () => {
  await place();
  const { dashboards } = await ask<OverviewView>('overview?range=5');
  const widgets = dashboards.flatMap((dashboard) => dashboard.widgets);
  const orders = widgets.find(
    (widget) => widget.type === 'metric' && widget.title === 'Orders, from placed to their end',
  );
  const total = orders?.type === 'metric' ? orders.lines.find(({ label }) => label === 'OrdersPlaced')?.points[0] : 0;
  expect(total).toBeGreaterThanOrEqual(1);
  const log = widgets.find((widget) => widget.type === 'log');
  expect(log?.type === 'log' && log.table.rows.flat()).toContain('place-order');
  expect(await ask('overview?range=7')).toEqual({ error: 'There is no such range.' });
});

test('a request is found by its order, with the log of the saga that it led to', async () => {
  const id = await place();
  const { requests } = await ask<RequestList>(`requests?text=${id}`);
  const { requestId } = requests.find(({ operation }) => operation === 'place-order')!;
  const { lines } = await ask<RequestDetail>(`requests/${requestId}`);
  expect(lines.map(({ message, fields }) => fields.step ?? message)).toEqual(
    expect.arrayContaining(['request', 'ReserveStock', 'ChargePayment', 'ConfirmOrder']),
  );
  expect(await ask(`requests/req_${'0'.repeat(32)}`)).toHaveProperty('error');
});

test('a request shows what it and its saga waited for, and the plan of a statement', async () => {
  const id = await place();
  const { requests } = await ask<RequestList>(`requests?text=${id}`);
  const { requestId } = requests.find(({ operation }) => operation === 'place-order')!;
  const { traces } = await ask<RequestDetail>(`requests/${requestId}`);
  expect(traces.map(({ handler }) => handler)).toEqual([
    'http/place-order',
    'saga/reserve-stock',
    'saga/charge-payment',
    'saga/confirm-order',
  ]);
  const [request, , charge] = traces;
  const calls = (kind: string) => request!.spans.filter((span) => span.kind === kind).map(({ what }) => what);
  expect(calls('dynamodb')).toContainEqual(expect.stringMatching(/^GetItem .*sessions/));
  expect(calls('states')).toEqual([expect.stringContaining('StartExecution')]);
  expect(charge!.spans.some(({ kind, what }) => kind === 'dynamodb' && what.includes('charges'))).toBe(true);
  for (const { milliseconds, spans } of traces)
    for (const span of spans) expect(span.at + span.milliseconds).toBeLessThanOrEqual(milliseconds + 1);
  const insert = request!.spans.findIndex(({ what }) => what.includes('insert into orders.orders'));
  expect(request!.spans[insert]!.what).toContain('$1');
  expect(JSON.stringify(traces)).not.toContain(demo.products[0]!.id);
  expect(await ask(`plans/${request!.id}/${insert}`)).toMatchObject({
    plan: expect.stringMatching(/Insert on orders/),
  });
  expect(await ask('plans/999999999/0')).toHaveProperty('error');
});

test('the id of a request is in its saga, its statements, its events, webhooks, mails and logs', async () => {
  const receiver = await startReceiver();
  onTestFinished(() => receiver.stop());
  const key = { authorization: `Bearer ${demo.appKey}` };
  const hook = (await call('POST', '/webhook-endpoints', key, { url: receiver.url, events: ['order.confirmed'] })) as {
    id: string;
  };
  onTestFinished(
    async () => void (await fetch(`${stack.baseUrl}/webhook-endpoints/${hook.id}`, { method: 'DELETE', headers: key })),
  );
  await sleep(1100); // From then on it gets events.
  // Functions are followed from when somebody first looks.
  await ask('orders');
  // One request in a hundred is sampled, and names itself in its statements.
  let requestId: string;
  do requestId = `req_${randomUUID().replaceAll('-', '')}`;
  while (!isSampled(requestId));
  const id = await place('pm_card_visa', 20, { 'x-request-id': requestId });

  const { traces } = await ask<RequestDetail>(`requests/${requestId}`);
  const statements = traces.flatMap(({ handler, spans }) =>
    spans.flatMap(({ kind, what }) => (kind === 'sql' ? [{ handler, what }] : [])),
  );
  expect(new Set(statements.map(({ handler }) => handler))).toEqual(
    new Set(['http/place-order', 'saga/reserve-stock', 'saga/confirm-order']),
  );
  for (const { what } of statements) expect(what).toMatch(new RegExp(` /\\*correlation_id='${requestId}'\\*/$`));
  expect(statements.filter(({ what }) => what.split('correlation_id=').length > 2)).toEqual([]);

  const { data: events } = (await call('GET', '/events?limit=1000', key)) as {
    data: { aggregateId: string; correlationId: string }[];
  };
  const ofOrder = events.filter(({ aggregateId }) => aggregateId === id);
  expect(ofOrder.map(({ correlationId }) => correlationId)).toEqual(ofOrder.map(() => requestId));
  expect(ofOrder.length).toBeGreaterThanOrEqual(2);

  await expect.poll(() => receiver.received.length, { timeout: 60_000 }).toBeGreaterThan(0);
  expect(JSON.parse(receiver.received[0]!.body)).toMatchObject({ aggregateId: id, correlationId: requestId });

  const mailed = async () => (await ask<SentMail[]>('parts/mails')).map(({ correlationId }) => correlationId);
  await expect.poll(mailed, { timeout: 60_000 }).toContain(requestId);

  const { lines } = await ask<RequestDetail>(`requests/${requestId}`);
  const by = ({ fields, message }: { fields: Record<string, string>; message: string }) =>
    fields.step ?? fields.consumer ?? message;
  const named = lines.filter(({ fields }) => (fields.correlationId ?? fields.requestId) === requestId).map(by);
  expect(named).toEqual(
    expect.arrayContaining([
      'request',
      'ReserveStock',
      'ChargePayment',
      'ConfirmOrder',
      'mail-order-news',
      'mail sent',
    ]),
  );
});

test('replication can be paused: the reader stays where it was until it goes on', async () => {
  const lsn = async () => (await ask<PostgresView>('parts/postgres')).standbys[0]?.behindBytes;
  await tell('faults', { name: 'pause-replication' });
  await expect.poll(lsn).toBeDefined();
  await expect
    .poll(async () => {
      await place();
      return await lsn();
    })
    .toBeGreaterThan(0);
  await tell('faults/clear');
  await expect.poll(lsn).toBe(0);
});

test('the parts say how they are', async () => {
  await place();
  const postgres = await ask<PostgresView>('parts/postgres');
  expect(postgres.connections.map(({ role }) => role)).toContain('saga');
  expect(postgres.proxies[0]).toMatchObject({
    name: 'writer',
    open: expect.any(Number),
    refused: 0,
    lastRefusal: null,
  });
  expect(postgres.tables.map(({ name }) => name)).toContain('orders.orders');
  expect(postgres.statements!.some(({ statement }) => statement.includes('orders.orders'))).toBe(true);
  const tables = await ask<TableView[]>('parts/dynamodb');
  expect(tables.find(({ name }) => name === 'charges')!.items).toBeGreaterThan(0);
  expect(await ask('parts/dynamodb/pg_class')).toEqual({ error: 'There is no such table.' });
  const { queues } = await ask<EventsView>('parts/events');
  expect(queues.map(({ queue }) => queue)).toEqual(['events', 'exports', 'imports', 'mails', 'webhooks']);
  expect(await ask('parts/cache')).toHaveProperty('answers');
});

test('no item, mail, job or log line shows what could open anything', async () => {
  await call('POST', '/password-resets', { 'client-id': demo.clientId }, { email: demo.customer.email });
  await expect.poll(() => ask<SentMail[]>('parts/mails')).not.toEqual([]);
  const tables = await ask<TableView[]>('parts/dynamodb');
  const items = await Promise.all(tables.map(({ name }) => ask(`parts/dynamodb/${name}`)));
  const text = JSON.stringify([items, await ask('parts/mails'), await ask('parts/schedules'), await ask('requests')]);
  expect(text).toContain('[code]');
  for (const secret of [demo.appKey, token, demo.customer.password]) expect(text).not.toContain(secret);
  expect(text).not.toMatch(/\bcf[a-z]_[\w-]{16,}|whsec_\w+/);
});

test('a job runs when somebody asks for it, and says when it ran and runs next', async () => {
  expect(await tell('parts/schedules/sweep-orders')).toEqual({});
  const jobs = await ask<PlannedJob[]>('parts/schedules');
  expect(jobs.find(({ name }) => name === 'sweep-orders')).toMatchObject({
    schedule: 'rate(1 minute)',
    next: expect.any(Number),
    last: { error: null, milliseconds: expect.any(Number) },
  });
  expect(await tell('parts/schedules/no-job')).toEqual({ error: 'There is no such job.' });
});

test('the clock moves by a minute, an hour or a day, and by nothing else', async () => {
  const { ahead } = await ask<Reading>('clock');
  expect(await tell<Reading>('clock', { seconds: 60 })).toMatchObject({ ahead: ahead + 60 });
  for (const seconds of [-60, 61, '60', null]) expect(await tell('clock', { seconds })).toHaveProperty('error');
  expect(await ask('clock')).toMatchObject({ ahead: ahead + 60 });
});

test('an address of no order, and one that is no address, are refused', async () => {
  expect(await ask(`orders/ord_${'0'.repeat(32)}`)).toEqual({ error: 'There is no such order.' });
  expect(await ask('orders/..%2f..')).toHaveProperty('error');
});

test('Prometheus reads what the functions counted, from this machine alone', async () => {
  await place();
  const answer = await fetch(`${stack.baseUrl}/metrics`);
  expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  expect(answer.headers.get('connection')).toBe('keep-alive');
  const text = await answer.text();
  expect(Number(/^counterfoil_orders_placed_total\{stage="local"\} (\d+)$/m.exec(text)?.[1])).toBeGreaterThanOrEqual(1);
  expect(text).toMatch(/^counterfoil_latency_seconds_bucket\{stage="local",operation="place-order",le="10"\} [1-9]/m);
  // A page of another site, by DNS rebinding.
  const [foreign] = await once(get(`${stack.baseUrl}/metrics`, { headers: { host: 'evil.example' } }), 'response');
  expect(foreign.resume().statusCode).not.toBe(200);
});
