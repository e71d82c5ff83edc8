import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { stopwatch } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { type SweepCapturesDeps, sweepCaptures } from '../../lib/saga/sweep-captures.ts';
import { claimCapture } from '../../lib/shop/payments/captures.sql.ts';
import { type CaptureDeps, findCapture, requestCapture } from '../../lib/shop/payments/captures.ts';
import { expectInvariants } from '../support/invariants.ts';
import { setUpManualReview } from '../support/manual-review.ts';
import { poolOptions, type Saga, startSaga } from '../support/saga.ts';

let saga: Saga;
let review: ReturnType<typeof setUpManualReview>;
let productId: string;
let sql: Saga['api'];
beforeAll(async () => {
  saga = await startSaga();
  review = setUpManualReview(saga);
  productId = await saga.product(1000, 1000);
  sql = saga.connect('refunds_api', poolOptions);
});
afterEach(async () => {
  saga.faults.clear();
  await saga.states.idle();
  await expectInvariants(saga);
});
afterAll(async () => {
  await sql.end();
  await saga.stop();
});

const day = 24 * 3600_000;
const place = (paymentMethod = 'pm_card_visa') =>
  saga.place([{ productId, quantity: 3 }], { captureAt: 'shipment', paymentMethod });
const keys = () => ({ table: 'payments.idempotency_keys' as const, clock: saga.clock, keepSeconds: 48 * 3600 });

type Asked = { key?: string; startCapturing?: CaptureDeps['startCapturing'] };
function ask(orderId: string, { key, startCapturing = saga.startCapturing }: Asked = {}) {
  const claim = { caller: 'app:key', key, operation: 'request-capture', fingerprint: orderId };
  return requestCapture({ sql, clock: saga.clock, keys: keys(), startCapturing }, claim, {
    orderId,
    requestedBy: 'app:key',
  });
}
const capture = async (orderId: string) => {
  const { answer } = await ask(orderId);
  await saga.states.idle();
  return answer;
};
const charge = async (orderId: string) => {
  const { charges } = await saga.gateway.listCharges({ from: 0, to: saga.clock.now() + 1000 });
  return charges.find((each) => each.orderId === orderId);
};
const sweep = (later = 0, deps: Partial<SweepCapturesDeps> = {}) =>
  sweepCaptures({
    sql: saga.saga,
    clock: { now: () => saga.clock.now() + later },
    startCapturing: saga.startCapturing,
    describeExecution: saga.describeExecution,
    onError: (_, error) => {
      throw error;
    },
    quietSeconds: 60,
    expiryMarginSeconds: 2 * 24 * 3600,
    expiryAction: 'capture',
    stopwatch,
    untilMs: Number.POSITIVE_INFINITY,
    ...deps,
  });
const entries = async (orderId: string) =>
  (await saga.owner`select type from orders.timeline where order_id = ${orderId} order by version, entry`).map(
    ({ type }) => type,
  );
const payment = async (orderId: string) =>
  (
    await saga.owner`
      select status, authorized_at, expires_at, captured_at, voided_at, capture_attempt, capture_requested_by
      from payments.payments where order_id = ${orderId}`
  )[0]!;
const reviews = async (orderId: string) =>
  (await saga.owner`
    select attempt, reason, steps, error, message, money_at_stake, money_certain, from_status, settled_how
    from orders.manual_reviews where order_id = ${orderId} order by attempt`) as unknown as Record<string, unknown>[];

