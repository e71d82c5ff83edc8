import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inTransaction } from '../../lib/database/transaction.sql.ts';
import { systemClock } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { abandonUnlessConfirmed, closeCompensated, requestManualReview } from '../../lib/saga/compensate.sql.ts';
import { confirmIfReserved } from '../../lib/saga/confirm.sql.ts';
import { reserveAllOrNothing } from '../../lib/saga/reserve.sql.ts';
import { cancelIfPossible } from '../../lib/shop/orders/cancel.sql.ts';
import { releaseWhatIsHeld } from '../../lib/shop/stock/reservations.sql.ts';
import { releaseFailed } from '../support/opening-reviews.ts';
import { type Saga, startSaga } from '../support/saga.ts';

let saga: Saga;
beforeAll(async () => {
  saga = await startSaga();
});
afterAll(() => saga.stop());

/** A time long after everything that happens at the machine's time. */
const start = Date.now() + 3600_000;
/** A second at which only one step of a test happens. */
const second = (n: number) => new Date(start + n * 1000);
const expiresAt = second(900);

const named = (orderId: string) => ({ orderId, number: expect.stringMatching(/^CF-/), customerId: saga.customerId });
const told = (orderId: string) => ({ ...named(orderId), contact: null });

const reserve = (orderId: string, at: Date) =>
  reserveAllOrNothing(saga.saga, { eventId: newId('event', systemClock), orderId, at, expiresAt });
const confirm = (orderId: string, at: Date, paymentId = newId('payment', saga.clock)) =>
  confirmIfReserved(saga.saga, {
    orderId,
    paymentId,
    eventId: newId('event', saga.clock),
    paymentEventId: newId('event', saga.clock),
    provider: 'simulated',
    reference: `ch_${orderId}`,
    at,
  });
const release = (orderId: string, at: Date) => releaseWhatIsHeld(saga.saga, { orderId, at });
const abandon = (orderId: string, at: Date) => abandonUnlessConfirmed(saga.saga, { orderId, at });
const close = (orderId: string, at: Date, refunded: boolean) =>
  closeCompensated(saga.saga, {
    orderId,
    paymentId: newId('payment', saga.clock),
    eventId: newId('event', saga.clock),
    paymentEventId: newId('event', saga.clock),
    failure: { code: 'compensated', detail: 'It could not be done.' },
    refund: refunded
      ? { outcome: 'refunded', provider: 'simulated', reference: `ch_${orderId}`, refundReference: `re_${orderId}` }
      : undefined,
    at,
  });
const flag = (orderId: string, at: Date) =>
  requestManualReview(saga.saga, {
    orderId,
    eventId: newId('event', saga.clock),
    reason: 'compensation-failed',
    detail: 'It is not compensated.',
    at,
    ...releaseFailed(orderId),
  });
const cancel = (orderId: string, at: Date, confirmedAfter = second(-60)) =>
  inTransaction(saga.cancellations, (tx) =>
    cancelIfPossible(tx, { orderId, customerId: saga.customerId, confirmedAfter, at }),
  );

const place = async (products = 1) => {
  const lines: { productId: string; quantity: number }[] = [];
  for (let n = 0; n < products; n++) lines.push({ productId: await saga.product(5), quantity: 2 });
  return saga.place(lines, { start: false });
};
const rowOf = async (orderId: string) => {
  const [row] = await saga.owner`
    select status, version, updated_at, abandoned_at, confirmed_at, failure_code, failure_detail
    from orders.orders where id = ${orderId}`;
  return { ...row };
};
const timelineOf = async (orderId: string) => {
  const rows = await saga.owner`
    select version, entry, type, detail, at from orders.timeline
    where order_id = ${orderId} and version > 1 order by version, entry`;
  return rows.map(({ version, entry, type, detail, at }) => [version, entry, type, detail, at]);
};
const lastEventOf = async (orderId: string) => {
  const [row] = await saga.owner`
    select type, data, occurred_at from outbox.events where subject = ${orderId} order by occurred_at desc limit 1`;
  return { ...row };
};
const open = { abandonedAt: null, confirmedAt: null, failureCode: null, failureDetail: null };

