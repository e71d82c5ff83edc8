import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, test } from 'vitest';
import type { PaymentCapture } from '../../lib/contract/api/captures.ts';
import type { ReviewOrder } from '../../lib/contract/api/manual-review.ts';
import type { Order, TimelineEntry } from '../../lib/contract/api/orders.ts';
import { type Checkout, end, makeCheckout, type Running, removeCheckout, start } from './checkout.ts';
import { type Answer, type Options, type ProblemBody, patiently, sendOnce } from './client.ts';
import { unique } from './shop.ts';

/* On a stack of its own, that captures at shipment, and whose clock is moved: one test after the other. */
const day = 24 * 3600;
const settings = {
  RATE_LIMIT_PER_MINUTE: '1000000',
  SESSION_MAX_SECONDS: `${90 * day}`,
  SESSION_IDLE_SECONDS: `${60 * day}`,
  PAYMENT_TIMEOUT_MS: '200',
  CAPTURE_AT: 'shipment',
};

let checkout: Checkout;
let running: Running;
let token: string;

beforeAll(async () => {
  checkout = await makeCheckout();
  running = await start(checkout, settings);
  token = (await succeed<{ token: string }>(201, 'POST', '/sessions', { body: running.demo.customer })).body.token;
});

afterAll(async () => {
  if (running?.process.exitCode === null) await end(running, 'SIGKILL');
  await removeCheckout(checkout);
});

describe('a shop that captures at shipment', { concurrent: false }, () => {
  test('authorizes at checkout, and captures when an application asks, once', async ({ expect }) => {
    const order = await place();
    expect(order).toMatchObject({ status: 'confirmed', payment: { status: 'authorized', refunded: { amount: 0 } } });
    expect(await typesOf(order.id)).toContain('payment-authorized');
    const before = await capture(order.id, 'GET', 200);
    expect(before).toMatchObject({ status: 'authorized', requestedAt: null, capturedAt: null });
    const left = Date.parse(before.expiresAt ?? '') - Date.parse(order.createdAt);
    expect(left / 1000 / day).toBeGreaterThan(6.9);

    const refund = { token: running.demo.appKey, body: { reason: 'broken' }, key: unique('refund') };
    expect(await send('POST', `/orders/${order.id}/refunds`, refund)).toMatchObject({
      status: 409,
      body: { code: 'order-not-refundable' },
    });
    const captured = await capture(order.id, 'POST', 200, { wait: 20 });
    expect(captured).toMatchObject({ status: 'captured', orderStatus: 'confirmed' });
    expect(await capture(order.id, 'POST', 200, {})).toEqual(captured);
    expect(await capture(order.id, 'GET', 200)).toEqual(captured);
    expect((await read(order.id)).payment).toMatchObject({ status: 'captured' });
    expect((await typesOf(order.id)).filter((type) => type === 'payment-captured')).toHaveLength(1);
    const feed = await succeed<{ data: { type: string; data: { orderId?: string } }[] }>(200, 'GET', '/events', {
      token: running.demo.appKey,
      wait: 10,
    });
    const types = feed.body.data.filter(({ data }) => data.orderId === order.id).map(({ type }) => type);
    expect(types).toEqual([
      'order.placed',
      'order.reserved',
      'payment.authorized',
      'order.confirmed',
      'payment.captured',
    ]);
  });

  test('voids what it authorized when the order is cancelled', async ({ expect }) => {
    const { id } = await place();
    await succeed(200, 'POST', `/orders/${id}/cancel`, { token, wait: 20 });
    expect(await read(id)).toMatchObject({ status: 'cancelled', payment: { status: 'voided' } });
    expect(await typesOf(id)).toContain('payment-voided');
    expect(await capture(id, 'POST', 409)).toMatchObject({ code: 'order-not-capturable' });
  });

  test('waits for its customer as any other', async ({ expect }) => {
    const placed = await succeed<Order>(202, 'POST', '/orders', {
      token,
      key: unique('order'),
      wait: 20,
      body: basket('pm_requiresAction'),
    });
    const { id } = placed.body;
    expect(placed.body.status).toBe('pending_payment');
    const outcome = { token, body: { outcome: 'complete' } };
    const settled = await succeed(200, 'POST', `/simulated-payments/${id}`, outcome);
    expect(settled.body).toEqual({ orderId: id, status: 'authorized' });
    await until(async () => (await read(id)).status === 'confirmed');
    expect((await read(id)).payment).toMatchObject({ status: 'authorized' });
  });

  test('shows a refused capture to manual review, where it is explained and can be tried again', async ({ expect }) => {
    const { id } = await place('pm_captureDeclined');
    expect(await capture(id, 'POST', 200, { wait: 20 })).toMatchObject({
      status: 'authorized',
      orderStatus: 'needs_attention',
    });
    const app = { token: running.demo.appKey };
    const list = await succeed<{ data: ReviewOrder[] }>(200, 'GET', '/manual-review/orders', app);
    expect(list.body.data.map((order) => order.id)).toContain(id);
    const explained = await succeed<{ executions: { name: string }[]; payments: { id: string }[] }>(
      200,
      'GET',
      `/manual-review/orders/${id}`,
      app,
    );
    expect(explained.body).toMatchObject({
      order: { manualReview: { reason: 'capture-failed', message: 'card_declined', steps: ['CapturePayment'] } },
      payments: [{ status: 'authorized', capturedAt: null }],
    });
    const names = explained.body.executions.map(({ name }) => name);
    expect(names).toEqual([id, `${explained.body.payments[0]!.id}-1`]);

    await succeed(202, 'POST', `/manual-review/orders/${id}/retry`, app);
    await until(async () => (await read(id)).status === 'needs_attention');
    const body = { outcome: 'cancelled', note: 'the customer gave up' };
    await succeed(200, 'POST', `/manual-review/orders/${id}/resolve`, { ...app, body });
    expect(await read(id)).toMatchObject({ status: 'cancelled', payment: { status: 'voided' } });
  });

  test('is refused where an application may not, and for orders that nobody knows', async ({ expect }) => {
    const { id } = await place();
    expect((await send('POST', `/orders/${id}/capture`, { token })).status).toBe(401);
    expect((await send('POST', `/orders/${id}/capture`)).status).toBe(401);
    const nobody = 'ord_0198c6b2f1d07a3e9c54d2a1b7e60f38';
    expect(await capture(nobody, 'POST', 404)).toMatchObject({ code: 'not-found' });
    const free = await capture(id, 'GET', 200);
    expect(free.status).toBe('authorized');
  });

  test('captures two days before the authorization ends', async ({ expect }) => {
    const { id } = await place();
    await advance(5 * day - 3600);
    expect((await read(id)).payment).toMatchObject({ status: 'authorized' });
    await advance(2 * 3600);
    await until(async () => (await read(id)).payment?.status === 'captured');
    expect(await capture(id, 'GET', 200)).toMatchObject({ status: 'captured', requestedBy: 'expiry' });
  });
});