describe('an order that is captured at shipment', () => {
  test('is confirmed with its payment authorized, and nothing is taken', async () => {
    const order = await place();
    expect(order).toMatchObject({ status: 'confirmed', payment: { status: 'authorized', refunded: { amount: 0 } } });
    expect(await charge(order.id)).toMatchObject({ status: 'authorized', amount: 3000 });
    expect((await payment(order.id)).expiresAt.getTime() - saga.clock.now()).toBeGreaterThan(6 * day);
    expect(await entries(order.id)).toContain('payment-authorized');
    expect(await entries(order.id)).not.toContain('payment-captured');
  });

  test('waits for its customer as any other, and is authorized after that', async () => {
    const { settleSimulated } = await import('../../lib/shop/payments/simulated.dynamo.ts');
    const { id } = await saga.place([{ productId, quantity: 1 }], {
      captureAt: 'shipment',
      paymentMethod: 'pm_requiresAction',
      wait: false,
    });
    while ((await saga.order(id)).status !== 'pending_payment') await new Promise((go) => setTimeout(go, 5));
    const store = { client: saga.dynamo.documents, table: 'charges' };
    expect(await settleSimulated(store, id, 'complete')).toBe('authorized');
    await saga.resumeSaga(id);
    await saga.states.idle();
    expect(await saga.order(id)).toMatchObject({ status: 'confirmed', payment: { status: 'authorized' } });
  });

  test('is captured once when somebody asks, however often', async () => {
    const { id } = await place();
    expect(await capture(id)).toMatchObject({ status: 202 });
    expect(await saga.order(id)).toMatchObject({ status: 'confirmed', payment: { status: 'captured' } });
    expect(await charge(id)).toMatchObject({ status: 'captured', amount: 3000 });
    expect(await capture(id)).toMatchObject({ status: 200 });
    expect(await payment(id)).toMatchObject({ captureAttempt: 1, captureRequestedBy: 'app:key' });
    expect((await entries(id)).filter((type) => type === 'payment-captured')).toHaveLength(1);
    expect(await findCapture(sql as never, id)).toMatchObject({ status: 'captured', orderStatus: 'confirmed' });
  });

  test('has its payment voided when it is cancelled, and then it cannot be captured', async () => {
    const { id } = await place();
    await saga.cancel(id);
    await saga.states.idle();
    expect(await saga.order(id)).toMatchObject({
      status: 'cancelled',
      payment: { status: 'voided', refunded: { amount: 0 } },
    });
    expect(await charge(id)).toMatchObject({ status: 'voided' });
    await expect(ask(id)).rejects.toMatchObject({
      code: 'order-not-capturable',
      message: 'The payment is voided.',
    });
  });

  test('is refunded when it is cancelled after its capture', async () => {
    const { id } = await place();
    await capture(id);
    await saga.cancel(id);
    await saga.states.idle();
    expect(await saga.order(id)).toMatchObject({ status: 'cancelled', payment: { status: 'refunded' } });
    expect(await charge(id)).toMatchObject({ status: 'captured', refundedAmount: 3000 });
  });

  test('has nothing to give back in parts before its capture', async () => {
    const { claimRefund } = await import('../../lib/shop/payments/refunds.sql.ts');
    const { id } = await place();
    const request = { id: newId('refund', saga.clock), orderId: id, amount: 100, reason: 'broken', requestedBy: 'app' };
    const claimed = await sql.begin((tx) => claimRefund(tx, { ...request, at: new Date(saga.clock.now()) }));
    expect(claimed).toEqual({ outcome: 'not-refundable', status: 'confirmed' });
  });
});

describe('an order that is charged at checkout', () => {
  test('has nothing to capture', async () => {
    const { id } = await saga.place([{ productId, quantity: 1 }]);
    expect(await ask(id)).toMatchObject({ answer: { status: 200 } });
    const pending = await saga.place([{ productId, quantity: 1 }], { start: false });
    await expect(ask(pending.id)).rejects.toMatchObject({ code: 'not-found' });
    await saga.startPlacing({ orderId: pending.id, amount: 1000, currency: 'EUR', paymentMethod: 'pm_card_visa' });
    await saga.states.idle();
    await expect(ask(newId('order', saga.clock))).rejects.toMatchObject({ code: 'not-found' });
  });
});

