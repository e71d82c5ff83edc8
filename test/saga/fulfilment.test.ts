import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { stopwatch } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { checkInvariants } from '../../lib/operations/monitoring/invariants.ts';
import { readFulfilments } from '../../lib/shop/fulfilment/fulfilments.sql.ts';
import { changeFulfilment, createFulfilment, shipFulfilment } from '../../lib/shop/fulfilment/fulfilments.ts';
import type { Units } from '../../lib/shop/fulfilment/lines.ts';
import { type Arrived, receiveReturn, rejectReturn, requestReturn } from '../../lib/shop/fulfilment/returns.ts';
import { expectInvariants } from '../support/invariants.ts';
import { poolOptions, type Saga, startSaga } from '../support/saga.ts';

let saga: Saga;
let sql: Saga['api'];
let monitor: Saga['api'];
let mug: string;
let pot: string;
beforeAll(async () => {
  saga = await startSaga();
  [mug, pot] = await Promise.all([saga.product(1000), saga.product(1000)]);
  sql = saga.connect('fulfilment_api', poolOptions);
  monitor = saga.connect('monitor', { ...poolOptions, max: 1 });
});
afterEach(async () => {
  await saga.states.idle();
  await expectInvariants(saga);
  const { violations } = await checkInvariants({
    sql: monitor,
    clock: saga.clock,
    stopwatch,
    limitMs: 60_000,
    runsPerPass: 1,
  });
  expect(violations.filter(({ count }) => count > 0)).toEqual([]);
});
afterAll(async () => {
  await Promise.all([sql.end(), monitor.end()]);
  await saga.stop();
});

const deps = () => ({
  sql,
  clock: saga.clock,
  keys: { table: 'orders.fulfilment_idempotency_keys' as const, clock: saga.clock, keepSeconds: 48 * 3600 },
});
const claim = (key?: string, fingerprint = 'f') => ({ caller: 'app:key', key, operation: 'goods', fingerprint });
const bodyOf = ({ answer }: { answer: { body: string | undefined } }) => JSON.parse(answer.body!);

const place = () =>
  saga.place([
    { productId: mug, quantity: 3 },
    { productId: pot, quantity: 1 },
  ]);
const units = (productId: string, quantity: number): Units => ({ productId, quantity });
const pack = async (orderId: string, lines?: Units[], key?: string) =>
  bodyOf(await createFulfilment(deps(), claim(key), { orderId, lines, carrier: 'DHL', createdBy: 'app:key' }));
const change = async (wanted: { orderId: string; fulfilmentId: string; to: 'delivered' | 'cancelled' }) =>
  bodyOf(await changeFulfilment(deps(), claim(), wanted));
const ship = async (orderId: string, fulfilmentId: string) => {
  const wanted = { orderId, fulfilmentId, tracking: { trackingNumber: '42' } };
  return bodyOf(await shipFulfilment({ ...deps(), startCapturing: saga.startCapturing }, claim(), wanted));
};
const shipAll = async (orderId: string, lines?: Units[]) => ship(orderId, (await pack(orderId, lines)).id);
const deliver = (orderId: string, fulfilmentId: string) => change({ orderId, fulfilmentId, to: 'delivered' });
const ask = async (
  orderId: string,
  lines: Units[],
  { key, of = saga.customerId }: { key?: string; of?: string } = {},
) =>
  bodyOf(
    await requestReturn(deps(), claim(key), {
      of: { orderId, customerId: of },
      lines: lines.map((line) => ({ ...line, reason: 'damaged' as const })),
      requestedBy: 'customer:1',
    }),
  );
const receive = async (orderId: string, returnId: string, lines: Arrived[]) =>
  bodyOf(await receiveReturn(deps(), claim(), { orderId, returnId, lines }));
const progress = async (orderId: string) => {
  const { fulfilmentStatus, lines } = await saga.order(orderId);
  return [
    fulfilmentStatus,
    ...lines.map(({ fulfilled, shipped, delivered, returned }) => [fulfilled, shipped, delivered, returned].join()),
  ];
};
const levelOf = async (productId: string) =>
  (await saga.owner`select on_hand from stock.levels where product_id = ${productId}`)[0]!.onHand as number;
const movementsOf = async (returnId: string) =>
  (
    await saga.owner`select product_id, kind, quantity from stock.movements where return_id = ${returnId} order by id`
  ).map(({ productId, kind, quantity }) => [productId === mug ? 'mug' : 'pot', kind, quantity]);
const eventsOf = async (orderId: string) =>
  (await saga.owner`
    select type, subject, data from outbox.events where aggregate_id = ${orderId} order by sequence`) as unknown as {
    type: string;
    subject: string;
    data: Record<string, unknown>;
  }[];
