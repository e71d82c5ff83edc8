import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { awaitPaymentAction } from '../../lib/saga/await-payment.sql.ts';
import {
  abandonUnlessConfirmed,
  closeCompensated,
  type ManualReviewRequest,
  requestManualReview,
} from '../../lib/saga/compensate.sql.ts';
import { confirmIfReserved } from '../../lib/saga/confirm.sql.ts';
import { reserveAllOrNothing } from '../../lib/saga/reserve.sql.ts';
import { releaseWhatIsHeld } from '../../lib/shop/stock/reservations.sql.ts';
import { waitingForLocks } from '../support/locks.ts';
import { releaseFailed } from '../support/opening-reviews.ts';
import { type Saga, startSaga } from '../support/saga.ts';

let saga: Saga;
beforeAll(async () => {
  saga = await startSaga();
});
afterAll(() => saga.stop());

const at = new Date();
const expiresAt = new Date(Date.now() + 900_000);
const reserve = (orderId: string) =>
  reserveAllOrNothing(saga.saga, { eventId: newId('event', systemClock), orderId, at, expiresAt });
const confirm = (orderId: string) =>
  confirmIfReserved(saga.saga, {
    orderId,
    paymentId: newId('payment', saga.clock),
    eventId: newId('event', saga.clock),
    paymentEventId: newId('event', saga.clock),
    provider: 'simulated',
    reference: `ch_${orderId}`,
    at,
  });
const release = (orderId: string) => releaseWhatIsHeld(saga.saga, { orderId, at });
const abandon = (orderId: string) => abandonUnlessConfirmed(saga.saga, { orderId, at });
const close = (orderId: string, refunded = false) =>
  closeCompensated(saga.saga, {
    orderId,
    paymentId: newId('payment', saga.clock),
    eventId: newId('event', saga.clock),
    paymentEventId: newId('event', saga.clock),
    failure: { code: 'compensated', detail: 'x' },
    refund: refunded
      ? { outcome: 'refunded', provider: 'simulated', reference: `ch_${orderId}`, refundReference: `re_${orderId}` }
      : undefined,
    at,
  });
const flag = (orderId: string, only: Partial<ManualReviewRequest> = {}) =>
  requestManualReview(saga.saga, {
    orderId,
    eventId: newId('event', saga.clock),
    reason: 'compensation-failed',
    detail: 'x',
    at,
    ...releaseFailed(orderId),
    ...only,
  });

const place = async (units = 1, quantity = 1) => {
  const productId = await saga.product(units);
  return { productId, orderId: (await saga.place([{ productId, quantity }], { start: false })).id };
};
const levelOf = async (productId: string) =>
  (await saga.owner`select on_hand, reserved from stock.levels where product_id = ${productId}`)[0];
type Of = { productId: string };
const byProduct = (a: Of, b: Of) => (a.productId < b.productId ? -1 : 1);
const statusOf = async (orderId: string) => (await saga.order(orderId)).status;