describe('what each step leaves behind', () => {
  test('of an order that is confirmed, then cancelled', async () => {
    const { id, total } = await place();
    await reserve(id, second(1));
    expect(await rowOf(id)).toEqual({ ...open, status: 'reserved', version: 2, updatedAt: second(1) });
    const paymentId = newId('payment', saga.clock);
    await confirm(id, second(2), paymentId);
    const confirmed = { ...open, confirmedAt: second(2) };
    expect(await rowOf(id)).toEqual({ ...confirmed, status: 'confirmed', version: 4, updatedAt: second(2) });
    expect(await lastEventOf(id)).toEqual({
      type: 'order.confirmed',
      data: { ...told(id), paymentId, total },
      occurredAt: second(2),
    });
    await cancel(id, second(3));
    expect(await rowOf(id)).toEqual({ ...confirmed, status: 'cancelling', version: 5, updatedAt: second(3) });
    await release(id, second(4));
    const abandoned = { ...confirmed, abandonedAt: second(4) };
    expect(await rowOf(id)).toEqual({ ...abandoned, status: 'cancelling', version: 6, updatedAt: second(4) });
    await release(id, second(5));
    expect(await rowOf(id)).toMatchObject({ abandonedAt: second(4), updatedAt: second(5) });
    await close(id, second(6), true);
    expect(await rowOf(id)).toEqual({ ...abandoned, status: 'cancelled', version: 9, updatedAt: second(6) });
    expect(await lastEventOf(id)).toEqual({
      type: 'order.cancelled',
      data: told(id),
      occurredAt: second(6),
    });
    expect(await timelineOf(id)).toEqual([
      [2, 1, 'stock-reserved', { expiresAt: expiresAt.toISOString() }, second(1)],
      [2, 2, 'status-changed', { from: 'pending', to: 'reserved' }, second(1)],
      [4, 1, 'payment-captured', { paymentId }, second(2)],
      [4, 2, 'stock-committed', {}, second(2)],
      [4, 3, 'status-changed', { from: 'reserved', to: 'confirmed' }, second(2)],
      [5, 1, 'status-changed', { from: 'confirmed', to: 'cancelling' }, second(3)],
      [6, 1, 'stock-returned', {}, second(4)],
      [9, 1, 'payment-refunded', { paymentId }, second(6)],
      [9, 2, 'status-changed', { from: 'cancelling', to: 'cancelled' }, second(6)],
    ]);
    const [payment] = await saga.owner`select * from payments.payments where order_id = ${id}`;
    expect(payment).toMatchObject({
      id: paymentId,
      status: 'refunded',
      reference: `ch_${id}`,
      capturedAt: second(2),
      refundedAt: second(6),
      refundReference: `re_${id}`,
    });
    const movements = await saga.owner`
      select kind, quantity, reserved, reason, created_at from stock.movements where order_id = ${id} order by id`;
    expect(movements.map((row) => Object.values(row))).toEqual([
      ['reservation', 0, 2, 'reserved for an order', second(1)],
      ['commitment', -2, -2, 'sold', second(2)],
      ['return', 2, 0, 'order was cancelled', second(4)],
    ]);
  });

  test('of an order that fails', async () => {
    await reserve((await place()).id, second(0));
    const { id } = await place();
    await reserve(id, second(1));
    await abandon(id, second(2));
    const abandoned = { ...open, abandonedAt: second(2) };
    expect(await rowOf(id)).toEqual({ ...abandoned, status: 'reserved', version: 2, updatedAt: second(2) });
    await abandon(id, second(3));
    await release(id, second(4));
    expect(await rowOf(id)).toEqual({ ...abandoned, status: 'reserved', version: 3, updatedAt: second(4) });
    await close(id, second(5), false);
    expect(await rowOf(id)).toEqual({
      ...abandoned,
      status: 'failed',
      version: 4,
      updatedAt: second(5),
      failureCode: 'compensated',
      failureDetail: 'It could not be done.',
    });
    expect(await lastEventOf(id)).toEqual({
      type: 'order.failed',
      data: { ...told(id), reason: 'compensated' },
      occurredAt: second(5),
    });
    expect((await timelineOf(id)).slice(2)).toEqual([
      [3, 1, 'stock-released', {}, second(4)],
      [4, 2, 'status-changed', { from: 'reserved', to: 'failed', reason: 'compensated' }, second(5)],
    ]);
    expect(await release(id, second(6)), 'nothing is left, whatever other orders hold').toBe(0);
    expect((await rowOf(id)).updatedAt).toEqual(second(5));
    const movements = await saga.owner`
      select kind, quantity, reserved, reason from stock.movements where order_id = ${id} order by id`;
    expect(movements.map((row) => Object.values(row)).at(-1)).toEqual(['release', 0, -2, 'order was compensated']);
  });

  test('of an order with nothing to compensate, and of one that is put into manual review', async () => {
    const { id } = await place();
    await release(id, second(1));
    expect(await timelineOf(id)).toEqual([]);
    await flag(id, second(2));
    expect(await rowOf(id)).toEqual({
      status: 'needs_attention',
      version: 3,
      updatedAt: second(2),
      abandonedAt: second(1),
      confirmedAt: null,
      failureCode: 'compensation-failed',
      failureDetail: 'It is not compensated.',
    });
    expect(await timelineOf(id)).toEqual([
      [3, 1, 'status-changed', { from: 'pending', to: 'needs_attention', reason: 'compensation-failed' }, second(2)],
    ]);
    expect(await lastEventOf(id)).toEqual({
      type: 'order.in_review',
      data: { ...named(id), reason: 'compensation-failed' },
      occurredAt: second(2),
    });
  });
});

