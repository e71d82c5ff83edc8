import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { explanation, type StepAttempt } from '../../lib/contract/api/manual-review.ts';
import { stopwatch } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { confirmIfReserved } from '../../lib/saga/confirm.sql.ts';
import { sweepOrders } from '../../lib/saga/sweep.ts';
import { expectInvariants } from '../support/invariants.ts';
import { setUpManualReview } from '../support/manual-review.ts';
import { type Saga, startSaga } from '../support/saga.ts';

let saga: Saga;
let operator: ReturnType<typeof setUpManualReview>;
beforeAll(async () => {
  saga = await startSaga();
  operator = setUpManualReview(saga);
});
afterEach(() => {
  saga.faults.clear();
  saga.deliveries.length = 0;
  saga.counted.length = 0;
});
afterAll(async () => {
  await expectInvariants(saga);
  await saga.stop();
});

const away = () => Promise.reject(new Error('the database is away'));
const visited = () => saga.deliveries.map(({ step }) => step);
const levelOf = async (productId: string) =>
  (await saga.owner`select on_hand, reserved from stock.levels where product_id = ${productId}`)[0];
const typesOf = async (orderId: string) =>
  (await saga.owner`select type from outbox.events where subject = ${orderId} order by id`).map(({ type }) => type);
const retryAndWait = async (orderId: string) => {
  const result = await operator.retry(orderId);
  await saga.states.idle();
  return result;
};

/** An order that was charged, whose confirmation failed, and whose compensation cannot finish while the faults last. */
async function opened(step: 'RefundPayment' | 'ReleaseStock' | 'CloseOrder' | 'AbandonOrder') {
  const productId = await saga.product(2);
  saga.fault('ConfirmOrder', away);
  saga.fault(step, away);
  const order = await saga.place([{ productId, quantity: 2 }]);
  expect(order.status).toBe('needs_attention');
  return { orderId: order.id, productId };
}

describe('an order whose compensation cannot finish', () => {
  test.each([
    ['AbandonOrder', { amount: 2000, certain: true }, 'held'],
    ['RefundPayment', { amount: 2000, certain: true }, undefined],
    ['ReleaseStock', { amount: 0, certain: true }, 'held'],
    ['CloseOrder', { amount: 0, certain: true }, undefined],
  ] as const)('because of %s says so, with the money and the stock at stake', async (step, money, state) => {
    const { orderId, productId } = await opened(step);
    const { manualReview, compensationAttempts } = await operator.order(orderId);
    expect(compensationAttempts).toBe(0);
    expect(manualReview).toMatchObject({
      attempt: 0,
      fromStatus: 'reserved',
      steps: [step],
      error: 'Error',
      message: 'the database is away',
      moneyAtStake: { ...money, currency: 'EUR' },
      execution: orderId,
      settledAt: null,
    });
    const sku = `SKU-${productId.slice(-12)}`;
    expect(manualReview?.stockAtStake).toEqual(state === undefined ? [] : [{ productId, sku, quantity: 2, state }]);
  });

  test('when refund and release fail, names both', async () => {
    saga.fault('RefundPayment', away);
    const { orderId } = await opened('ReleaseStock');
    expect((await operator.order(orderId)).manualReview).toMatchObject({
      steps: ['RefundPayment', 'ReleaseStock'],
      moneyAtStake: { amount: 2000, certain: false },
    });
  });
});