describe('reserving', () => {
  test('a buyer who waited for the same product is refused by name when it is gone, not by a constraint', async () => {
    const { productId, orderId } = await place(1);
    let waiting: Promise<unknown> | undefined;
    await saga.owner.begin(async (tx) => {
      await tx`
        insert into stock.movements (id, product_id, kind, quantity, reserved, reason, created_at)
        values (${newId('movement', saga.clock)}, ${productId}, 'adjustment', -1, 0, 'broken', now())`;
      waiting = expect(reserve(orderId)).rejects.toMatchObject({ name: 'OutOfStock' });
      await expect.poll(() => waitingForLocks(saga.owner), { interval: 5 }).toBeGreaterThan(0);
    });
    await waiting;
  });

  test('repeated, says that it was already done', async () => {
    const { orderId } = await place();
    expect(await reserve(orderId)).toBe(true);
    expect(await reserve(orderId)).toBe(false);
    await confirm(orderId);
    expect(await reserve(orderId)).toBe(false);
  });

  test('an order of several products gets all of them, or nothing and ends', async () => {
    const [full, empty] = [await saga.product(5), await saga.product(1)];
    const lines = [full, empty].map((productId) => ({ productId, quantity: 1 }));
    const { id } = await saga.place(lines, { start: false });
    await saga.owner`
      insert into stock.movements (id, product_id, kind, quantity, reserved, reason, created_at)
      values (${newId('movement', saga.clock)}, ${empty}, 'adjustment', -1, 0, 'broken', now())`;
    await expect(reserve(id)).rejects.toMatchObject({ name: 'OutOfStock' });
    expect(await levelOf(full)).toEqual({ onHand: 5, reserved: 0 });
    expect(await statusOf(id)).toBe('failed');
    const [events] = await saga.owner`
      select jsonb_agg(type order by sequence) as types, max(data ->> 'reason') as reason from outbox.events
      where aggregate_id = ${id}`;
    expect(events).toEqual({ types: ['order.placed', 'order.failed'], reason: 'out-of-stock' });
    await expect(reserve(id)).rejects.toMatchObject({ name: 'OutOfStock', repeated: true });
  });

  test('an order that is unknown is not active', async () => {
    const unknown = `ord_${'0'.repeat(32)}`;
    await expect(reserve(unknown)).rejects.toMatchObject({ name: 'OrderNotActive', message: 'order is given up' });
    await expect(release(unknown)).rejects.toMatchObject({
      name: 'OrderNotActive',
      message: 'the stock of an order that is unknown stays',
    });
    await expect(confirm(unknown)).rejects.toMatchObject({ name: 'OrderNotActive', message: 'order is unknown' });
    await expect(close(unknown)).rejects.toMatchObject({
      name: 'OrderNotActive',
      message: 'order is unknown, not compensated',
    });
  });
});

describe('once a compensation has started', () => {
  test('with releasing, no late reservation takes stock', async () => {
    const { productId, orderId } = await place();
    expect(await release(orderId)).toBe(0);
    await expect(reserve(orderId)).rejects.toMatchObject({ name: 'OrderNotActive' });
    expect(await levelOf(productId)).toEqual({ onHand: 1, reserved: 0 });
  });

  test('with abandoning, no late confirmation succeeds', async () => {
    const { orderId } = await place();
    await reserve(orderId);
    expect(await abandon(orderId)).toEqual({ confirmed: false });
    await expect(confirm(orderId)).rejects.toMatchObject({ name: 'OrderNotActive', message: 'order is reserved' });
    expect(await statusOf(orderId)).toBe('reserved');
  });

  test('stock is returned once, however often the step runs', async () => {
    const { productId, orderId } = await place(3, 2);
    await reserve(orderId);
    const given = await Promise.all([release(orderId), release(orderId), release(orderId)]);
    expect(given.sort()).toEqual([0, 0, 2]);
    expect(await levelOf(productId)).toEqual({ onHand: 3, reserved: 0 });
  });
});

describe('confirming', () => {
  test('repeated, says that it was already done and changes nothing', async () => {
    const { orderId } = await place();
    await reserve(orderId);
    expect(await confirm(orderId)).toBeInstanceOf(Date);
    const order = await saga.order(orderId);
    expect(await confirm(orderId)).toBeUndefined();
    expect(await saga.order(orderId)).toEqual(order);
    expect(await abandon(orderId)).toEqual({ confirmed: true });
  });

  test('an order that its customer cancels is refused by name, at the first attempt', async () => {
    const { orderId } = await place();
    await reserve(orderId);
    await saga.cancel(orderId);
    await expect(confirm(orderId)).rejects.toMatchObject({ name: 'OrderNotActive' });
  });

  test('a reservation that is gone is refused by name', async () => {
    const { orderId } = await place();
    await reserve(orderId);
    await saga.owner`update stock.reservations set state = 'released' where order_id = ${orderId}`;
    await expect(confirm(orderId)).rejects.toMatchObject({ name: 'ReservationLost' });
    expect(await statusOf(orderId)).toBe('reserved');
  });

  test('so is one that expired while its customer had to act on the payment', async () => {
    const { orderId } = await place();
    await reserve(orderId);
    await awaitPaymentAction(saga.saga, { orderId, at, action: { type: 'simulated', path: '/simulated-payments/1' } });
    await saga.owner`update stock.reservations set state = 'released' where order_id = ${orderId}`;
    await expect(confirm(orderId)).rejects.toMatchObject({ name: 'ReservationLost' });
    expect(await statusOf(orderId)).toBe('pending_payment');
  });

  test('stock of a confirmed order stays committed', async () => {
    const { orderId } = await place();
    await reserve(orderId);
    await confirm(orderId);
    await expect(release(orderId)).rejects.toMatchObject({
      name: 'OrderNotActive',
      message: 'the stock of an order that is confirmed stays',
    });
    await expect(close(orderId)).rejects.toMatchObject({
      name: 'OrderNotActive',
      message: 'order is confirmed, not compensated',
    });
    expect(await flag(orderId)).toEqual({ status: 'confirmed', opened: false });
    expect(await statusOf(orderId)).toBe('confirmed');
  });
});

