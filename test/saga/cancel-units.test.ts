import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { stopwatch } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { checkInvariants } from '../../lib/operations/monitoring/invariants.ts';
import { changeFulfilment, createFulfilment, shipFulfilment } from '../../lib/shop/fulfilment/fulfilments.ts';
import { captureRefused, refundRefused } from '../../lib/shop/payments/gateway.ts';
import { requestRefund } from '../../lib/shop/payments/refunds.ts';
import { expectInvariants } from '../support/invariants.ts';
import { poolOptions, type Saga, startSaga } from '../support/saga.ts';
import { runSweep } from '../support/sweep-job.ts';

let saga: Saga;
let goods: Saga['api'];
let refunds: Saga['api'];
let monitor: Saga['api'];
let mug: string;
let pot: string;
beforeAll(async () => {
  saga = await startSaga();
  // Three mugs and a pot cost 105.35, less 10 %: 10.54, of which the mugs bear 4.54.
  [mug, pot] = await Promise.all([saga.product(1000, 1511), saga.product(1000, 6002)]);
  goods = saga.connect('fulfilment_api', poolOptions);
  refunds = saga.connect('refunds_api', poolOptions);
  monitor = saga.connect('monitor', { ...poolOptions, max: 1 });
});
afterEach(async () => {
  saga.faults.clear();
  await saga.states.idle();
  await expectInvariants(saga);
  const check = { sql: monitor, clock: saga.clock, stopwatch, limitMs: 60_000, runsPerPass: 1 };
  const { violations } = await checkInvariants(check);
  expect(violations.filter(({ count }) => count > 0)).toEqual([]);
});
afterAll(async () => {
  await Promise.all([goods.end(), refunds.end(), monitor.end()]);
  await saga.stop();
});

const eur = (amount: number) => ({ amount, currency: 'EUR' });
const units = (productId: string, quantity: number) => ({ productId, quantity });
const place = (captureAt?: 'shipment', paymentMethod = 'pm_card_visa') =>
  saga.place([units(mug, 3), units(pot, 1)], { captureAt, paymentMethod });
const keysOf = (table: 'payments.idempotency_keys' | 'orders.fulfilment_idempotency_keys') => ({
  table,
  clock: saga.clock,
  keepSeconds: 48 * 3600,
});
const deps = () => ({ sql: goods, clock: saga.clock, keys: keysOf('orders.fulfilment_idempotency_keys') });
const claim = { caller: 'app', key: undefined, operation: 'goods', fingerprint: 'f' };
const bodyOf = ({ answer }: { answer: { body: string | undefined } }) => JSON.parse(answer.body!);
const pack = async (orderId: string, lines?: { productId: string; quantity: number }[]): Promise<string> =>
  bodyOf(await createFulfilment(deps(), claim, { orderId, lines, createdBy: 'app' })).id;
const ship = async (orderId: string, lines?: { productId: string; quantity: number }[]) => {
  const fulfilmentId = await pack(orderId, lines);
  const wanted = { orderId, fulfilmentId, tracking: {} };
  return bodyOf(await shipFulfilment({ ...deps(), startCapturing: saga.startCapturing }, claim, wanted));
};
const cancel = async (orderId: string, lines?: { productId: string; quantity: number }[]) =>
  (await saga.cancel(orderId, 3600, { lines })).answer;
const refund = async (orderId: string, wanted: object) => {
  const key = { ...claim, key: newId('request', saga.clock), operation: 'request-refund' };
  const at = { sql: refunds, clock: saga.clock, keys: keysOf('payments.idempotency_keys'), startRefunding };
  return (await requestRefund(at, key, { orderId, amount: undefined, reason: 'x', requestedBy: 'app', ...wanted }))
    .refund;
};
const startRefunding: Saga['startRefunding'] = (input) => saga.startRefunding(input);
const settled = async (orderId: string) => {
  await saga.states.idle();
  return await saga.order(orderId);
};
const progress = async (orderId: string) => {
  const { status, fulfilmentStatus, lines, payment } = await settled(orderId);
  const counts = lines.map((line) => [line.fulfilled, line.shipped, line.cancelled].join());
  return [status, fulfilmentStatus, ...counts, payment!.refunded.amount];
};
const levelOf = async (productId: string) =>
  (await saga.owner`select on_hand from stock.levels where product_id = ${productId}`)[0]!.onHand as number;
const movementsOf = async (orderId: string) =>
  (
    await saga.owner`
      select product_id, quantity from stock.movements where order_id = ${orderId} and kind = 'cancellation' order by id`
  ).map(({ productId, quantity }) => [productId === mug ? 'mug' : 'pot', quantity]);
