import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { awaitPaymentAction } from '../../lib/saga/await-payment.sql.ts';
import { reserveAllOrNothing } from '../../lib/saga/reserve.sql.ts';
import { releaseHeldOfCompensated, releaseWhatIsHeld } from '../../lib/shop/stock/reservations.sql.ts';
import { waitingForLocks } from '../support/locks.ts';
import { type Saga, startSaga } from '../support/saga.ts';

let saga: Saga;
beforeAll(async () => {
  saga = await startSaga();
});
afterAll(() => saga.stop());

const at = new Date();
const release = (orderId: string) => releaseHeldOfCompensated(saga.owner, { orderId, at });
const stateOf = async (orderId: string) =>
  (await saga.owner`select state from stock.reservations where order_id = ${orderId}`)[0]?.state;
const levelOf = async (productId: string) =>
  (await saga.owner`select on_hand, reserved from stock.levels where product_id = ${productId}`)[0];

/** Holds stock for an order that does not exist; the ledger says that `reserved` of it are reserved. */
async function held(
  productId: string,
  quantity: number,
  { reserved = quantity, orderId = newId('order', saga.clock) } = {},
): Promise<string> {
  await saga.owner`
    insert into stock.reservations (order_id, product_id, quantity, expires_at)
    values (${orderId}, ${productId}, ${quantity}, ${at})`;
  if (reserved > 0) {
    await saga.owner`
      insert into stock.movements (id, product_id, kind, quantity, reserved, reason, order_id, created_at)
      values (${newId('movement', saga.clock)}, ${productId}, 'reservation', 0, ${reserved}, 'by hand', ${orderId}, ${at})`;
  }
  return orderId;
}

describe('stock that is held for no order', () => {
  test('is released once, by what the ledger says', async () => {
    const productId = await saga.product(9);
    const [orderId, unwritten] = [await held(productId, 2), await held(productId, 3, { reserved: 0 })];
    expect(await release(orderId)).toBe(1);
    expect(await levelOf(productId)).toEqual({ onHand: 9, reserved: 0 });
    expect(await release(unwritten)).toBe(1);
    expect(await levelOf(productId)).toEqual({ onHand: 9, reserved: 0 });
    expect([await stateOf(orderId), await stateOf(unwritten)]).toEqual(['released', 'released']);
    expect([await release(orderId), await release(unwritten)]).toEqual([0, 0]);
    const movements = await saga.owner`
      select quantity, reserved from stock.movements where kind = 'release' and product_id = ${productId}`;
    expect(movements.map((row) => ({ ...row }))).toEqual([{ quantity: 0, reserved: -2 }]);
  });

  test('stays unchanged when the ledger has a different number', async () => {
    const orderId = await held(await saga.product(9), 3, { reserved: 2 });
    expect(await release(orderId)).toBe(0);
    expect(await stateOf(orderId)).toBe('held');
  });

  test('is released line by line: only a line that differs from the ledger stays', async () => {
    const [right, wrong] = [await saga.product(9), await saga.product(9)];
    const orderId = await held(right, 2);
    await held(wrong, 3, { reserved: 2, orderId });
    expect(await release(orderId)).toBe(1);
    expect([await levelOf(right), await levelOf(wrong)]).toEqual([
      { onHand: 9, reserved: 0 },
      { onHand: 9, reserved: 2 },
    ]);
    const left = await saga.owner`
      select product_id from stock.reservations where order_id = ${orderId} and state = 'held'`;
    expect(left.map(({ productId }) => productId)).toEqual([wrong]);
  });

  test.each([['failed'], ['cancelling', 'cancelled']])('is released for an order that ended: %s %s', async (...way) => {
    const productId = await saga.product(9);
    const { id: orderId } = await saga.place([{ productId, quantity: 1 }], { start: false });
    for (const status of way) {
      const why = status === 'failed' ? 'x' : null;
      await saga.owner`
        update orders.orders set status = ${status}, failure_code = ${why}, failure_detail = ${why} where id = ${orderId}`;
    }
    await held(productId, 2, { orderId });
    expect(await release(orderId)).toBe(1);
    expect(await levelOf(productId)).toEqual({ onHand: 9, reserved: 0 });
  });

  test('is released for this order only', async () => {
    const productId = await saga.product(9);
    const { id: open } = await saga.place([{ productId, quantity: 1 }], { start: false });
    await reserveAllOrNothing(saga.saga, { eventId: newId('event', systemClock), orderId: open, at, expiresAt: at });
    const [orderId, other] = [await held(productId, 2), await held(productId, 2)];
    expect(await release(orderId)).toBe(1);
    expect([await stateOf(open), await stateOf(other)]).toEqual(['held', 'held']);
    expect(await levelOf(productId)).toEqual({ onHand: 9, reserved: 3 });
  });
});

test('stock that is held for an open order stays', async () => {
  const productId = await saga.product(9);
  const { id } = await saga.place([{ productId, quantity: 1 }], { start: false });
  await reserveAllOrNothing(saga.saga, { eventId: newId('event', systemClock), orderId: id, at, expiresAt: at });
  expect(await release(id)).toBe(0);
  expect(await stateOf(id)).toBe('held');
});

test('an order that is abandoned while it waits for its customer returns its stock', async () => {
  const productId = await saga.product(9);
  const { id: orderId } = await saga.place([{ productId, quantity: 2 }], { start: false });
  await reserveAllOrNothing(saga.saga, {
    eventId: newId('event', systemClock),
    orderId,
    at,
    expiresAt: new Date(at.getTime() + 900_000),
  });
  await awaitPaymentAction(saga.saga, { orderId, at, action: { type: 'simulated', path: '/simulated-payments/1' } });
  expect(await releaseWhatIsHeld(saga.saga, { orderId, at })).toBe(2);
  expect([await stateOf(orderId), await levelOf(productId)]).toEqual(['released', { onHand: 9, reserved: 0 }]);
});

test('stock that a late step reserves at that moment is returned too', async () => {
  const productId = await saga.product(3);
  const { id: orderId } = await saga.place([{ productId, quantity: 2 }], { start: false });
  let releasing: Promise<number> | undefined;
  await saga.owner.begin(async (tx) => {
    await reserveAllOrNothing(tx as never, {
      eventId: newId('event', systemClock),
      orderId,
      at: new Date(),
      expiresAt: new Date(Date.now() + 900_000),
    });
    releasing = releaseWhatIsHeld(saga.saga, { orderId, at: new Date() });
    await expect.poll(() => waitingForLocks(saga.owner), { interval: 5 }).toBeGreaterThan(0);
  });
  expect(await releasing).toBe(2);
  const [level] = await saga.owner`select on_hand, reserved from stock.levels where product_id = ${productId}`;
  expect(level).toEqual({ onHand: 3, reserved: 0 });
});
