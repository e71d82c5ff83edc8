import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { requestManualReview } from '../../lib/saga/compensate.sql.ts';
import { reserveAllOrNothing } from '../../lib/saga/reserve.sql.ts';
import { expectInvariants } from '../support/invariants.ts';
import { setUpManualReview } from '../support/manual-review.ts';
import { releaseFailed } from '../support/opening-reviews.ts';
import { type Saga, startSaga } from '../support/saga.ts';

let saga: Saga;
let operator: ReturnType<typeof setUpManualReview>;
beforeAll(async () => {
  saga = await startSaga();
  operator = setUpManualReview(saga);
});
afterEach(() => saga.faults.clear());
afterAll(async () => {
  await expectInvariants(saga);
  await saga.stop();
});

const at = new Date();
const openReview = (orderId: string) =>
  requestManualReview(saga.saga, {
    orderId,
    eventId: newId('event', saga.clock),
    reason: 'compensation-failed',
    detail: 'x',
    at,
    ...releaseFailed(orderId),
  });
const place = async ({ reserved = true } = {}) => {
  const productId = await saga.product(1);
  const { id } = await saga.place([{ productId, quantity: 1 }], { start: false });
  if (reserved)
    await reserveAllOrNothing(saga.saga, {
      eventId: newId('event', systemClock),
      orderId: id,
      at,
      expiresAt: new Date(Date.now() + 900_000),
    });
  return { orderId: id, productId };
};
const opened = async (options?: { reserved: boolean }) => {
  const placed = await place(options);
  expect(await openReview(placed.orderId)).toMatchObject({ opened: true });
  return placed;
};
/** A confirmed order whose cancellation could neither refund nor return anything. */
const cancellationInReview = async () => {
  const productId = await saga.product(1);
  const { id } = await saga.place([{ productId, quantity: 1 }]);
  saga.fault('RefundPayment', () => Promise.reject(new Error('away')));
  saga.fault('ReleaseStock', () => Promise.reject(new Error('away')));
  await saga.cancel(id);
  await saga.states.idle();
  expect((await saga.order(id)).status).toBe('needs_attention');
  saga.faults.clear();
  return { orderId: id, productId };
};
const levelOf = async (productId: string) =>
  (await saga.owner`select on_hand, reserved from stock.levels where product_id = ${productId}`)[0];
const actionsOf = async (orderId: string) =>
  (
    await saga.owner`select action, outcome, note from audit.operator_actions where order_id = ${orderId} order by id`
  ).map((row) => ({ ...row }));
const statuses = (results: PromiseSettledResult<unknown>[]) =>
  results.map((one) => (one.status === 'fulfilled' ? 'done' : one.reason.code)).sort();