const chargeOf = async (orderId: string) => {
  const { charges } = await saga.gateway.listCharges({ from: 0, to: saga.clock.now() + 1000 });
  const { status, amount, refundedAmount } = charges.find((charge) => charge.orderId === orderId)!;
  return [status, amount, refundedAmount];
};
describe('an order of which a parcel has shipped', () => {
  test('has its rest cancelled: back on the shelf, refunded to the cent, and fulfilled', async () => {
    const { id } = await place();
    const before = await Promise.all([levelOf(mug), levelOf(pot)]);
    const first = await ship(id, [units(mug, 2)]);
    const packed = await pack(id, [units(mug, 1)]);
    expect((await cancel(id)).status).toBe(200);
    expect(await progress(id)).toEqual(['confirmed', 'fulfilled', '2,2,1', '0,0,1', 1360 + 5402]);
    expect(await Promise.all([levelOf(mug), levelOf(pot)])).toEqual([before[0]! + 1, before[1]! + 1]);
    expect((await movementsOf(id)).toSorted()).toEqual([
      ['mug', 1],
      ['pot', 1],
    ]);
    const told = await saga.owner`
      select type, data from outbox.events where aggregate_id = ${id} order by sequence desc limit 2`;
    expect(told.map(({ type }) => type)).toEqual(['refund.succeeded', 'order.units_cancelled']);
    expect(told[1]!.data).toMatchObject({
      amount: eur(6762),
      fulfilmentStatus: 'fulfilled',
      lines: [units(mug, 1), units(pot, 1)],
    });
    const timeline = await saga.owner`select type from orders.timeline where order_id = ${id} order by version, entry`;
    expect(timeline.slice(-3).map(({ type }) => type)).toEqual([
      'fulfilment-cancelled',
      'units-cancelled',
      'payment-refunded',
    ]);
    const change = { orderId: id, fulfilmentId: first.id, to: 'delivered' as const };
    expect(bodyOf(await changeFulfilment(deps(), claim, change)).fulfilmentStatus).toBe('delivered');
    const shipping = { orderId: id, fulfilmentId: packed, tracking: {} };
    await expect(
      shipFulfilment({ ...deps(), startCapturing: saga.startCapturing }, claim, shipping),
    ).rejects.toMatchObject({ code: 'fulfilment-status' });
    await expect(pack(id)).rejects.toMatchObject({ code: 'fulfilment-too-large' });
    await expect(cancel(id)).rejects.toMatchObject({ code: 'order-shipped' });
  });

  test('gives back no more than is left of the payment', async () => {
    const { id } = await place();
    await ship(id, [units(mug, 2)]);
    await refund(id, { amount: eur(9000) });
    await saga.states.idle();
    await cancel(id);
    expect((await progress(id)).at(-1)).toBe(9481);
    await expect(refund(id, { lines: [units(mug, 1)] })).rejects.toMatchObject({ code: 'order-not-refundable' });
  });

  test('is cancelled once, however many ask at once', async () => {
    const { id } = await place();
    await ship(id, [units(mug, 2)]);
    const tries = await Promise.allSettled(Array.from({ length: 6 }, () => cancel(id)));
    expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect((await progress(id)).at(-1)).toBe(6762);
    expect(await movementsOf(id)).toHaveLength(2);
  });

  test('ships or cancels the rest, never both', async () => {
    for (let round = 0; round < 5; round++) {
      const { id } = await place();
      await ship(id, [units(mug, 1)]);
      const parcel = await pack(id);
      const shipping = { orderId: id, fulfilmentId: parcel, tracking: {} };
      const both = await Promise.allSettled([
        cancel(id),
        shipFulfilment({ ...deps(), startCapturing: saga.startCapturing }, claim, shipping),
      ]);
      expect(both.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      await saga.states.idle();
    }
  });

  test('keeps units cancelled whose refund the provider refuses, and another refund gives it back', async () => {
    const { id } = await place();
    await ship(id, [units(mug, 3)]);
    saga.fault('RefundPart', async () => {
      throw refundRefused('disputed');
    });
    await cancel(id);
    expect(await progress(id)).toEqual(['confirmed', 'fulfilled', '3,3,0', '0,0,1', 0]);
    saga.faults.clear();
    await refund(id, { lines: [units(pot, 1)] });
    expect((await progress(id)).at(-1)).toBe(5402);
  });
});

describe('named units', () => {
  test('are cancelled of an order that goes on, and unpack no more parcels than they must', async () => {
    const { id } = await place();
    await pack(id, [units(mug, 1)]);
    await pack(id, [units(mug, 1), units(pot, 1)]);
    expect((await cancel(id, [units(mug, 1), units(mug, 1)])).status).toBe(200);
    // One was in no parcel; the newest parcel had the other, and its pot can be packed again.
    expect(await progress(id)).toEqual(['confirmed', 'unfulfilled', '1,0,2', '0,0,0', 2719]);
    await expect(cancel(id, [units(mug, 2)])).rejects.toMatchObject({ code: 'cancellation-too-large' });
    await expect(cancel(id, [units(newId('product', saga.clock), 1)])).rejects.toMatchObject({ code: 'line-unknown' });
    expect((await ship(id)).lines).toEqual([units(pot, 1)]);
  });

  test('that are all that is left cancel the whole order, with what was not given back before', async () => {
    const { id } = await place();
    const before = await levelOf(mug);
    await cancel(id, [units(mug, 3)]);
    await saga.states.idle();
    expect((await cancel(id, [units(pot, 1)])).status).toBe(202);
    expect((await settled(id)).status).toBe('cancelled');
    expect(await chargeOf(id)).toEqual(['captured', 9481, 9481]);
    expect(await levelOf(mug)).toBe(before + 3);
  });

  test('are cancelled by customers for a time, and by the shop at any time', async () => {
    const { id } = await place();
    saga.clock.advance(2 * 3600_000);
    await expect(cancel(id, [units(mug, 1)])).rejects.toMatchObject({ code: 'order-too-late-to-cancel' });
    await saga.cancel(id, 3600, { anybody: true, lines: [units(mug, 1)] });
    expect((await progress(id)).at(-1)).toBe(1360);
  });
});

describe('a unit that can still be packed', () => {
  test('is not refunded, and one that was cancelled and refunded is never packed', async () => {
    const { id } = await place();
    await expect(refund(id, { lines: [units(mug, 1)] })).rejects.toMatchObject({ code: 'line-not-shipped' });
    await cancel(id, [units(mug, 1)]);
    await saga.states.idle();
    await expect(refund(id, { lines: [units(mug, 1)] })).rejects.toMatchObject({ code: 'line-not-shipped' });
    await expect(pack(id, [units(mug, 3)])).rejects.toMatchObject({ code: 'fulfilment-too-large' });
    const packing = saga.owner`update orders.lines set fulfilled = 3 where order_id = ${id} and product_id = ${mug}`;
    await expect(packing).rejects.toMatchObject({ constraint_name: 'fulfilled_as_ordered' });
  });
});

describe('an order that is captured at shipment', () => {
  test('does not capture what was cancelled before it shipped', async () => {
    const { id } = await place('shipment');
    await cancel(id, [units(pot, 1)]);
    expect(await chargeOf(id)).toEqual(['authorized', 9481, 0]);
    expect((await progress(id)).at(-1)).toBe(5402);
    await ship(id, [units(mug, 2)]);
    await saga.states.idle();
    expect(await chargeOf(id)).toEqual(['captured', 4079, 0]);
    // What is cancelled now was captured, so it goes back.
    await cancel(id);
    expect(await progress(id)).toEqual(['confirmed', 'fulfilled', '2,2,1', '0,0,1', 5402 + 1360]);
    expect(await chargeOf(id)).toEqual(['captured', 4079, 1360]);
  });

  test('refunds what is cancelled while its capture is under way, once that is made', async () => {
    const { id } = await place('shipment');
    let go = () => {};
    const gate = new Promise<void>((resolve) => {
      go = resolve;
    });
    saga.fault('CapturePayment', async (next) => {
      await gate;
      return next();
    });
    await ship(id, [units(mug, 3)]);
    await cancel(id);
    const asked = () => saga.deliveries.filter(({ step, orderId }) => step === 'RefundPart' && orderId === id).length;
    await runSweep(saga, 120_000);
    expect(asked()).toBe(0);
    go();
    await saga.states.idle();
    expect(await chargeOf(id)).toEqual(['captured', 9481, 0]);
    await runSweep(saga, 120_000);
    expect((await progress(id)).at(-1)).toBe(5402);
    expect(await chargeOf(id)).toEqual(['captured', 9481, 5402]);
  });

  test('is voided whole when its rest is cancelled before anything shipped', async () => {
    const { id } = await place('shipment');
    await cancel(id, [units(mug, 3)]);
    await cancel(id);
    expect((await settled(id)).payment).toMatchObject({ status: 'voided' });
    expect(await chargeOf(id)).toEqual(['voided', 9481, 0]);
  });

  test('is not cancelled in part while a person looks at its capture', async () => {
    const { id } = await place('shipment');
    saga.fault('CapturePayment', async () => {
      throw captureRefused('card_declined');
    });
    await ship(id, [units(mug, 3)]);
    await saga.states.idle();
    await expect(cancel(id)).rejects.toMatchObject({ code: 'order-ended' });
  });
});