describe('a capture that a shipment asks for', () => {
  test('is requested in its transaction, and started by the sweeper if nobody else does', async () => {
    const { id } = await place();
    const at = new Date(saga.clock.now());
    const toMake = await saga.saga.begin((tx) => claimCapture(tx, { orderId: id, by: 'shipment', at }));
    expect(toMake).toMatchObject({ orderId: id, amount: 3000, attempt: 1 });
    expect(await saga.saga.begin((tx) => claimCapture(tx, { orderId: id, by: 'shipment', at }))).toBeUndefined();
    await saga.owner`update orders.orders set correlation_id = 'req_of_order' where id = ${id}`;
    expect(await sweep(30_000)).toMatchObject({ late: 0 });
    saga.deliveries.length = 0;
    expect(await sweep(61_000)).toMatchObject({ late: 1 });
    await saga.states.idle();
    for (const { correlationId } of saga.deliveries) expect(correlationId).toBe('req_of_order');
    expect(await saga.order(id)).toMatchObject({ payment: { status: 'captured' } });
  });
});

describe('a capture that the provider refuses', () => {
  test('puts the order into manual review, and a retry there captures it', async () => {
    const { id } = await place();
    const { captureRefused } = await import('../../lib/shop/payments/gateway.ts');
    saga.fault('CapturePayment', () => Promise.reject(captureRefused('card_declined')));
    await capture(id);
    expect(await saga.order(id)).toMatchObject({
      status: 'needs_attention',
      failure: { code: 'capture-failed' },
      payment: { status: 'authorized' },
    });
    expect(await reviews(id)).toMatchObject([
      {
        attempt: 0,
        reason: 'capture-failed',
        steps: ['CapturePayment'],
        error: 'CaptureRefused',
        message: 'card_declined',
        moneyAtStake: 3000,
        moneyCertain: true,
        fromStatus: 'confirmed',
      },
    ]);
    await expect(ask(id)).rejects.toMatchObject({
      message: 'The order is in manual review. Retry it there.',
    });

    await review.retry(id);
    await saga.states.idle();
    expect(await reviews(id)).toMatchObject([{ settledHow: 'retried' }, { attempt: 1, settledHow: null }]);
    saga.faults.clear();
    await review.retry(id);
    await saga.states.idle();
    const order = await saga.order(id);
    expect(order).toMatchObject({ status: 'confirmed', failure: null, payment: { status: 'captured' } });
    expect(await payment(id)).toMatchObject({ captureAttempt: 3 });
  });

  test('ends cancelled and voided when a person resolves the order so', async () => {
    const { id } = await place('pm_captureDeclined');
    await capture(id);
    expect((await saga.order(id)).status).toBe('needs_attention');
    await saga.gateway.compensate({ orderId: id, amount: 3000, currency: 'EUR' });
    await review.resolve(id, { outcome: 'cancelled' });
    expect(await saga.order(id)).toMatchObject({ status: 'cancelled', payment: { status: 'voided' } });
  });

  test('of an order in manual review is no compensation that the sweeper retries', async () => {
    const { retryCompensations } = await import('../../lib/saga/retry-compensation.ts');
    const { id } = await place('pm_captureDeclined');
    await capture(id);
    const later = { now: () => saga.clock.now() + 6 * 3600_000 };
    const retried = await retryCompensations({
      sql: saga.saga as never,
      clock: later,
      startCompensating: saga.startCompensating,
      onError: () => {},
      stopwatch,
      untilMs: Number.POSITIVE_INFINITY,
    });
    expect(retried).toBe(0);
    expect((await saga.order(id)).status).toBe('needs_attention');
    await saga.gateway.compensate({ orderId: id, amount: 3000, currency: 'EUR' });
    await review.resolve(id, { outcome: 'cancelled' });
  });
});