describe('a retry', () => {
  test('two concurrent retries are one', async () => {
    const { orderId } = await opened();
    const results = await Promise.allSettled([operator.retry(orderId), operator.retry(orderId)]);
    expect(statuses(results)).toEqual(['done', 'order-not-in-review']);
    await saga.states.idle();
    expect(await operator.order(orderId)).toMatchObject({ status: 'failed', compensationAttempts: 1 });
    expect(await actionsOf(orderId)).toEqual([{ action: 'retry', outcome: null, note: null }]);
  });

  test('repeated with its key, gets the first answer and starts nothing', async () => {
    const { orderId } = await opened();
    const first = await operator.retry(orderId, { key: 'retry-1' });
    await saga.states.idle();
    const again = await operator.retry(orderId, { key: 'retry-1' });
    expect([again.replayed, again.answer.body]).toEqual([true, first.answer.body]);
    expect(await operator.order(orderId)).toMatchObject({ status: 'failed', compensationAttempts: 1 });
  });

  test('of an order that was still pending charges and reserves nothing', async () => {
    const { orderId, productId } = await opened({ reserved: false });
    const { order } = await operator.retry(orderId);
    expect(order.status).toBe('pending');
    const late = reserveAllOrNothing(saga.saga, { eventId: newId('event', systemClock), orderId, at, expiresAt: at });
    await expect(late).rejects.toMatchObject({ name: 'OrderNotActive' });
    await saga.states.idle();
    expect(await saga.order(orderId)).toMatchObject({ status: 'failed', payment: null });
    expect(await levelOf(productId)).toEqual({ onHand: 1, reserved: 0 });
  });

  test('of an order without a record of its review compensates it too', async () => {
    const { orderId } = await opened();
    await saga.owner`delete from orders.manual_reviews where order_id = ${orderId}`;
    const { order } = await operator.retry(orderId);
    expect(order).toMatchObject({ status: 'reserved', manualReview: null });
    await saga.states.idle();
    expect((await saga.order(orderId)).status).toBe('failed');
  });

  test('of a cancellation without a record of its review ends it cancelled', async () => {
    const { orderId } = await cancellationInReview();
    await saga.owner`delete from orders.manual_reviews where order_id = ${orderId}`;
    const { order } = await operator.retry(orderId);
    expect(order).toMatchObject({ status: 'cancelling', manualReview: null });
    await saga.states.idle();
    expect((await saga.order(orderId)).status).toBe('cancelled');
  });

  test("settles the order's open review, and neither a settled one nor that of another order", async () => {
    const [{ orderId }, other] = [await opened(), await opened()];
    const settled = async (id: string) =>
      (await saga.owner`select settled_at from orders.manual_reviews where order_id = ${id} order by attempt`).map(
        (row) => row.settledAt?.getTime() ?? null,
      );
    const abandoned = async () =>
      (await saga.owner`select abandoned_at from orders.orders where id = ${orderId}`)[0]!.abandonedAt.getTime();
    saga.fault('RefundPayment', () => Promise.reject(new Error('away')));
    await operator.retry(orderId);
    await saga.states.idle();
    const [first] = await settled(orderId);
    const abandonedAt = await abandoned();
    expect(await settled(orderId)).toEqual([first, null]);
    await saga.owner`update orders.manual_reviews set settled_at = ${new Date(0)} where order_id = ${orderId} and attempt = 0`;
    await saga.owner`update orders.orders set abandoned_at = ${new Date(abandonedAt - 1)} where id = ${orderId}`;
    await operator.retry(orderId);
    // The retry fails again and opens a third one, perhaps before this looks.
    expect((await settled(orderId)).slice(0, 2)).toEqual([0, expect.any(Number)]);
    expect(await abandoned(), 'since the first time').toBe(abandonedAt - 1);
    expect(await settled(other.orderId)).toEqual([null]);
    await saga.states.idle();
    saga.faults.clear();
    for (const id of [orderId, other.orderId]) await operator.retry(id);
    await saga.states.idle();
  });

  test('of an order that waited for its customer does not ask them to pay again', async () => {
    const productId = await saga.product(1);
    const placed = await saga.place([{ productId, quantity: 1 }], { paymentMethod: 'pm_requiresAction' });
    expect(placed.status).toBe('pending_payment');
    const { id } = placed;
    expect(await openReview(id)).toMatchObject({ opened: true });
    expect(await operator.order(id)).toMatchObject({
      manualReview: {
        fromStatus: 'pending_payment',
        moneyAtStake: { amount: 1000, certain: false },
        stockAtStake: [{ productId, quantity: 1, state: 'held' }],
      },
    });
    const { order } = await operator.retry(id);
    expect(order.status).toBe('reserved');
    await saga.states.idle();
    expect((await saga.order(id)).status).toBe('failed');
    // The customer acts after all, and the saga that waited for them resumes.
    await saga.resumeSaga(id);
    await saga.states.idle();
    expect(await saga.order(id)).toMatchObject({ status: 'failed', payment: null });
    expect(await levelOf(productId)).toEqual({ onHand: 1, reserved: 0 });
  });

  test('of any other order is refused, and so is one of an unknown order', async () => {
    const { orderId } = await place();
    await expect(operator.retry(orderId)).rejects.toMatchObject({ code: 'order-not-in-review' });
    await expect(operator.retry(`ord_${'0'.repeat(32)}`)).rejects.toMatchObject({ code: 'not-found' });
    expect(await actionsOf(orderId)).toEqual([]);
    await saga.startPlacing({ orderId, amount: 1000, currency: 'EUR', paymentMethod: 'pm_card_visa' });
    await saga.states.idle();
  });

  test('of an order that the customer cancels meanwhile ends it cancelled', async () => {
    const { orderId } = await opened();
    await operator.retry(orderId, { startCompensating: async () => {} });
    await saga.cancel(orderId);
    expect((await saga.order(orderId)).status).toBe('cancelling');
    await saga.startCompensating({ orderId, reason: 'retry', attempt: 1, amount: 1000, currency: 'EUR' });
    await saga.states.idle();
    expect((await saga.order(orderId)).status).toBe('cancelled');
  });
});