describe('closing', () => {
  test('is refused by the database while stock is held', async () => {
    const { orderId } = await place();
    await reserve(orderId);
    await expect(close(orderId)).rejects.toMatchObject({ constraint_name: 'compensated_order_gave_stock_back' });
    expect(await statusOf(orderId)).toBe('reserved');
  });

  test('is refused by the database while the payment is kept', async () => {
    const { orderId } = await place();
    await reserve(orderId);
    await confirm(orderId);
    await saga.owner`update orders.orders set status = 'cancelling' where id = ${orderId}`;
    await release(orderId);
    await expect(close(orderId)).rejects.toMatchObject({ constraint_name: 'compensated_order_is_refunded' });
    expect(await close(orderId, true)).toEqual({ status: 'cancelled', closed: true });
  });

  test('repeated, says how the order ended and keeps the first refund', async () => {
    const { orderId } = await place();
    await reserve(orderId);
    await release(orderId);
    expect(await close(orderId, true)).toEqual({ status: 'failed', closed: true });
    const order = await saga.order(orderId);
    expect(order.payment?.status).toBe('refunded');
    expect(await close(orderId, true)).toEqual({ status: 'failed', closed: false });
    expect(await saga.order(orderId)).toEqual(order);
  });

  test('repeated for a cancelled order, or one in manual review, says how that ended', async () => {
    const [cancelled, opened] = [(await place()).orderId, (await place()).orderId];
    await saga.cancel(cancelled, 3600, { start: false });
    expect(await close(cancelled)).toEqual({ status: 'cancelled', closed: true });
    expect(await close(cancelled)).toEqual({ status: 'cancelled', closed: false });
    await flag(opened);
    expect(await close(opened)).toEqual({ status: 'needs_attention', closed: false });
  });
});

