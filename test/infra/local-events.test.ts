import { randomUUID } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import postgres, { type Sql } from 'postgres';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Demo, prepareDemo } from '../../infra/local/demo.ts';
import { resetStack, type Stack, startStack } from '../../infra/local/stack.ts';
import type { Mail } from '../../lib/accounts/mail/mailer.ts';
import { startReceiver } from '../support/receiver.ts';

let directory: string;
let stack: Stack;
let demo: Demo;
let token: string;
const mails: Mail[] = [];

const start = () =>
  startStack({
    directory,
    port: 0,
    settings: { ORDER_MAILS: 'all', RATE_LIMIT_PER_MINUTE: '100000' },
    onMail: (mail) => mails.push(mail),
  });

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'counterfoil-events-'));
  stack = await start();
  demo = await prepareDemo(stack, directory);
  const { email, password } = demo.customer;
  ({ token } = (await post('/sessions', { email, password }, { 'client-id': demo.clientId })) as { token: string });
});
afterAll(async () => {
  await stack?.stop();
  await resetStack(directory);
});

async function post(path: string, body: object, headers: Record<string, string>) {
  const response = await fetch(stack.baseUrl + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`POST ${path} gave ${response.status}: ${await response.text()}`);
  return await response.json();
}

/** Sends an order, with the same key until it is taken. */
async function order(): Promise<{ id: string }> {
  const headers = { authorization: `Bearer ${token}`, 'idempotency-key': randomUUID() };
  const body = { lines: [{ productId: demo.products[0]!.id, quantity: 1 }], paymentMethod: 'pm_card_visa' };
  for (;;) {
    const placed = await post('/orders', body, headers).catch(() => undefined);
    if (placed !== undefined) return placed as { id: string };
    await sleep(20);
  }
}

async function asOwner<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
  const sql = postgres({ path: stack.inside.socketPath, user: 'rdsadmin', database: 'counterfoil', max: 1 });
  try {
    return await work(sql);
  } finally {
    await sql.end();
  }
}

const read = () =>
  asOwner(async (sql) => {
    const [row] = await sql`
      select (select count(*) from orders.orders where confirmed_at is not null)::integer as confirmed,
        (select count(*) from orders.orders where status in ('pending', 'reserved'))::integer as open,
        (select count(*) from outbox.events where published_at is null)::integer as unpublished,
        (select count(*) from customers.mails where kind = 'order-confirmed')::integer as mails`;
    return row as { confirmed: number; open: number; unpublished: number; mails: number };
  });

async function until(holds: (state: Awaited<ReturnType<typeof read>>) => boolean): Promise<void> {
  while (!holds(await read())) await sleep(50);
}

test('a confirmed order brings its customer one mail, without anybody waiting for a schedule', async () => {
  await order();
  while (!mails.some(({ subject }) => subject === 'Your order is confirmed')) await sleep(20);
  expect(mails.filter(({ subject }) => subject === 'Your order is confirmed')).toHaveLength(1);
  expect(mails[0]!.to).toBe(demo.customer.email);
});

test('a webhook endpoint gets the events of an order, signed, also when its receiver is away at first', async () => {
  const receiver = await startReceiver();
  const app = { authorization: `Bearer ${demo.appKey}` };
  const fields = { url: receiver.url, events: ['order.*'], ordered: true };
  const { id, secret } = (await post('/webhook-endpoints', fields, app)) as { id: string; secret: string };
  await sleep(1100); // From then on it gets events.
  receiver.behave(() => (receiver.received.length < 2 ? 'reset' : { status: 200 }));
  await order();
  while (!receiver.events().some(({ sequence }) => sequence > 3)) await sleep(50);
  const verified = receiver.received.map(({ body, headers }) => {
    return new Webhook(secret).verify(body, headers as Record<string, string>) as { type: string };
  });
  const types = verified.map(({ type }) => type);
  expect(types.slice(0, 3)).toEqual(['order.placed', 'order.placed', 'order.reserved']);
  expect(types.at(-1)).toBe('order.confirmed');
  const response = await fetch(`${stack.baseUrl}/webhook-endpoints/${id}/deliveries`, { headers: app });
  expect(((await response.json()) as { data: { type: string; attempts: number }[] }).data).toMatchObject([
    { type: 'order.confirmed', attempts: 1 },
    { type: 'order.reserved', attempts: 1 },
    { type: 'order.placed', attempts: 2, status: 'succeeded' },
  ]);
  await fetch(`${stack.baseUrl}/webhook-endpoints/${id}`, { method: 'DELETE', headers: app });
  await receiver.stop();
});