const entriesOf = async (orderId: string) =>
  (await saga.owner`select type from orders.timeline where order_id = ${orderId} order by version, entry`).map(
    ({ type }) => type as string,
  );

describe('an order', () => {
  test('that is packed in two parcels says how much of it has shipped and arrived', async () => {
    const { id } = await place();
    expect(await progress(id)).toEqual(['unfulfilled', '0,0,0,0', '0,0,0,0']);
    const first = await pack(id, [units(mug, 2)]);
    expect(first).toMatchObject({ status: 'pending', lines: [units(mug, 2)], carrier: 'DHL', trackingNumber: null });
    expect(first.fulfilmentStatus).toBe('unfulfilled');
    expect(await progress(id)).toEqual(['unfulfilled', '2,0,0,0', '0,0,0,0']);
    expect(await ship(id, first.id)).toMatchObject({
      status: 'shipped',
      carrier: 'DHL',
      trackingNumber: '42',
      fulfilmentStatus: 'partially_fulfilled',
    });
    const rest = await pack(id);
    expect(rest.lines).toEqual([units(mug, 1), units(pot, 1)]);
    expect((await ship(id, rest.id)).fulfilmentStatus).toBe('fulfilled');
    expect((await deliver(id, first.id)).fulfilmentStatus).toBe('fulfilled');
    expect((await deliver(id, rest.id)).fulfilmentStatus).toBe('delivered');
    expect(await progress(id)).toEqual(['delivered', '3,3,3,0', '1,1,1,0']);
    const events = (await eventsOf(id)).filter(({ subject }) => subject.startsWith('ful_'));
    expect(events.map(({ type, subject, data }) => [type, subject, data.fulfilmentStatus])).toEqual([
      ['order.shipped', first.id, 'partially_fulfilled'],
      ['order.shipped', rest.id, 'fulfilled'],
      ['order.delivered', first.id, 'fulfilled'],
      ['order.delivered', rest.id, 'delivered'],
    ]);
    expect((await entriesOf(id)).slice(-6)).toEqual([
      'fulfilment-created',
      'order-shipped',
      'fulfilment-created',
      'order-shipped',
      'order-delivered',
      'order-delivered',
    ]);
  });

  test('never has more in parcels than was ordered, however many are packed at once', async () => {
    const { id } = await place();
    const tries = await Promise.allSettled(Array.from({ length: 8 }, () => pack(id, [units(mug, 2)])));
    expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const each of tries) {
      if (each.status === 'rejected') expect(each.reason).toMatchObject({ code: 'fulfilment-too-large' });
    }
    expect(await progress(id)).toEqual(['unfulfilled', '2,0,0,0', '0,0,0,0']);
    await expect(pack(id, [units(mug, 1), units(mug, 1)])).rejects.toMatchObject({
      code: 'fulfilment-too-large',
      errors: [{ pointer: '/lines/0/quantity', detail: 'at most 1 are left' }],
    });
    await expect(pack(id, [units(newId('product', saga.clock), 1)])).rejects.toMatchObject({ code: 'line-unknown' });
    await pack(id);
    await expect(pack(id)).rejects.toMatchObject({ code: 'fulfilment-too-large' });
  });

  test('has one parcel for one key', async () => {
    const { id } = await place();
    const key = newId('request', saga.clock);
    const [first, again] = [await pack(id, [units(mug, 1)], key), await pack(id, [units(mug, 1)], key)];
    expect(again).toEqual(first);
    expect(await progress(id)).toEqual(['unfulfilled', '1,0,0,0', '0,0,0,0']);
  });

  test('that is not confirmed, or not there, is not packed', async () => {
    const { id } = await saga.place([{ productId: mug, quantity: 1 }], { start: false });
    await expect(pack(id)).rejects.toMatchObject({ code: 'order-not-fulfillable' });
    await saga.startPlacing({ orderId: id, amount: 1000, currency: 'EUR', paymentMethod: 'pm_card_visa' });
    await saga.states.idle();
    await expect(pack(newId('order', saga.clock))).rejects.toMatchObject({ code: 'not-found' });
  });
});

