import assert from 'node:assert/strict';
import { readdir, stat } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, inject, test } from 'vitest';
import { findProcess } from '../../infra/local/postgres/processes.ts';
import type { Order } from '../../lib/contract/api/orders.ts';
import type { Level, Movement } from '../../lib/contract/api/stock.ts';
import { type Checkout, end, makeCheckout, type Running, removeCheckout, start } from './checkout.ts';
import { type Answer, patiently, sendOnce } from './client.ts';
import { hasEnded, unique } from './shop.ts';

const { short } = inject('target');
const settings = { RATE_LIMIT_PER_MINUTE: '1000000', PAYMENT_TIMEOUT_MS: '1000' };
const stock = 1000;

let checkout: Checkout;
let running: Running;

beforeAll(async () => {
  checkout = await makeCheckout();
});

afterAll(async () => {
  if (running?.process.exitCode === null) await end(running, 'SIGKILL');
  await removeCheckout(checkout);
});

/** An order that a client remembers until it has an answer. */
type Attempt = { key: string; body: object; outcome: string; answer?: Answer<Order> };

test('killed in mid-saga and started again: every order ends, nothing is done twice, and Ctrl-C leaves no process', async ({
  expect,
}) => {
  running = await start(checkout, settings);
  console.log(`first start: ${running.readyLine}`);
  const { appKey, customer } = running.demo;
  const session = (await post('/sessions', customer)).body as { token: string };
  const { token } = session;
  const sku = unique('E2E');
  const product = await post('/products', { sku, name: 'Thing', price: { amount: 500, currency: 'EUR' } }, appKey);
  const { id: productId } = product.body as { id: string };
  await post(`/products/${productId}/stock-movements`, { quantity: stock, reason: 'e2e' }, appKey, unique('stock'));

  const attempt = (paymentMethod: string, outcome: string): Attempt => ({
    key: unique('order'),
    body: { lines: [{ productId, quantity: 1 }], paymentMethod },
    outcome,
  });
  const place = async (one: Attempt) => {
    const answer = (await post('/orders', one.body, token, one.key)) as Answer<Order>;
    expect(answer.status, answer.text).toBe(202);
    return answer;
  };
  const silent = short ? [] : Array.from({ length: 3 }, () => attempt('pm_timeoutAlways', 'needs_attention'));
  const lost = Array.from({ length: 5 }, () => attempt('pm_timeoutOnce', 'confirmed'));
  const others = Array.from({ length: 60 }, (_, i) =>
    i % 6 === 0 ? attempt('pm_card_chargeDeclined', 'failed') : attempt('pm_card_visa', 'confirmed'),
  );
  const attempts = [...silent, ...lost, ...others];

  await Promise.all(
    [...silent, ...lost].map(async (one) => {
      one.answer = await place(one);
    }),
  );
  let answered = 0;
  const enough = Promise.withResolvers<void>();
  const load = others.map(async (one) => {
    try {
      one.answer = await place(one);
    } catch {
      return; // The connection was cut: nobody knows whether it was ordered.
    }
    answered += 1;
    if (answered === others.length / 3) enough.resolve();
  });
  await enough.promise;
  const orphan = running.postgresPid;
  expect((await end(running, 'SIGKILL')).by).toBe('SIGKILL');
  await Promise.all(load);

  running = await start(checkout, settings);
  console.log(`start after kill -9, ${answered} of ${others.length} orders answered: ${running.readyLine}`);
  expect(running.postgresPid).not.toBe(orphan);
  expect(await readableByOthers(join(checkout.folder, '.local')), 'files that other users can read').toEqual([]);
  for (const address of ownAddresses()) {
    await expect(
      fetch(`http://${address}:${checkout.port}/health`),
      `${address}, which others reach`,
    ).rejects.toThrow();
  }
  expect(await findProcess(orphan), 'the PostgreSQL that was left behind').toBeUndefined();
  expect((await get('/customers/me', token)).status, 'the session goes on').toBe(200);

  for (const one of attempts) {
    const again = await place(one);
    if (one.answer === undefined) one.answer = again;
    else {
      expect(again.text).toBe(one.answer.text);
      expect(again.headers.get('idempotency-replayed')).toBe('true');
    }
  }
  const orders = await untilAllEnded(token);
  const statuses = Object.fromEntries(orders.map(({ id, status }) => [id, status]));
  expect(statuses).toEqual(Object.fromEntries(attempts.map(({ answer, outcome }) => [answer!.body.id, outcome])));

  const confirmed = orders.filter(({ status }) => status === 'confirmed').map(({ id }) => id);
  const { movements, level } = await ledger(productId, appKey);
  expect(level).toMatchObject({ onHand: stock - confirmed.length, reserved: 0, available: stock - confirmed.length });
  const committed = movements.filter(({ kind }) => kind === 'commitment').map(({ orderId }) => orderId);
  expect(committed.sort()).toEqual(confirmed.toSorted());
  for (const { id, status, payment } of orders) {
    const { data } = (await get(`/orders/${id}/timeline`, token)).body as { data: { type: string }[] };
    const captured = data.filter(({ type }) => type === 'payment-captured').length;
    expect({ status, captured, paid: payment?.status }).toEqual(
      status === 'confirmed' ? { status, captured: 1, paid: 'captured' } : { status, captured: 0, paid: undefined },
    );
  }

  const postgres = running.postgresPid;
  const { milliseconds, code } = await end(running, 'SIGINT');
  console.log(`Ctrl-C: ended after ${Math.round(milliseconds)} ms`);
  expect(code).toBe(0);
  // Two seconds on a machine that has nothing else to do. More than half a minute is a hang.
  expect(milliseconds).toBeLessThan(30_000);
  expect(await findProcess(postgres), 'PostgreSQL').toBeUndefined();
});