test('the owner of an endpoint that is disabled gets a mail, and an event on another endpoint', async () => {
  const app = { authorization: `Bearer ${demo.appKey}` };
  const gone = await startReceiver(() => ({ status: 410 }));
  const other = await startReceiver();
  const register = (url: string) => post('/webhook-endpoints', { url, events: ['webhook_endpoint.*'] }, app);
  const [disabled, told] = (await Promise.all([gone.url, other.url].map(register))) as { id: string; secret: string }[];
  await post(`/webhook-endpoints/${disabled!.id}/ping`, {}, app);
  while (other.received.length === 0 || !mails.some(({ text }) => text.includes(disabled!.id))) await sleep(20);
  const [{ body, headers }] = other.received as [(typeof other.received)[0]];
  expect(new Webhook(told!.secret).verify(body, headers as Record<string, string>)).toMatchObject({
    type: 'webhook_endpoint.disabled',
    subject: disabled!.id,
    data: { endpointId: disabled!.id, reason: 'gone', failingSince: null },
  });
  const { to, subject, text } = mails.find((mail) => mail.text.includes(disabled!.id))!;
  expect([to, subject]).toEqual(['demo@example.com', 'A webhook endpoint of yours is disabled']);
  expect(text).toContain(new URL(gone.url).host);
  expect(gone.received).toHaveLength(1);
  for (const { id } of [disabled!, told!]) {
    await fetch(`${stack.baseUrl}/webhook-endpoints/${id}`, { method: 'DELETE', headers: app });
  }
  await Promise.all([gone.stop(), other.stop()]);
});

test('with the bus away orders go on, nothing is refused, and the events arrive in order when it is back', async () => {
  const receiver = await startReceiver();
  const app = { authorization: `Bearer ${demo.appKey}` };
  const fields = { url: receiver.url, events: ['order.*'], ordered: true };
  const { id } = (await post('/webhook-endpoints', fields, app)) as { id: string };
  await sleep(1100); // From then on it gets events.
  const before = await read();
  await stack.inside.bus.stop();
  const placed = await Promise.all(Array.from({ length: 5 }, order));
  await until(({ confirmed }) => confirmed === before.confirmed + 5);
  await post(`/orders/${placed[0]!.id}/cancel`, {}, { authorization: `Bearer ${token}`, prefer: 'wait=20' });
  // What only tells somebody of work does not fail with the bus.
  await post(`/webhook-endpoints/${id}/ping`, {}, app);
  const { email, password } = demo.customer;
  await post('/sessions', { email, password }, { 'client-id': demo.clientId });
  expect((await fetch(`${stack.baseUrl}/products`, { headers: { 'client-id': demo.clientId } })).status).toBe(200);
  expect((await read()).unpublished).toBeGreaterThanOrEqual(11);
  expect(receiver.received).toEqual([]);

  await stack.stop();
  stack = await start();
  await until(({ unpublished, mails: written, confirmed }) => unpublished === 0 && written === confirmed);
  const typesOf = (orderId: string) =>
    receiver
      .events()
      .filter(({ aggregateId }) => aggregateId === orderId)
      .map(({ type }) => type);
  const complete = () =>
    typesOf(placed[0]!.id).includes('order.cancelled') &&
    placed.every(({ id: orderId }) => typesOf(orderId).includes('order.confirmed'));
  while (!complete()) await sleep(50);
  for (const [n, { id: orderId }] of placed.entries()) {
    const all = ['order.placed', 'order.reserved', 'order.confirmed', 'order.cancelled'];
    expect([...new Set(typesOf(orderId))]).toEqual(n === 0 ? all : all.slice(0, 3));
  }
  while (!receiver.events().some(({ type }) => type === 'webhook.ping')) {
    await stack.inside.runJob('wake-webhooks');
    await sleep(50);
  }
  await fetch(`${stack.baseUrl}/webhook-endpoints/${id}`, { method: 'DELETE', headers: app });
  await receiver.stop();
});

test('every event arrives, and once, though functions and the whole stack are killed meanwhile', async () => {
  const orders = Promise.all(Array.from({ length: 15 }, order));
  for (let kills = 0; kills < 3; kills++) {
    await sleep(150);
    await stack.inside.killFunctions();
  }
  await orders;
  await stack.stop();
  stack = await start();
  // The sweeper takes up what a kill has left.
  while (!(({ confirmed, open }) => confirmed >= 18 && open === 0)(await read())) {
    await stack.inside.runJob('sweep-orders');
    await sleep(200);
  }
  await stack.inside.eventsDelivered();
  await until(({ unpublished }) => unpublished === 0);
  await until((state) => state.mails === state.confirmed);
  expect(stack.inside.bus.parked()).toEqual([]);
});