describe('a retry', () => {
  test.each(['AbandonOrder', 'RefundPayment', 'ReleaseStock', 'CloseOrder'] as const)(
    'after %s is back ends the order failed, with nothing kept',
    async (step) => {
      const { orderId, productId } = await opened(step);
      saga.faults.clear();
      saga.deliveries.length = 0;
      const { order } = await retryAndWait(orderId);
      expect(order).toMatchObject({
        status: 'reserved',
        compensationAttempts: 1,
        manualReview: { settledHow: 'retried' },
      });
      expect(visited()).toEqual(['RefundPayment', 'ReleaseStock', 'CloseOrder']);
      expect(await saga.order(orderId)).toMatchObject({ status: 'failed', payment: { status: 'refunded' } });
      expect(await levelOf(productId)).toEqual({ onHand: 2, reserved: 0 });
      expect(await typesOf(orderId)).toEqual(['order.placed', 'order.reserved', 'order.in_review', 'order.failed']);
    },
  );

  test('of a cancellation ends it cancelled', async () => {
    const productId = await saga.product(1);
    const { id } = await saga.place([{ productId, quantity: 1 }]);
    saga.fault('ReleaseStock', away);
    await saga.cancel(id);
    await saga.states.idle();
    expect((await operator.order(id)).manualReview).toMatchObject({
      fromStatus: 'cancelling',
      execution: `${id}-cancellation`,
      stockAtStake: [{ productId, state: 'committed' }],
    });
    saga.faults.clear();
    await retryAndWait(id);
    expect(await saga.order(id)).toMatchObject({ status: 'cancelled', payment: { status: 'refunded' }, failure: null });
    expect(await levelOf(productId)).toEqual({ onHand: 1, reserved: 0 });
  });

  test('that fails puts the order into manual review again, each time with its own event, until one succeeds', async () => {
    const { orderId } = await opened('RefundPayment');
    for (const attempt of [1, 2]) {
      await retryAndWait(orderId);
      expect(await operator.order(orderId)).toMatchObject({
        status: 'needs_attention',
        compensationAttempts: attempt,
        manualReview: {
          attempt,
          steps: ['RefundPayment'],
          execution: `${orderId}-retry-${attempt}`,
          settledAt: null,
        },
      });
    }
    saga.faults.clear();
    await retryAndWait(orderId);
    expect(await saga.order(orderId)).toMatchObject({ status: 'failed', payment: { status: 'refunded' } });
    expect(await typesOf(orderId)).toEqual([
      'order.placed',
      'order.reserved',
      ...Array(3).fill('order.in_review'),
      'order.failed',
    ]);
    const rows = await saga.owner`
      select attempt, settled_how from orders.manual_reviews where order_id = ${orderId} order by attempt`;
    expect(rows.map(({ attempt, settledHow }) => [attempt, settledHow])).toEqual([
      [0, 'retried'],
      [1, 'retried'],
      [2, 'retried'],
    ]);
  });

  test('of an order whose charge was never answered keeps no money when the provider answers again', async () => {
    const productId = await saga.product(1);
    saga.fault('ChargePayment', async (next) => {
      await next();
      throw Object.assign(new Error('no answer'), { name: 'OutcomeUnknown' });
    });
    saga.fault('RefundPayment', away);
    const order = await saga.place([{ productId, quantity: 1 }]);
    expect(order).toMatchObject({ status: 'needs_attention', payment: null, failure: { code: 'payment-unknown' } });
    saga.faults.clear();
    await retryAndWait(order.id);
    expect(await saga.order(order.id)).toMatchObject({ status: 'failed', payment: { status: 'refunded' } });
  });

  test('refuses a late confirmation while the compensation runs', async () => {
    const { orderId } = await opened('RefundPayment');
    saga.faults.clear();
    let late: unknown;
    saga.fault('RefundPayment', async (next) => {
      late = await confirmIfReserved(saga.saga, {
        orderId,
        paymentId: newId('payment', saga.clock),
        eventId: newId('event', saga.clock),
        paymentEventId: newId('event', saga.clock),
        provider: 'simulated',
        reference: `late_${orderId}`,
        at: new Date(),
      }).catch((error: unknown) => error);
      return next();
    });
    await retryAndWait(orderId);
    expect(late).toMatchObject({ name: 'OrderNotActive' });
    expect((await saga.order(orderId)).status).toBe('failed');
  });

  test('is not stopped by a late delivery of the request for manual review before it', async () => {
    let late: (() => Promise<unknown>) | undefined;
    saga.fault('RequestManualReview', (next) => {
      late = next;
      return next();
    });
    const { orderId } = await opened('RefundPayment');
    const openAgain = late!;
    saga.faults.clear();
    saga.fault('RefundPayment', async (next) => {
      expect(await openAgain()).toEqual({ status: 'reserved' });
      expect((await saga.order(orderId)).status).toBe('reserved');
      return next();
    });
    await retryAndWait(orderId);
    expect((await saga.order(orderId)).status).toBe('failed');
  });

  test('whose saga cannot be started now is started by the sweeper, and in manual review when it ends without ending the order', async () => {
    const { orderId } = await opened('RefundPayment');
    saga.faults.clear();
    const { startError } = await operator.retry(orderId, {
      startCompensating: () => Promise.reject(new Error('away')),
    });
    expect(String(startError)).toContain('away');
    const asked: unknown[] = [];
    const sweep = (state: string) =>
      sweepOrders({
        sql: saga.saga,
        clock: { now: () => Date.now() + 61_000 },
        stopwatch,
        untilMs: Number.POSITIVE_INFINITY,
        reservationSeconds: 900,
        resumeSaga: saga.resumeSaga,
        quietSeconds: 60,
        startPlacing: saga.startPlacing,
        startCompensating: saga.startCompensating,
        onError: (_, error) => {
          throw error;
        },
        describeExecution: async (of) => {
          asked.push(of);
          return state;
        },
      });
    expect(await sweep('ABORTED')).toMatchObject({ opened: 1 });
    expect(asked).toEqual([{ machine: 'compensating', name: `${orderId}-retry-1` }]);
    expect((await operator.order(orderId)).manualReview).toMatchObject({
      attempt: 1,
      reason: 'saga-ended',
      steps: [],
      error: 'SagaEnded',
      message: 'The execution ended ABORTED without ending the order.',
      moneyAtStake: { amount: 2000, certain: false },
      execution: `${orderId}-retry-1`,
    });
    await operator.retry(orderId, { startCompensating: () => Promise.reject(new Error('away')) });
    expect(await sweep('none')).toMatchObject({ started: 1 });
    await saga.states.idle();
    expect((await saga.order(orderId)).status).toBe('failed');
  });
});