describe('putting into manual review', () => {
  test('records the stock that the order keeps, and no other order’s', async () => {
    const lines = [
      { productId: await saga.product(9), quantity: 2 },
      { productId: await saga.product(9), quantity: 3 },
    ];
    const [other, one] = [await saga.place(lines, { start: false }), await saga.place(lines, { start: false })];
    for (const { id } of [other, one]) await reserve(id);
    await flag(one.id);
    const [row] = await saga.owner`select stock_at_stake from orders.manual_reviews where order_id = ${one.id}`;
    const kept = lines.map((line) => ({ ...line, sku: `SKU-${line.productId.slice(-12)}`, state: 'held' }));
    expect(row?.stockAtStake).toEqual(kept.toSorted(byProduct));
    await release(other.id);
    await flag(other.id);
    const [given] = await saga.owner`select stock_at_stake from orders.manual_reviews where order_id = ${other.id}`;
    expect(given?.stockAtStake, 'it went back before').toEqual([]);
    await release(one.id);
  });

  test('lists its stock by product, however it was reserved', async () => {
    const lines = [
      { productId: await saga.product(9), quantity: 2 },
      { productId: await saga.product(9), quantity: 3 },
    ];
    const { id } = await saga.place(lines, { start: false });
    await reserve(id);
    await saga.owner.begin(async (tx) => {
      const rows = await tx`delete from stock.reservations where order_id = ${id} returning *`;
      const backwards = rows.toSorted((a, b) => byProduct(b as Of, a as Of));
      for (const { productId, quantity, state } of backwards) {
        await tx`
          insert into stock.reservations (order_id, product_id, quantity, state, expires_at)
          values (${id}, ${productId}, ${quantity}, ${state}, ${expiresAt})`;
      }
    });
    await flag(id);
    const [row] = await saga.owner`select stock_at_stake from orders.manual_reviews where order_id = ${id}`;
    expect(row?.stockAtStake).toMatchObject(lines.map(({ productId }) => ({ productId })).toSorted(byProduct));
    await release(id);
  });

  test('records the money that the provider may keep, as far as the order knows', async () => {
    const atStake = async (orderId: string) => {
      expect(await flag(orderId)).toMatchObject({ opened: true });
      const [row] = await saga.owner`
        select money_at_stake, money_certain from orders.manual_reviews where order_id = ${orderId}`;
      return { ...row };
    };
    const pending = await place();
    expect(await atStake(pending.orderId), 'before stock is reserved nobody is charged').toEqual({
      moneyAtStake: 0,
      moneyCertain: true,
    });
    const reserved = await place();
    await reserve(reserved.orderId);
    expect(await atStake(reserved.orderId)).toEqual({ moneyAtStake: 1000, moneyCertain: false });
    await release(reserved.orderId);
  });

  test.each([
    ['went back in part', 300, 300, { moneyAtStake: 700, moneyCertain: true }],
    ['is going back in part', 300, 500, { moneyAtStake: 700, moneyCertain: false }],
  ])('tells what is left of money that %s', async (_situation, refunded, claimed, left) => {
    const { orderId } = await place();
    await reserve(orderId);
    await confirm(orderId);
    await saga.owner`
      update payments.payments set refunded_amount = ${refunded}, refund_claimed = ${claimed} where order_id = ${orderId}`;
    await saga.owner`update orders.orders set status = 'cancelling' where id = ${orderId}`;
    const { why } = releaseFailed(orderId);
    await flag(orderId, { why: { ...why, money: { amount: 1000, certain: true } } });
    const [row] = await saga.owner`
      select money_at_stake, money_certain from orders.manual_reviews where order_id = ${orderId}`;
    expect({ ...row }).toEqual(left);
  });

  test('by a compensation that an operator has repeated since changes nothing', async () => {
    const { orderId } = await place();
    expect(await flag(orderId, { attempt: 1 })).toEqual({ status: 'pending', opened: false });
    expect(await flag(orderId, { attempt: 0 })).toEqual({ status: 'needs_attention', opened: true });
  });

  test('happens only if the order has not changed since it was read', async () => {
    const { orderId } = await place();
    await reserve(orderId);
    expect(await flag(orderId, { version: 1 })).toEqual({ status: 'reserved', opened: false });
    expect(await flag(orderId, { version: 2 })).toEqual({ status: 'needs_attention', opened: true });
    expect(await flag(orderId)).toEqual({ status: 'needs_attention', opened: false });
    expect(await statusOf(orderId)).toBe('needs_attention');
  });

  test('a confirmed order that is being cancelled is left to the saga of its cancellation', async () => {
    const { orderId } = await place();
    await reserve(orderId);
    await confirm(orderId);
    await saga.cancel(orderId, 3600, { start: false });
    expect(await abandon(orderId)).toEqual({ confirmed: true });
    expect(await flag(orderId, { unlessConfirmed: true })).toEqual({ status: 'cancelling', opened: false });
    expect(await flag(orderId)).toEqual({ status: 'needs_attention', opened: true });
  });

  test('an unknown order is refused by name', async () => {
    const orderId = newId('order', saga.clock);
    await expect(flag(orderId)).rejects.toMatchObject({ name: 'OrderNotActive' });
    await expect(abandon(orderId)).rejects.toMatchObject({ name: 'OrderNotActive' });
  });
});