describe('a parcel', () => {
  test('goes forward once: what comes out of order, or twice at once, is refused', async () => {
    const { id } = await place();
    const parcel = await pack(id);
    await expect(deliver(id, parcel.id)).rejects.toMatchObject({ code: 'fulfilment-status' });
    const tries = await Promise.allSettled([ship(id, parcel.id), ship(id, parcel.id), ship(id, parcel.id)]);
    expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    await expect(change({ orderId: id, fulfilmentId: parcel.id, to: 'cancelled' })).rejects.toMatchObject({
      code: 'fulfilment-status',
    });
    expect(await progress(id)).toEqual(['fulfilled', '3,3,0,0', '1,1,0,0']);
    const other = await place();
    await expect(ship(other.id, parcel.id)).rejects.toMatchObject({ code: 'not-found' });
  });

  test('that is cancelled frees its units', async () => {
    const { id } = await place();
    const parcel = await pack(id);
    expect(await change({ orderId: id, fulfilmentId: parcel.id, to: 'cancelled' })).toMatchObject({
      status: 'cancelled',
    });
    expect(await progress(id)).toEqual(['unfulfilled', '0,0,0,0', '0,0,0,0']);
    expect((await pack(id)).lines).toHaveLength(2);
  });
});

describe('an order that is captured at shipment', () => {
  const captured = (paymentMethod = 'pm_card_visa') =>
    saga.place([{ productId: mug, quantity: 2 }], { captureAt: 'shipment', paymentMethod });

  test('is captured once, when its first parcel ships', async () => {
    const { id, payment } = await captured();
    expect(payment!.status).toBe('authorized');
    const first = await pack(id, [units(mug, 1)]);
    expect((await saga.order(id)).payment!.status).toBe('authorized');
    await ship(id, first.id);
    await saga.states.idle();
    await shipAll(id);
    await saga.states.idle();
    expect(await saga.order(id)).toMatchObject({ fulfilmentStatus: 'fulfilled', payment: { status: 'captured' } });
    expect((await entriesOf(id)).filter((type) => type === 'payment-captured')).toHaveLength(1);
  });

  test('and whose capture is refused ships no more, but what has shipped arrives and comes back', async () => {
    const { id } = await captured('pm_captureDeclined');
    const [first, second] = [await pack(id, [units(mug, 1)]), await pack(id, [units(mug, 1)])];
    await ship(id, first.id);
    await saga.states.idle();
    expect(await saga.order(id)).toMatchObject({ status: 'needs_attention', fulfilmentStatus: 'partially_fulfilled' });
    await expect(ship(id, second.id)).rejects.toMatchObject({ code: 'order-not-fulfillable' });
    await deliver(id, first.id);
    const request = await ask(id, [units(mug, 1)]);
    await receive(id, request.id, [{ productId: mug, restock: 1, writeOff: 0 }]);
    expect((await progress(id))[1]).toBe('2,1,1,1');
  });
});

describe('cancelling an order', () => {
  test('of which nothing has shipped unpacks its parcels, and nothing of it ships afterwards', async () => {
    const { id } = await place();
    const before = await levelOf(mug);
    const parcel = await pack(id, [units(mug, 2)]);
    await saga.cancel(id);
    await saga.states.idle();
    expect((await saga.order(id)).status).toBe('cancelled');
    expect(await levelOf(mug)).toBe(before + 3);
    expect((await readFulfilments(sql, { orderId: id }))[0]!.status).toBe('cancelled');
    await expect(ship(id, parcel.id)).rejects.toMatchObject({ code: 'order-not-fulfillable' });
  });

  test('of which everything has shipped is refused, and its stock and money stay', async () => {
    const { id } = await place();
    await shipAll(id);
    const before = await levelOf(mug);
    await expect(saga.cancel(id)).rejects.toMatchObject({ code: 'order-shipped' });
    await saga.states.idle();
    expect(await saga.order(id)).toMatchObject({ status: 'confirmed', payment: { status: 'captured' } });
    expect(await levelOf(mug)).toBe(before);
    await expect(saga.owner`update orders.orders set status = 'cancelling' where id = ${id}`).rejects.toMatchObject({
      constraint_name: 'shipped_order_stays',
    });
  });

  test('while it is being shipped ends in one of both, never in both', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 6 }, async () => {
        const { id } = await place();
        const parcel = await pack(id);
        const [shipped, cancelled] = await Promise.allSettled([ship(id, parcel.id), saga.cancel(id)]);
        return { id, shipped: shipped.status === 'fulfilled', cancelled: cancelled.status === 'fulfilled' };
      }),
    );
    await saga.states.idle();
    for (const { id, shipped, cancelled } of outcomes) {
      expect(shipped).not.toBe(cancelled);
      expect(await saga.order(id)).toMatchObject(
        shipped ? { status: 'confirmed', fulfilmentStatus: 'fulfilled' } : { status: 'cancelled' },
      );
    }
  });
});

