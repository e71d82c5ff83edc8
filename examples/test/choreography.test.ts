import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { removePostgresData } from '../../infra/local/postgres/start.ts';
import { type Choreography, type Delivery, startChoreography } from '../choreography/start.ts';

type Deliver = (delivery: Delivery, next: () => Promise<unknown>) => Promise<unknown>;

let shop: Choreography;
let directory: string;
let deliver: Deliver;
/** Every delivery, in the order in which they began. */
let delivered: Delivery[];
const plainly: Deliver = (_, next) => next();

beforeAll(async () => {
  vi.stubEnv('POWERTOOLS_LOG_LEVEL', 'SILENT');
  directory = await mkdtemp(join(tmpdir(), 'counterfoil-choreography-'));
  deliver = plainly;
  delivered = [];
  shop = await startChoreography({
    directory,
    deliver: (delivery, next) => {
      delivered.push(delivery);
      return deliver(delivery, next);
    },
  });
});
afterEach(() => {
  deliver = plainly;
  delivered = [];
});
afterAll(async () => {
  await shop?.stop();
  await removePostgresData(join(directory, 'postgres'));
  await rm(directory, { recursive: true, force: true });
});

const order = (productId: string, quantity = 1, paymentMethod = 'pm_card_visa') =>
  shop.place({ productId, quantity, paymentMethod, total: { amount: 1900 * quantity, currency: 'EUR' } });

async function ended(orderId: string): Promise<string> {
  for (;;) {
    const status = await shop.status(orderId);
    if (status !== 'pending') return status;
    await sleep(5);
  }
}

/** Resolves when the outbox and the bus are empty, so that nothing more happens. */
async function quiet(): Promise<void> {
  for (let before = -1; before !== delivered.length; ) {
    before = delivered.length;
    await shop.bus.idle();
    while ((await shop.owner`select from outbox.events where published_at is null`).length > 0) await sleep(5);
    await shop.bus.idle();
  }
}

/** What the stock has in the end, read past its room. */
async function unitsOf(productId: string) {
  const [row] = await shop.owner`
    select (select available from stock.levels where product_id = ${productId}) as available,
      coalesce(sum(r.quantity) filter (where r.state = 'committed'), 0)::integer as committed,
      coalesce(sum(r.quantity) filter (where r.state = 'reserved'), 0)::integer as reserved
    from stock.reservations r where r.product_id = ${productId}`;
  return { ...row };
}

const stateOf = async (orderId: string) => ({
  order: await shop.status(orderId),
  charge: shop.provider.charges.get(orderId)?.state,
  stock: (await shop.owner`select state from stock.reservations where order_id = ${orderId}`)[0]?.state,
});

/** Keeps a delivery back until another one of the same order has been made. */
const holdUntil =
  (held: Omit<Delivery, 'orderId'>, first: Omit<Delivery, 'orderId'>): Deliver =>
  async (delivery, next) => {
    const is = (one: Omit<Delivery, 'orderId'>) => one.room === delivery.room && one.type === delivery.type;
    if (is(held)) {
      const made = (one: Delivery) =>
        one.orderId === delivery.orderId && one.room === first.room && one.type === first.type;
      while (!done.some(made)) await sleep(5);
    }
    const result = await next();
    done.push(delivery);
    return result;
  };
const done: Delivery[] = [];

test('a paid order with stock is confirmed, and its units are committed', async () => {
  const productId = await shop.newProduct(3);
  const orderId = await order(productId, 2);
  expect(await ended(orderId)).toBe('confirmed');
  await quiet();
  expect(await stateOf(orderId)).toEqual({ order: 'confirmed', charge: 'captured', stock: 'committed' });
  expect(await unitsOf(productId)).toEqual({ available: 1, committed: 2, reserved: 0 });
});

test('a declined payment releases the stock, by subscription', async () => {
  const productId = await shop.newProduct(3);
  const orderId = await order(productId, 2, 'pm_card_chargeDeclined');
  expect(await ended(orderId)).toBe('failed');
  await quiet();
  expect(await stateOf(orderId)).toEqual({ order: 'failed', charge: 'refused', stock: 'released' });
  expect(await unitsOf(productId)).toMatchObject({ available: 3, reserved: 0 });
  expect(delivered).toContainEqual({ room: 'stock', type: 'payment.failed', orderId });
});

test('stock that is out gives the money back, by subscription', async () => {
  const productId = await shop.newProduct(1);
  const orderId = await order(productId, 2);
  expect(await ended(orderId)).toBe('failed');
  await quiet();
  expect(['refunded', undefined]).toContain(shop.provider.charges.get(orderId)?.state);
  expect(await unitsOf(productId)).toMatchObject({ available: 1, reserved: 0 });
});

test('a failed payment that overtakes its order leaves no stock held', async () => {
  deliver = holdUntil({ room: 'stock', type: 'order.placed' }, { room: 'stock', type: 'payment.failed' });
  const productId = await shop.newProduct(3);
  const orderId = await order(productId, 2, 'pm_card_chargeDeclined');
  expect(await ended(orderId)).toBe('failed');
  await quiet();
  expect(await stateOf(orderId)).toEqual({ order: 'failed', charge: 'refused', stock: 'released' });
  expect(await unitsOf(productId)).toMatchObject({ available: 3, reserved: 0 });
});

test('a refusal of the stock that overtakes the order at the payments leaves nothing charged', async () => {
  deliver = holdUntil({ room: 'payments', type: 'order.placed' }, { room: 'payments', type: 'stock.refused' });
  const orderId = await order(await shop.newProduct(0));
  expect(await ended(orderId)).toBe('failed');
  await quiet();
  expect(await stateOf(orderId)).toMatchObject({ order: 'failed', charge: undefined });
});

