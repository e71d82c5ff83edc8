import assert from 'node:assert/strict';
import { afterAll, beforeAll, describe, test } from 'vitest';
import type { Order } from '../../lib/contract/api/orders.ts';
import { type Checkout, end, makeCheckout, type Running, removeCheckout, start } from './checkout.ts';
import { type Answer, type Options, type ProblemBody, patiently, sendOnce } from './client.ts';
import { unique } from './shop.ts';

/*
 * On a stack of its own, because whoever moves the clock ends everybody's sessions; and one test after the other, because
 * each moves it for the next ones too.
 */
const hour = 3600;
const day = 24 * hour;
const limit = 60;
const settings = {
  RATE_LIMIT_PER_MINUTE: `${limit}`,
  SESSION_MAX_SECONDS: `${3 * day}`,
};

type Reading = { now: string; ahead: number };

let checkout: Checkout;
let running: Running;

beforeAll(async () => {
  checkout = await makeCheckout();
  running = await start(checkout, settings);
});

afterAll(async () => {
  if (running?.process.exitCode === null) await end(running, 'SIGKILL');
  await removeCheckout(checkout);
});

describe('when the clock is moved', { concurrent: false }, () => {
  test('it is ahead by as much, and stays so', async ({ expect }) => {
    const before = await read();
    expect(before.ahead).toBe(0);
    const asked = Date.now();
    const { now, ahead } = await advance(hour);
    expect(ahead).toBe(hour);
    expect(Date.parse(now)).toBeGreaterThanOrEqual(asked + hour * 1000);
    expect((await read()).ahead).toBe(hour);
    const { headers } = await succeed(200, 'GET', '/health');
    expect(headers.get('content-type')).toMatch(/json/);
  });

  test.for<[situation: string, options: Options, status: number, code: string, errors?: object[]]>([
    ['no seconds', { body: {} }, 400, 'invalid-input', [{ pointer: '/seconds', detail: 'is missing' }]],
    ['none', { body: { seconds: 0 } }, 400, 'invalid-input', [{ pointer: '/seconds', detail: 'must be at least 1' }]],
    ['a part', { body: { seconds: 1.5 } }, 400, 'invalid-input'],
    ['text', { body: { seconds: '60' } }, 400, 'invalid-input'],
    ['eleven years', { body: { seconds: 11 * 365 * day } }, 400, 'invalid-input'],
    ['something else', { body: { seconds: 1, minutes: 1 } }, 400, 'invalid-input'],
    ['a list', { body: [60] }, 400, 'invalid-input', [{ pointer: '', detail: 'must be an object' }]],
    ['no JSON', { raw: '{', headers: { 'content-type': 'application/json' } }, 400, 'invalid-json'],
    ['a form', { raw: 'seconds=60', headers: { 'content-type': 'text/plain' } }, 415, 'unsupported-media-type'],
  ])('%s is refused, and nothing is moved', async ([_situation, options, status, code, errors], { expect }) => {
    const { ahead } = await read();
    const answer = (await send('POST', '/test-clock/advance', options)) as Answer<ProblemBody>;
    expect(answer.body).toMatchObject({
      status,
      code,
      instance: '/test-clock/advance',
      requestId: answer.headers.get('x-request-id'),
      ...(errors === undefined ? {} : { errors }),
    });
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect((await read()).ahead).toBe(ahead);
  });

  test('a session ends when it was not used for its idle time', async ({ expect }) => {
    const { token } = await newBuyer();
    await advance(day - 60);
    expect(await statusWith(token)).toBe(200);
    await advance(day - 60);
    expect(await statusWith(token), 'its use began the time anew').toBe(200);
    await advance(day);
    expect(await statusWith(token)).toBe(401);
  });

  test('a session that is used ends all the same when its longest time is over', async ({ expect }) => {
    const { token } = await newBuyer();
    for (let hours = 20; hours < 72; hours += 20) {
      await advance(20 * hour);
      expect(await statusWith(token), `after ${hours} hours`).toBe(200);
    }
    await advance(12 * hour);
    expect(await statusWith(token), 'after 72 hours').toBe(401);
  });

  test('a key replays its order for 48 hours, and then places another one', async ({ expect }) => {
    const buyer = await newBuyer();
    const key = unique('order');
    const placeAgain = async (body: object) => place(await signIn(buyer), body, key);
    const first = await placeAgain(basket());
    await advance(2 * day - hour);
    const again = await placeAgain(basket());
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(again.text).toBe(first.text);
    // The job that deletes expired keys has run when this is answered.
    await advance(2 * hour);
    const { headers, body } = await placeAgain({ ...basket(), lines: [{ ...basket().lines[0], quantity: 2 }] });
    expect(headers.get('idempotency-replayed')).toBeNull();
    expect(body.id).not.toBe(first.body.id);
    expect(body.status).toBe('confirmed');
  });

  test('a rate limit lets through again after its window', async ({ expect }) => {
    await advance(2 * 60);
    const ask = () => sendOnce('GET', '/products?limit=1', { ...shop() });
    const answers = await Promise.all(Array.from({ length: limit + 5 }, ask));
    const refused = answers.filter(({ status }) => status === 429);
    // More only where DynamoDB was so slow that a request was counted twice.
    expect(refused.length).toBeGreaterThanOrEqual(5);
    expect(refused.length).toBeLessThan(limit);
    await advance(Number(refused[0]!.headers.get('retry-after')));
    expect((await ask()).status).toBe(200);
  });

  test('a confirmed order can be cancelled for fourteen days and no longer', async ({ expect }) => {
    const buyer = await newBuyer();
    const orders: Order[] = [];
    for (const _ of [1, 2]) {
      orders.push((await place(buyer.token, basket())).body);
    }
    expect(orders).toMatchObject([{ status: 'confirmed' }, { status: 'confirmed' }]);
    const [one, other] = orders.map(({ id }) => `/orders/${id}/cancel`);
    await advance(14 * day - hour);
    await succeed(200, 'POST', one!, { token: await signIn(buyer), wait: 20 });
    await advance(hour);
    const late = await send('POST', other!, { token: await signIn(buyer) });
    expect(late).toMatchObject({ status: 409, body: { code: 'order-too-late-to-cancel' } });
  });

  test('it is as far ahead after a crash', async ({ expect }) => {
    const { ahead } = await read();
    await end(running, 'SIGKILL');
    running = await start(checkout, settings);
    expect(await read()).toMatchObject({ ahead });
    const { token } = await newBuyer();
    const { body } = await place(token, basket());
    expect(Date.parse(body.createdAt)).toBeGreaterThan(Date.now() + (ahead - 60) * 1000);
  });
});