describe('a return', () => {
  test('brings units back to the shelf or off the ledger, once', async () => {
    const { id } = await place();
    await shipAll(id);
    const before = await levelOf(mug);
    const request = await ask(id, [units(mug, 2), units(pot, 1)]);
    expect(request).toMatchObject({ status: 'requested', rejection: null });
    expect(await progress(id)).toEqual(['fulfilled', '3,3,0,2', '1,1,0,1']);
    const received = await receive(id, request.id, [
      { productId: mug, restock: 1, writeOff: 1 },
      { productId: pot, restock: 0, writeOff: 1 },
    ]);
    expect(received.lines).toMatchObject([
      { productId: mug, quantity: 2, restocked: 1, writtenOff: 1, reason: 'damaged' },
      { productId: pot, quantity: 1, restocked: 0, writtenOff: 1 },
    ]);
    expect(await movementsOf(request.id)).toEqual([
      ['mug', 'restock', 2],
      ['mug', 'write_off', -1],
      ['pot', 'restock', 1],
      ['pot', 'write_off', -1],
    ]);
    expect(await levelOf(mug)).toBe(before + 1);
    await expect(receive(id, request.id, [{ productId: mug, restock: 1, writeOff: 0 }])).rejects.toMatchObject({
      code: 'return-status',
    });
    expect((await eventsOf(id)).slice(-2).map(({ type, subject }) => [type, subject])).toEqual([
      ['return.requested', request.id],
      ['return.received', request.id],
    ]);
  });

  test('of units that did not arrive leaves them for another return', async () => {
    const { id } = await place();
    await shipAll(id);
    const request = await ask(id, [units(mug, 3)]);
    await receive(id, request.id, [{ productId: mug, restock: 1, writeOff: 0 }]);
    expect(await progress(id)).toEqual(['fulfilled', '3,3,0,1', '1,1,0,0']);
    const more = await ask(id, [units(mug, 2)]);
    await receive(id, more.id, [{ productId: mug, restock: 2, writeOff: 0 }]);
    expect(await progress(id)).toEqual(['fulfilled', '3,3,0,3', '1,1,0,0']);
  });

  test('never has more units than were shipped, however many ask at once', async () => {
    const { id } = await place();
    await expect(ask(id, [units(mug, 1)])).rejects.toMatchObject({ code: 'return-too-large' });
    await shipAll(id, [units(mug, 2)]);
    const tries = await Promise.allSettled(Array.from({ length: 6 }, () => ask(id, [units(mug, 2)])));
    expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    await expect(ask(id, [units(mug, 1)])).rejects.toMatchObject({ code: 'return-too-large' });
  });

  test('that is received twice at once moves stock once', async () => {
    const { id } = await place();
    await shipAll(id);
    const before = await levelOf(pot);
    const request = await ask(id, [units(pot, 1)]);
    const arrived = [{ productId: pot, restock: 1, writeOff: 0 }];
    const tries = await Promise.allSettled(Array.from({ length: 5 }, () => receive(id, request.id, arrived)));
    expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await levelOf(pot)).toBe(before + 1);
  });

  test('that is rejected says why, and frees its units', async () => {
    const { id } = await place();
    await shipAll(id);
    const request = await ask(id, [units(mug, 3)]);
    const reject = () => rejectReturn(deps(), claim(), { orderId: id, returnId: request.id, reason: 'worn' });
    expect(bodyOf(await reject())).toMatchObject({ status: 'rejected', rejection: 'worn' });
    await expect(reject()).rejects.toMatchObject({ code: 'return-status' });
    expect(await progress(id)).toEqual(['fulfilled', '3,3,0,0', '1,1,0,0']);
    await ask(id, [units(mug, 3)]);
  });

  test('of somebody else’s order, or with more than was asked for, changes nothing', async () => {
    const { id } = await place();
    await shipAll(id);
    const stranger = newId('customer', saga.clock);
    await expect(ask(id, [units(mug, 1)], { of: stranger })).rejects.toMatchObject({ code: 'not-found' });
    const request = await ask(id, [units(mug, 1)]);
    const tooMany = [{ productId: mug, restock: 1, writeOff: 1 }];
    await expect(receive(id, request.id, tooMany)).rejects.toMatchObject({ code: 'return-too-large' });
    const other = [{ productId: pot, restock: 1, writeOff: 0 }];
    await expect(receive(id, request.id, other)).rejects.toMatchObject({ code: 'line-unknown' });
    expect(await movementsOf(request.id)).toEqual([]);
  });
});

test('the check of lines finds counters that parcels and returns do not add up to', async () => {
  const { id } = await place();
  await shipAll(id);
  const violations = () => monitor`select order_id from monitor.line_violations where order_id = ${id}`;
  expect(await violations()).toHaveLength(0);
  await saga.owner`update orders.lines set returned = 1 where order_id = ${id} and product_id = ${mug}`;
  expect(await violations()).toHaveLength(1);
  await saga.owner`update orders.lines set returned = 0 where order_id = ${id} and product_id = ${mug}`;
});