test('a refusal of the stock between a charge and its record gives the money back', async () => {
  const charge = shop.provider.charge.bind(shop.provider);
  vi.spyOn(shop.provider, 'charge').mockImplementation(async (asked) => {
    const paid = await charge(asked);
    const refused = { room: 'payments', type: 'stock.refused', orderId: asked.orderId };
    while (!done.some((one) => JSON.stringify(one) === JSON.stringify(refused))) await sleep(5);
    return paid;
  });
  deliver = holdUntil({ room: '', type: '' }, { room: '', type: '' });
  const orderId = await order(await shop.newProduct(0));
  expect(await ended(orderId)).toBe('failed');
  await quiet();
  vi.restoreAllMocks();
  expect(await stateOf(orderId)).toMatchObject({ order: 'failed', charge: 'refunded' });
});

test('a room that fails after its work is asked again, and charges nobody twice', async () => {
  const failed = new Set<string>();
  deliver = async ({ room, type, orderId }, next) => {
    const result = await next();
    const key = `${room} ${type} ${orderId}`;
    if (!failed.has(key)) {
      failed.add(key);
      throw new Error('the answer is lost');
    }
    return result;
  };
  const productId = await shop.newProduct(5);
  const orderId = await order(productId);
  expect(await ended(orderId)).toBe('confirmed');
  // Placed at two rooms, and three events more, each twice.
  while (delivered.length < 10) await sleep(5);
  await quiet();
  expect(delivered).toHaveLength(10);
  expect([...shop.provider.charges.keys()].filter((id) => id === orderId)).toHaveLength(1);
  expect(await unitsOf(productId)).toEqual({ available: 4, committed: 1, reserved: 0 });
});

test('duplicates and reordering are harmless: 100 orders, each event twice or three times, at any time', async () => {
  const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
  const random = randomFrom(seed);
  deliver = async (_, next) => {
    const again = 1 + Math.floor(random() * 2);
    for (let n = 0; n <= again; n++) {
      await sleep(random() * 60);
      await next();
    }
  };
  const productId = await shop.newProduct(60);
  const methods = ['pm_card_visa', 'pm_card_visa', 'pm_card_chargeDeclined'] as const;
  const ids = await Promise.all(Array.from({ length: 100 }, (_, n) => order(productId, 1, methods[n % 3])));
  const statuses = await Promise.all(ids.map(ended));
  await quiet();
  const confirmed = statuses.filter((status) => status === 'confirmed').length;
  const captured = ids.filter((id) => shop.provider.charges.get(id)?.state === 'captured').length;
  expect(captured, `SEED=${seed}`).toBe(confirmed);
  expect(await unitsOf(productId), `SEED=${seed}`).toEqual({
    available: 60 - confirmed,
    committed: confirmed,
    reserved: 0,
  });
  for (const [n, id] of ids.entries()) {
    const { order: status, charge, stock } = await stateOf(id);
    const fine =
      status === 'confirmed'
        ? charge === 'captured' && stock === 'committed'
        : charge !== 'captured' && ['released', 'refused'].includes(stock);
    expect(fine, `SEED=${seed} order ${n}: ${status}, ${charge}, ${stock}`).toBe(true);
  }
  expect(await shop.findStuck(0)).toEqual([]);
});

test.each([
  ['stock', 'order.placed', { payment: 'captured', stock: 'none', waitsFor: 'stock' }],
  ['payments', 'order.placed', { payment: 'none', stock: 'reserved', waitsFor: 'payments' }],
  ['orders', 'payment.captured', { payment: 'none', stock: 'reserved', waitsFor: 'payments' }],
] as const)(
  'an event that %s loses (%s) leaves the order stuck; only a search finds it, and sending it again mends it',
  async (room, type, found) => {
    deliver = async (delivery, next) => (delivery.room === room && delivery.type === type ? undefined : await next());
    const orderId = await order(await shop.newProduct(5));
    await quiet();
    expect(await shop.status(orderId)).toBe('pending');
    // Nothing has failed: no delivery waits, and none is parked.
    expect(shop.bus.parked()).toEqual([]);
    expect(await shop.findStuck(3600)).toEqual([]);
    expect(await shop.findStuck(0)).toMatchObject([{ orderId, ...found }]);

    deliver = plainly;
    expect(await shop.republish(orderId)).toBeGreaterThan(0);
    expect(await ended(orderId)).toBe('confirmed');
    await quiet();
    expect(await shop.findStuck(0)).toEqual([]);
  },
);

test('a lost compensation keeps the customer’s money, and the order says so', async () => {
  deliver = async ({ room, type }, next) =>
    room === 'payments' && type === 'stock.refused' ? undefined : await next();
  const orderId = await order(await shop.newProduct(0));
  await quiet();
  expect(await stateOf(orderId)).toMatchObject({ order: 'pending', charge: 'captured' });
  expect(await shop.findStuck(0)).toMatchObject([
    { orderId, payment: 'captured', stock: 'refused', waitsFor: 'payments to give the money back' },
  ]);
  deliver = plainly;
  await shop.republish(orderId);
  expect(await ended(orderId)).toBe('failed');
  expect(shop.provider.charges.get(orderId)?.state).toBe('refunded');
});

test('no room can read what belongs to another', async () => {
  const rows = await shop.owner`
    select r.role, n.schema from unnest(array['orders', 'payments', 'stock']) as r (role),
      unnest(array['orders', 'payments', 'stock']) as n (schema)
    where has_schema_privilege('room_' || r.role, n.schema, 'usage') order by 1`;
  expect(rows.map(({ role, schema }) => [role, schema])).toEqual([
    ['orders', 'orders'],
    ['payments', 'payments'],
    ['stock', 'stock'],
  ]);
});

/** Mulberry32: the same numbers for the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