test('an explanation shows the executions with every attempt, and all that the database keeps', async () => {
  const productId = await saga.product(1);
  const { id } = await saga.place([{ productId, quantity: 1 }], { paymentMethod: 'pm_timeoutAlways' });
  await retryAndWait(id);
  const told = await operator.explain(id);
  expect(z.parse(explanation, told)).toEqual(told);
  expect(told.executions?.map(({ name, status, complete }) => [name, status, complete])).toEqual([
    [id, 'FAILED', true],
    [`${id}-retry-1`, 'FAILED', true],
  ]);
  const [first, second] = told.executions!;
  const inShort = (attempts: StepAttempt[]) =>
    attempts.map(({ state, attempt, result, error }) => `${state} ${attempt} ${result} ${error ?? ''}`.trim());
  expect(inShort(first!.attempts)).toEqual([
    'ReserveStock 1 succeeded',
    ...[1, 2, 3, 4].map((n) => `ChargePayment ${n} failed OutcomeUnknown`),
    ...[1, 2, 3, 4, 5].map((n) => `RefundPayment ${n} failed OutcomeUnknown`),
    'ReleaseStock 1 succeeded',
    'RequestManualReview 1 succeeded',
  ]);
  expect(inShort(second!.attempts).at(-1)).toBe('RequestManualReview 1 succeeded');
  expect(first!.attempts[1]?.message).toContain('did not answer');
  expect(JSON.stringify(told.executions)).not.toContain('paymentMethod');
  expect(told.manualReview.map(({ attempt, settledHow }) => [attempt, settledHow])).toEqual([
    [0, 'retried'],
    [1, null],
  ]);
  expect(told.stockMovements.map(({ kind }) => kind)).toEqual(['reservation', 'release']);
  expect(told.reservations).toMatchObject([{ productId, state: 'released' }]);
  expect(told.events.map(({ type }) => type)).toEqual([
    'order.placed',
    'order.reserved',
    'order.in_review',
    'order.in_review',
  ]);
  expect(told.actions.map(({ action, keyId }) => [action, keyId])).toEqual([
    ['retry', operator.keyId],
    ['read', operator.keyId],
  ]);
  expect(told.requests.map(({ what }) => what)).toEqual(['retry', 'read']);
  expect(told.timeline.at(-1)).toMatchObject({ type: 'status-changed', detail: { to: 'needs_attention' } });
  await operator.resolve(id);
});