describe('a resolution', () => {
  test('returns held stock, ends the order failed and adds to the audit', async () => {
    const { orderId, productId } = await opened();
    const { order } = await operator.resolve(orderId, { note: 'no charge at the provider' });
    expect(order).toMatchObject({
      status: 'failed',
      failure: { code: 'compensated' },
      manualReview: { settledHow: 'resolved' },
    });
    expect(await levelOf(productId)).toEqual({ onHand: 1, reserved: 0 });
    expect(await actionsOf(orderId)).toEqual([
      { action: 'resolve', outcome: 'failed', note: 'no charge at the provider' },
    ]);
    const [event] = await saga.owner`
      select data from outbox.events where subject = ${orderId} and type = 'order.failed'`;
    expect(event?.data).toMatchObject({ orderId, customerId: saga.customerId, reason: 'compensated' });
  });

  test('of a cancellation returns committed stock, and its payment counts as refunded', async () => {
    const { orderId, productId } = await cancellationInReview();
    // The operator has already refunded at the provider.
    await saga.gateway.compensate({ orderId, amount: 1000, currency: 'EUR', reference: undefined });
    const { order } = await operator.resolve(orderId, { outcome: 'cancelled', refundReference: 're_by_hand' });
    expect(order).toMatchObject({ status: 'cancelled', payment: { status: 'refunded' }, failure: null });
    expect(await levelOf(productId)).toEqual({ onHand: 1, reserved: 0 });
    const [payment] = await saga.owner`select refund_reference from payments.payments where order_id = ${orderId}`;
    expect(payment?.refundReference).toBe('re_by_hand');
    const timeline = await saga.owner`
      select type, detail from orders.timeline where order_id = ${orderId} order by version desc, entry desc limit 3`;
    expect(timeline.map(({ type }) => type)).toEqual(['status-changed', 'payment-refunded', 'stock-returned']);
  });

  test('may only say what is possible: cancelled if the order was confirmed, failed if not', async () => {
    const { orderId } = await opened();
    await expect(operator.resolve(orderId, { outcome: 'cancelled' })).rejects.toMatchObject({
      code: 'outcome-does-not-fit',
      message: 'The order was never confirmed, so it can only end failed.',
    });
    const cancellation = await cancellationInReview();
    await expect(operator.resolve(cancellation.orderId)).rejects.toMatchObject({ code: 'outcome-does-not-fit' });
    expect((await operator.order(orderId)).status).toBe('needs_attention');
    expect(await actionsOf(orderId)).toEqual([]);
    await operator.resolve(orderId);
    await operator.retry(cancellation.orderId);
    await saga.states.idle();
  });

  test('while a compensation runs is refused, and the compensation ends the order', async () => {
    const { orderId } = await opened();
    let resolved: unknown;
    saga.fault('ReleaseStock', async (next) => {
      resolved = await operator.resolve(orderId).catch((error: unknown) => error);
      return next();
    });
    await operator.retry(orderId);
    await saga.states.idle();
    expect(resolved).toMatchObject({ code: 'order-not-in-review' });
    expect((await saga.order(orderId)).status).toBe('failed');
  });

  test('beside a concurrent retry: one of the two wins', async () => {
    for (let round = 0; round < 5; round++) {
      const { orderId, productId } = await opened();
      const results = await Promise.allSettled([operator.retry(orderId), operator.resolve(orderId)]);
      expect(statuses(results)).toEqual(['done', 'order-not-in-review']);
      await saga.states.idle();
      expect((await saga.order(orderId)).status).toBe('failed');
      expect(await levelOf(productId)).toEqual({ onHand: 1, reserved: 0 });
      expect(await actionsOf(orderId)).toHaveLength(1);
    }
  });

  test('two concurrent resolutions are one, and a repeat with its key gets the first answer', async () => {
    const { orderId } = await opened();
    const results = await Promise.allSettled([
      operator.resolve(orderId, { key: `resolve-${orderId}` }),
      operator.resolve(orderId),
    ]);
    expect(statuses(results)).toContain('done');
    expect((await saga.order(orderId)).status).toBe('failed');
    expect(await actionsOf(orderId)).toHaveLength(1);

    const other = await opened();
    const first = await operator.resolve(other.orderId, { key: 'once' });
    const again = await operator.resolve(other.orderId, { key: 'once' });
    expect([again.replayed, again.answer]).toEqual([true, first.answer]);
  });
});

describe('the audit of an order', () => {
  test('has an entry for each reading, retry and resolution, and nobody changes, deletes or empties it', async () => {
    const { orderId } = await opened();
    await operator.explain(orderId);
    await operator.resolve(orderId, { note: 'no charge at the provider' });
    const entries = [
      { action: 'read', outcome: null, note: null },
      { action: 'resolve', outcome: 'failed', note: 'no charge at the provider' },
    ];
    expect(await actionsOf(orderId)).toEqual(entries);
    for (const sql of [saga.owner, saga.manualReview, saga.saga, saga.api]) {
      for (const statement of [
        'update audit.operator_actions set at = at',
        "update audit.operator_actions set note = 'x'",
        'delete from audit.operator_actions',
        'truncate audit.operator_actions',
      ]) {
        await expect(sql.unsafe(statement), statement).rejects.toMatchObject({ code: '42501' });
      }
    }
    expect(await actionsOf(orderId)).toEqual(entries);
  });
});