const base = () => `http://localhost:${checkout.port}`;

const send = (method: string, path: string, options: Options = {}): Promise<Answer> =>
  patiently(() => sendOnce(method, path, { baseUrl: base(), clientId: running.demo.clientId, ...options }));

async function succeed<B>(status: number, method: string, path: string, options: Options = {}): Promise<Answer<B>> {
  const answer = await send(method, path, options);
  assert.equal(answer.status, status, `${method} ${path} gave ${answer.status}: ${answer.text}`);
  return answer as Answer<B>;
}

const capture = async (id: string, method: 'GET' | 'POST', status: number, options: Options = {}) =>
  (
    await succeed<PaymentCapture & Pick<ProblemBody, 'code'>>(status, method, `/orders/${id}/capture`, {
      token: running.demo.appKey,
      ...options,
    })
  ).body;

const advance = (seconds: number) => succeed(200, 'POST', '/test-clock/advance', { body: { seconds } });

const basket = (paymentMethod: string) => ({
  lines: [{ productId: running.demo.products[0]!.id, quantity: 1 }],
  paymentMethod,
});

const place = async (paymentMethod = 'pm_card_visa'): Promise<Order> =>
  (
    await succeed<Order>(201, 'POST', '/orders', {
      token,
      key: unique('order'),
      wait: 20,
      body: basket(paymentMethod),
    })
  ).body;

const read = async (id: string): Promise<Order> => (await succeed<Order>(200, 'GET', `/orders/${id}`, { token })).body;

const typesOf = async (id: string): Promise<string[]> =>
  (await succeed<{ data: TimelineEntry[] }>(200, 'GET', `/orders/${id}/timeline`, { token })).body.data.map(
    ({ type }) => type,
  );

async function until(met: () => Promise<boolean>): Promise<void> {
  while (!(await met())) await sleep(50);
}
