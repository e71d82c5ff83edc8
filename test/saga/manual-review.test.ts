import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { explanation, type StepAttempt } from '../../lib/contract/api/manual-review.ts';
import { stopwatch } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { confirmIfReserved } from '../../lib/saga/confirm.sql.ts';
import { sweepOrders } from '../../lib/saga/sweep.ts';
import { openDesk } from '../support/manual-review.ts';
import { expectInvariants } from '../support/invariants.ts';
import { type Saga, startSaga } from '../support/saga.ts';

let saga: Saga;
let desk: ReturnType<typeof openDesk>;
beforeAll(async () => {
  saga = await startSaga();
  desk = openDesk(saga);
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
  const result = await desk.retry(orderId);
  await saga.states.idle();
  return result;
};

/** An order that was charged, whose confirmation failed, and whose undo cannot finish while the faults last. */
async function flagged(step: 'RefundPayment' | 'ReleaseStock' | 'CloseOrder' | 'AbandonOrder') {
  const productId = await saga.product(2);
  saga.fault('ConfirmOrder', away);
  saga.fault(step, away);
  const order = await saga.place([{ productId, quantity: 2 }]);
  expect(order.status).toBe('needs_attention');
  return { orderId: order.id, productId };
}

describe('an order whose undo cannot finish', () => {
  test.each([
    ['AbandonOrder', { amount: 2000, certain: true }, 'held'],
    ['RefundPayment', { amount: 2000, certain: true }, undefined],
    ['ReleaseStock', { amount: 0, certain: true }, 'held'],
    ['CloseOrder', { amount: 0, certain: true }, undefined],
  ] as const)('because of %s says so, with the money and the stock at stake', async (step, money, state) => {
    const { orderId, productId } = await flagged(step);
    const { attention, undoAttempts } = await desk.order(orderId);
    expect(undoAttempts).toBe(0);
    expect(attention).toMatchObject({
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
    expect(attention?.stockAtStake).toEqual(state === undefined ? [] : [{ productId, sku, quantity: 2, state }]);
  });

  test('when refund and release fail, names both', async () => {
    saga.fault('RefundPayment', away);
    const { orderId } = await flagged('ReleaseStock');
    expect((await desk.order(orderId)).attention).toMatchObject({
      steps: ['RefundPayment', 'ReleaseStock'],
      moneyAtStake: { amount: 2000, certain: false },
    });
  });
});

describe('a retry', () => {
  test.each(['AbandonOrder', 'RefundPayment', 'ReleaseStock', 'CloseOrder'] as const)(
    'after %s is back ends the order failed, with nothing kept',
    async (step) => {
      const { orderId, productId } = await flagged(step);
      saga.faults.clear();
      saga.deliveries.length = 0;
      const { order } = await retryAndWait(orderId);
      expect(order).toMatchObject({ status: 'reserved', undoAttempts: 1, attention: { settledHow: 'retried' } });
      expect(visited()).toEqual(['RefundPayment', 'ReleaseStock', 'CloseOrder']);
      expect(await saga.order(orderId)).toMatchObject({ status: 'failed', payment: { status: 'refunded' } });
      expect(await levelOf(productId)).toEqual({ onHand: 2, reserved: 0 });
      expect(await typesOf(orderId)).toEqual(['order.placed', 'order.needs_attention', 'order.failed']);
    },
  );

  test('of a cancellation ends it cancelled', async () => {
    const productId = await saga.product(1);
    const { id } = await saga.place([{ productId, quantity: 1 }]);
    saga.fault('ReleaseStock', away);
    await saga.cancel(id);
    await saga.states.idle();
    expect((await desk.order(id)).attention).toMatchObject({
      fromStatus: 'cancelling',
      execution: `${id}-cancel`,
      stockAtStake: [{ productId, state: 'committed' }],
    });
    saga.faults.clear();
    await retryAndWait(id);
    expect(await saga.order(id)).toMatchObject({ status: 'cancelled', payment: { status: 'refunded' }, failure: null });
    expect(await levelOf(productId)).toEqual({ onHand: 1, reserved: 0 });
  });

  test('that fails puts the order before a person again, each time with its own event, until one gets through', async () => {
    const { orderId } = await flagged('RefundPayment');
    for (const attempt of [1, 2]) {
      await retryAndWait(orderId);
      expect(await desk.order(orderId)).toMatchObject({
        status: 'needs_attention',
        undoAttempts: attempt,
        attention: { attempt, steps: ['RefundPayment'], execution: `${orderId}-undo-${attempt}`, settledAt: null },
      });
    }
    saga.faults.clear();
    await retryAndWait(orderId);
    expect(await saga.order(orderId)).toMatchObject({ status: 'failed', payment: { status: 'refunded' } });
    expect(await typesOf(orderId)).toEqual(['order.placed', ...Array(3).fill('order.needs_attention'), 'order.failed']);
    const rows = await saga.owner`
      select attempt, settled_how from orders.attention where order_id = ${orderId} order by attempt`;
    expect(rows.map(({ attempt, settledHow }) => [attempt, settledHow])).toEqual([
      [0, 'retried'],
      [1, 'retried'],
      [2, 'retried'],
    ]);
  });

  test('of an order whose charge nobody answered for keeps no money when the provider is back', async () => {
    const productId = await saga.product(1);
    saga.fault('ChargePayment', async (next) => {
      await next();
      throw Object.assign(new Error('no answer'), { name: 'AnswerLost' });
    });
    saga.fault('RefundPayment', away);
    const order = await saga.place([{ productId, quantity: 1 }]);
    expect(order).toMatchObject({ status: 'needs_attention', payment: null, failure: { code: 'payment-unknown' } });
    saga.faults.clear();
    await retryAndWait(order.id);
    expect(await saga.order(order.id)).toMatchObject({ status: 'failed', payment: { status: 'refunded' } });
  });

  test('lets no late confirmation through while the undo runs', async () => {
    const { orderId } = await flagged('RefundPayment');
    saga.faults.clear();
    let late: unknown;
    saga.fault('RefundPayment', async (next) => {
      late = await confirmIfReserved(saga.saga, {
        orderId,
        paymentId: newId('payment', saga.clock),
        eventId: newId('event', saga.clock),
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

  test('is not stopped by a late delivery of the flag before it', async () => {
    let late: (() => Promise<unknown>) | undefined;
    saga.fault('FlagOrder', (next) => {
      late = next;
      return next();
    });
    const { orderId } = await flagged('RefundPayment');
    const flagAgain = late!;
    saga.faults.clear();
    saga.fault('RefundPayment', async (next) => {
      expect(await flagAgain()).toEqual({ status: 'reserved' });
      expect((await saga.order(orderId)).status).toBe('reserved');
      return next();
    });
    await retryAndWait(orderId);
    expect((await saga.order(orderId)).status).toBe('failed');
  });

  test('whose saga cannot be started now is started by the sweeper, and flagged when it ends without ending the order', async () => {
    const { orderId } = await flagged('RefundPayment');
    saga.faults.clear();
    const { startError } = await desk.retry(orderId, { startSaga: () => Promise.reject(new Error('away')) });
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
        startSaga: saga.startOrder,
        onError: (_, error) => {
          throw error;
        },
        describeSaga: async (of) => {
          asked.push(of);
          return state;
        },
      });
    expect(await sweep('ABORTED')).toMatchObject({ flagged: 1 });
    expect(asked).toEqual([expect.objectContaining({ orderId, intent: 'undo', attempt: 1 })]);
    expect((await desk.order(orderId)).attention).toMatchObject({
      attempt: 1,
      reason: 'saga-ended',
      steps: [],
      error: 'SagaEnded',
      message: 'The execution ended ABORTED without ending the order.',
      moneyAtStake: { amount: 2000, certain: false },
      execution: `${orderId}-undo-1`,
    });
    await desk.retry(orderId, { startSaga: () => Promise.reject(new Error('away')) });
    expect(await sweep('none')).toMatchObject({ started: 1 });
    await saga.states.idle();
    expect((await saga.order(orderId)).status).toBe('failed');
  });
});

test('an explanation tells the executions with every attempt, and all that the database keeps', async () => {
  const productId = await saga.product(1);
  const { id } = await saga.place([{ productId, quantity: 1 }], { paymentMethod: 'pm_timeoutAlways' });
  await retryAndWait(id);
  const told = await desk.explain(id);
  expect(z.parse(explanation, told)).toEqual(told);
  expect(told.executions?.map(({ name, status, complete }) => [name, status, complete])).toEqual([
    [id, 'FAILED', true],
    [`${id}-undo-1`, 'FAILED', true],
  ]);
  const [first, second] = told.executions!;
  const inShort = (attempts: StepAttempt[]) =>
    attempts.map(({ state, attempt, result, error }) => `${state} ${attempt} ${result} ${error ?? ''}`.trim());
  expect(inShort(first!.attempts)).toEqual([
    'ReserveStock 1 succeeded',
    ...[1, 2, 3, 4].map((n) => `ChargePayment ${n} failed AnswerLost`),
    ...[1, 2, 3, 4, 5].map((n) => `RefundPayment ${n} failed AnswerLost`),
    'ReleaseStock 1 succeeded',
    'FlagOrder 1 succeeded',
  ]);
  expect(inShort(second!.attempts).at(-1)).toBe('FlagOrder 1 succeeded');
  expect(first!.attempts[1]?.message).toContain('did not answer');
  expect(JSON.stringify(told.executions)).not.toContain('paymentMethod');
  expect(told.attention.map(({ attempt, settledHow }) => [attempt, settledHow])).toEqual([
    [0, 'retried'],
    [1, null],
  ]);
  expect(told.stockMovements.map(({ kind }) => kind)).toEqual(['reservation', 'release']);
  expect(told.reservations).toMatchObject([{ productId, state: 'released' }]);
  expect(told.events.map(({ type }) => type)).toEqual([
    'order.placed',
    'order.needs_attention',
    'order.needs_attention',
  ]);
  expect(told.actions.map(({ action, keyId }) => [action, keyId])).toEqual([
    ['retry', desk.keyId],
    ['read', desk.keyId],
  ]);
  expect(told.requests.map(({ what }) => what)).toEqual(['retry', 'read']);
  expect(told.timeline.at(-1)).toMatchObject({ type: 'status-changed', detail: { to: 'needs_attention' } });
  await desk.resolve(id);
});