type Buyer = { email: string; password: string };

const base = () => `http://localhost:${checkout.port}`;
const shop = () => ({ baseUrl: base(), clientId: running.demo.clientId });

/** Waits out the rate limit by moving the clock. */
async function send(method: string, path: string, options: Options = {}): Promise<Answer> {
  for (;;) {
    const answer = await patiently(() => sendOnce(method, path, { ...shop(), ...options }));
    if (answer.status !== 429) return answer;
    await advance(Number(answer.headers.get('retry-after')));
  }
}

async function succeed<B>(status: number, method: string, path: string, options: Options = {}): Promise<Answer<B>> {
  const answer = await send(method, path, options);
  assert.equal(answer.status, status, `${method} ${path} gave ${answer.status}: ${answer.text}`);
  return answer as Answer<B>;
}

const read = async () => (await succeed<Reading>(200, 'GET', '/test-clock')).body;
const advance = async (seconds: number) =>
  (await succeed<Reading>(200, 'POST', '/test-clock/advance', { body: { seconds } })).body;

async function newBuyer(): Promise<Buyer & { token: string }> {
  const buyer = { email: `${unique('buyer')}@example.com`, password: unique('secret') };
  await succeed(202, 'POST', '/customers', { body: { ...buyer, name: 'Grace Hopper' } });
  return { ...buyer, token: await signIn(buyer) };
}

const signIn = async ({ email, password }: Buyer): Promise<string> =>
  (await succeed<{ token: string }>(201, 'POST', '/sessions', { body: { email, password } })).body.token;

const statusWith = async (token: string): Promise<number> => (await send('GET', '/customers/me', { token })).status;

const basket = () => ({
  lines: [{ productId: running.demo.products[0]!.id, quantity: 1 }],
  paymentMethod: 'pm_card_visa',
});

/** Places an order that ends well. */
const place = (token: string, body: object, key = unique('order')) =>
  succeed<Order>(201, 'POST', '/orders', { token, body, key, wait: 20 });