const base = () => `http://localhost:${checkout.port}`;
const shop = () => ({ baseUrl: base(), clientId: running.demo.clientId });

async function post(path: string, body: object, token?: string, key?: string): Promise<Answer> {
  const credentials = token === undefined ? {} : { token };
  const options = { ...shop(), body, ...credentials, ...(key === undefined ? {} : { key }) };
  const answer = await patiently(() => sendOnce('POST', path, options));
  assert.ok(answer.status < 300, `POST ${path} gave ${answer.status}: ${answer.text}`);
  return answer;
}

const get = (path: string, token: string): Promise<Answer> =>
  patiently(() => sendOnce('GET', path, { ...shop(), token }));

/** The files below a folder that somebody else than their owner can get to and read. */
async function readableByOthers(folder: string): Promise<string[]> {
  const { mode } = await stat(folder);
  if ((mode & 0o001) === 0) return [];
  const entries = await readdir(folder, { withFileTypes: true });
  const found = await Promise.all(
    entries.map(async (entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return readableByOthers(path);
      const info = await stat(path).catch(() => undefined);
      return info?.isFile() && (info.mode & 0o044) !== 0 ? [path] : [];
    }),
  );
  return found.flat();
}

/** This machine's addresses that other machines may reach. */
const ownAddresses = (): string[] =>
  Object.values(networkInterfaces())
    .flatMap((addresses = []) => addresses)
    .filter(({ internal, family }) => !internal && family === 'IPv4')
    .map(({ address }) => address);

async function untilAllEnded(token: string): Promise<Order[]> {
  for (;;) {
    const orders = await all<Order>('/orders', token);
    if (orders.every(({ status }) => hasEnded(status))) return orders;
    await sleep(300);
  }
}

async function ledger(productId: string, appKey: string) {
  const path = `/products/${productId}/stock-movements`;
  const { level } = (await get(path, appKey)).body as { level: Level };
  return { level, movements: await all<Movement>(path, appKey) };
}

async function all<T>(path: string, token: string): Promise<T[]> {
  const found: T[] = [];
  for (let cursor = ''; ; ) {
    const answer = await get(`${path}?limit=100${cursor}`, token);
    assert.equal(answer.status, 200, `GET ${path} gave ${answer.status}: ${answer.text}`);
    const page = answer.body as { data: T[]; nextCursor: string | null };
    found.push(...page.data);
    if (page.nextCursor === null) return found;
    cursor = `&cursor=${page.nextCursor}`;
  }
}