describe('a capture that the provider never answers', () => {
  test('is asked for again after 15, 45 and 105 minutes, and then a person looks at the order', async () => {
    const { id } = await place('pm_captureTimeoutAlways');
    await capture(id);
    for (const [minutes, before] of [
      [16, 14],
      [46, 44],
      [106, 104],
    ] as const) {
      expect(await sweep(before * 60_000)).toMatchObject({ late: 0, opened: {} });
      expect(await sweep(minutes * 60_000)).toMatchObject({ late: 1, opened: {} });
      await saga.states.idle();
    }
    expect(await payment(id)).toMatchObject({ captureAttempt: 4, status: 'authorized' });
    expect(await sweep(240 * 60_000)).toEqual({ late: 0, expired: 0, opened: { 'capture-failed': 1 } });
    expect(await reviews(id)).toMatchObject([{ reason: 'capture-failed', moneyCertain: false, error: 'CaptureOpen' }]);
    await saga.gateway.compensate({ orderId: id, amount: 3000, currency: 'EUR' });
    await review.resolve(id, { outcome: 'cancelled' });
  });

  test('whose answer was lost is found captured by the next attempt', async () => {
    const { id } = await place();
    saga.fault('CapturePayment', async (next, delivery) => {
      const answer = await next();
      if (delivery <= 7) throw Object.assign(new Error('lost'), { name: 'OutcomeUnknown' });
      return answer;
    });
    await capture(id);
    expect(await charge(id)).toMatchObject({ status: 'captured' });
    expect(await saga.order(id)).toMatchObject({ payment: { status: 'authorized' } });
    await sweep(16 * 60_000);
    await saga.states.idle();
    expect(await saga.order(id)).toMatchObject({ status: 'confirmed', payment: { status: 'captured' } });
  });
});

describe('an authorization that ends soon', () => {
  test('is captured two days before, by default', async () => {
    await sweep(5.1 * day);
    const { id } = await place();
    await saga.owner`update orders.orders set correlation_id = 'req_of_order' where id = ${id}`;
    expect(await sweep(4.9 * day)).toMatchObject({ expired: 0 });
    saga.deliveries.length = 0;
    expect(await sweep(5.1 * day)).toMatchObject({ expired: 1 });
    expect(await sweep(5.1 * day)).toMatchObject({ expired: 0 });
    await saga.states.idle();
    expect(saga.deliveries[0]).toMatchObject({ step: 'CapturePayment', correlationId: 'req_of_order' });
    expect(await saga.order(id)).toMatchObject({ payment: { status: 'captured' } });
    expect(await payment(id)).toMatchObject({ captureRequestedBy: 'expiry' });
  });

  test('goes to manual review where the shop wants that, from where it can be captured', async () => {
    const { id } = await place();
    expect(await sweep(5.1 * day, { expiryAction: 'review' })).toMatchObject({
      opened: { 'authorization-expiring': 1 },
    });
    expect(await sweep(5.1 * day, { expiryAction: 'review' })).toMatchObject({ opened: {} });
    expect(await saga.order(id)).toMatchObject({
      status: 'needs_attention',
      failure: { code: 'authorization-expiring' },
    });
    await review.retry(id);
    await saga.states.idle();
    expect(await saga.order(id)).toMatchObject({ status: 'confirmed', payment: { status: 'captured' } });
  });

  test('cannot be captured once it has ended', async () => {
    const { id } = await place();
    saga.clock.advance(8 * day);
    await capture(id);
    expect(await reviews(id)).toMatchObject([{ message: 'authorization_expired' }]);
    expect(await charge(id)).toMatchObject({ status: 'voided' });
    await saga.gateway.compensate({ orderId: id, amount: 3000, currency: 'EUR' });
    await review.resolve(id, { outcome: 'cancelled' });
  });
});

test('a capture and a cancellation at once leave either nothing or a refund', async () => {
  const ends = new Set<string>();
  for (let round = 0; round < 6; round++) {
    const { id } = await place();
    await Promise.all([ask(id).catch(() => {}), saga.cancel(id)]);
    await saga.states.idle();
    const { status, payment: paid } = await saga.order(id);
    expect(status).toBe('cancelled');
    expect(['voided', 'refunded']).toContain(paid?.status);
    ends.add(paid?.status ?? '');
  }
  expect(ends.size).toBeGreaterThan(0);
});