describe('an open order', () => {
  /** The allowed transitions that lead to each status. */
  const placeAs = async (...way: string[]) => {
    const { id } = await place();
    for (const status of way) await saga.owner`update orders.orders set status = ${status} where id = ${id}`;
    return id;
  };
  const ways = [['pending'], ['reserved'], ['cancelling']];

  test.each(ways)('can be put into manual review from every status: %s', async (...way) => {
    const id = await placeAs(...way.filter((status) => status !== 'pending'));
    expect(await flag(id, second(1))).toEqual({ opened: true, status: 'needs_attention' });
    expect(await rowOf(id)).toMatchObject({ status: 'needs_attention' });
  });

  test.each(ways)('is abandoned and closed: %s', async (...way) => {
    const id = await placeAs(...way.filter((status) => status !== 'pending'));
    const last = way.at(-1);
    expect(await abandon(id, second(1))).toEqual({ confirmed: false });
    expect((await rowOf(id)).abandonedAt).toEqual(second(1));
    expect(await close(id, second(2), false)).toEqual({
      status: last === 'cancelling' ? 'cancelled' : 'failed',
      closed: true,
    });
  });

  test('that was abandoned is not reserved again, even while its stock is still held', async () => {
    const { id } = await place();
    await reserve(id, second(1));
    await abandon(id, second(2));
    await expect(reserve(id, second(3))).rejects.toMatchObject({ name: 'OrderNotActive' });
  });

  test('whose payment was already refunded keeps the record of the refund', async () => {
    const { id } = await place();
    await reserve(id, second(1));
    await confirm(id, second(2));
    await cancel(id, second(3));
    await release(id, second(4));
    await saga.owner`
      update payments.payments set status = 'refunded', refunded_at = ${second(4)}, refund_reference = 're_by_hand'
      where order_id = ${id}`;
    await close(id, second(5), true);
    const [payment] = await saga.owner`
      select refunded_at, refund_reference from payments.payments where order_id = ${id}`;
    expect(payment).toEqual({ refundedAt: second(4), refundReference: 're_by_hand' });
  });

  test('that lacks several products names them in the order of their SKUs', async () => {
    const skus = ['C', 'A', 'B'].map((letter) => `${letter}-${newId('request', saga.clock)}`);
    const lines: { productId: string; quantity: number }[] = [];
    for (const sku of skus) {
      const productId = await saga.product(1);
      await saga.owner`update catalog.products set sku = ${sku} where id = ${productId}`;
      lines.push({ productId, quantity: 1 });
    }
    const [first, { id }] = [await saga.place(lines, { start: false }), await saga.place(lines, { start: false })];
    await reserve(first.id, second(1));
    await expect(reserve(id, second(1))).rejects.toThrow(skus.toSorted().join(', '));
  });

  test('that is in manual review still returns its stock', async () => {
    const { id } = await place();
    await reserve(id, second(1));
    await flag(id, second(2));
    expect(await release(id, second(3))).toBe(2);
  });
});

describe('at the limit', () => {
  test('an order that was confirmed exactly one window ago can no longer be cancelled', async () => {
    const { id } = await place();
    await reserve(id, second(1));
    await confirm(id, second(2));
    expect(await cancel(id, second(4), second(2))).toEqual({
      outcome: 'refused',
      status: 'confirmed',
      shipped: false,
      late: true,
    });
    const justBefore = new Date(second(2).getTime() - 1);
    expect(await cancel(id, second(4), justBefore)).toEqual({ outcome: 'cancelling', was: 'confirmed' });
  });

  test('an order with one product that is no longer held is not confirmed, whether released or missing', async () => {
    const { id, lines } = await place(2);
    await reserve(id, second(1));
    const one = { order_id: id, product_id: lines[0]!.productId };
    const [row] = await saga.owner`
      delete from stock.reservations where order_id = ${id} and product_id = ${one.product_id} returning *`;
    await expect(confirm(id, second(2))).rejects.toMatchObject({ name: 'ReservationLost' });
    await saga.owner`
      insert into stock.reservations (order_id, product_id, quantity, state, expires_at)
      values (${id}, ${one.product_id}, ${row!.quantity}, 'released', ${expiresAt})`;
    await expect(confirm(id, second(2))).rejects.toMatchObject({ name: 'ReservationLost' });
    await saga.owner`update stock.reservations set state = 'held' where order_id = ${id}`;
    expect(await confirm(id, second(3))).toBeInstanceOf(Date);
  });

  test('no step touches another order', async () => {
    const [left, waiting] = [await place(), await place()];
    await reserve(waiting.id, second(1));
    const rows = [await rowOf(left.id), await rowOf(waiting.id)];

    const [first, second_] = [await place(), await place()];
    await reserve(first.id, second(1));
    await confirm(first.id, second(2));
    await cancel(first.id, second(3));
    await release(first.id, second(4));
    await close(first.id, second(5), true);
    await abandon(second_.id, second(6));
    await flag(second_.id, second(7));
    expect([await rowOf(left.id), await rowOf(waiting.id)]).toEqual(rows);
  });
});
