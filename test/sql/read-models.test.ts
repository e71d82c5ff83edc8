import type { Sql } from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { run as consume } from '../../functions/consumers/update-read-models.ts';
import { updateCustomer } from '../../lib/accounts/customers/customers.sql.ts';
import { emptyCustomer } from '../../lib/accounts/customers/erase.sql.ts';
import { announceCustomer } from '../../lib/accounts/customers/events.sql.ts';
import { inTransaction } from '../../lib/database/transaction.sql.ts';
import { findOrderDetails, listOrderDetails } from '../../lib/events/read-models/read-orders.sql.ts';
import { startRebuild, updateReadModels } from '../../lib/events/read-models/update.ts';
import { stopwatch } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { closeCompensated } from '../../lib/saga/compensate.sql.ts';
import { confirmIfReserved } from '../../lib/saga/confirm.sql.ts';
import { reserveAllOrNothing } from '../../lib/saga/reserve.sql.ts';
import { cancelIfPossible } from '../../lib/shop/orders/cancel.sql.ts';
import { claimRefund } from '../../lib/shop/payments/refunds.sql.ts';
import { settleRefund } from '../../lib/shop/payments/settle-refund.sql.ts';
import { releaseWhatIsHeld } from '../../lib/shop/stock/reservations.sql.ts';
import { poolOptions, type Saga, startSaga } from '../support/saga.ts';

let saga: Saga;
let [models, backOffice, refunds, erasure, customers]: Sql[] = [];
beforeAll(async () => {
  saga = await startSaga();
  [models, backOffice, refunds, erasure, customers] = (
    ['read_models', 'back_office_api', 'refunds_api', 'customer_erasure', 'customers_api'] as const
  ).map((role) => saga.connect(role, poolOptions) as unknown as Sql);
});
afterAll(async () => {
  await Promise.all([models, backOffice, refunds, erasure, customers].map((sql) => sql?.end()));
  await saga.stop();
});

const update = (limitMs = 60_000) => updateReadModels({ sql: models!, now: saga.clock.now, stopwatch, limitMs });
const find = (orderId: string, minSequence?: number) =>
  findOrderDetails(backOffice!, { orderId, minSequence }, saga.clock.now());
const list = (filter: object = {}) => listOrderDetails(backOffice!, { limit: 100, ...filter }, saga.clock.now());
/** The whole read model as PostgreSQL writes it, without the number of the generation. */
const dump = async () => {
  const rows = await saga.owner`
    select jsonb_agg(to_jsonb(o) - 'generation' order by o.order_id)::text as text from read_models.order_details o
    join read_models.generations g on g.model = 'order_details' and g.live and g.generation = o.generation`;
  return rows[0]!.text as string;
};

const ids = () => ({
  paymentId: newId('payment', saga.clock),
  eventId: newId('event', saga.clock),
  paymentEventId: newId('event', saga.clock),
});
const at = () => new Date(saga.clock.now());
async function newCustomer(name: string): Promise<string> {
  const id = newId('customer', saga.clock);
  await saga.owner`
    insert into customers.customers (id, email, name, password_hash, created_at, updated_at)
    values (${id}, ${`${id}@example.com`}, ${name}, 'x', now(), now())`;
  return id;
}
const announce = (id: string) => announceCustomer(customers!, id, { clock: saga.clock, requestId: 'req_1' });

async function place(customerId = saga.customerId): Promise<string> {
  const productId = await saga.product(5);
  const { id } = await saga.place([{ productId, quantity: 2 }], { start: false });
  if (customerId !== saga.customerId) {
    await saga.owner`update orders.orders set customer_id = ${customerId} where id = ${id}`;
    await saga.owner`
      update outbox.events set data = data || ${JSON.stringify({ customerId })}::text::jsonb where aggregate_id = ${id}`;
  }
  return id;
}
async function confirm(orderId: string) {
  await reserveAllOrNothing(saga.saga, {
    orderId,
    eventId: newId('event', saga.clock),
    at: at(),
    expiresAt: new Date(saga.clock.now() + 900_000),
  });
  await confirmIfReserved(saga.saga, {
    orderId,
    ...ids(),
    provider: 'simulated',
    reference: `ch_${orderId}`,
    at: at(),
  });
}
async function cancel(orderId: string, customerId = saga.customerId) {
  await inTransaction(saga.cancellations as unknown as Sql, (tx) =>
    cancelIfPossible(tx, { orderId, customerId, confirmedAfter: new Date(0), at: at() }),
  );
  await releaseWhatIsHeld(saga.saga, { orderId, at: at() });
  await closeCompensated(saga.saga, {
    orderId,
    ...ids(),
    failure: { code: 'cancelled', detail: 'x' },
    refund: { outcome: 'refunded', provider: 'simulated', reference: `ch_${orderId}`, refundReference: 're_1' },
    at: at(),
  });
}
async function refund(orderId: string, amount: number) {
  const refundId = newId('refund', saga.clock);
  const request = { id: refundId, orderId, amount, reason: 'broken', requestedBy: 'app:key', requestId: 'req_2' };
  await inTransaction(refunds!, (tx) => claimRefund(tx, { ...request, at: at() }));
  await settleRefund(saga.saga, { refundId, eventId: ids().eventId, at: at(), outcome: 'succeeded', reference: 're' });
}

test('a run that found events takes those of the next half second too, and one that found none ends at once', async () => {
  await update();
  const first = await place();
  const later: string[] = [];
  const run = () =>
    consume(
      {},
      {
        ...{ sql: () => models!, now: saga.clock.now, stopwatch, limitMs: 60_000 },
        ...{ wake: async () => {}, meter: { count() {} } },
        sleep: async () => later.push(await place()),
      },
    );
  expect(await run()).toMatchObject({ lag: 0, unfinished: false });
  expect(later).toHaveLength(1);
  for (const id of [first, ...later]) expect(await find(id)).toMatchObject({ order: { id }, behind: false });
  expect(await run()).toMatchObject({ applied: 0 });
  expect(later).toHaveLength(1);
});

test('a run that a publisher woke looks again though another run had taken its events: no other is woken meanwhile', async () => {
  await update();
  const later: string[] = [];
  const run = consume(
    { published: true },
    {
      ...{ sql: () => models!, now: saga.clock.now, stopwatch, limitMs: 60_000 },
      ...{ wake: async () => {}, meter: { count() {} } },
      sleep: async () => later.push(await place()),
    },
  );
  expect(await run).toMatchObject({ lag: 0 });
  expect(await find(later[0]!)).toMatchObject({ order: { id: later[0] }, behind: false });
});

describe('order_details', () => {
  test('follows an order to its end, with its customer, payment, refunds and timeline', async () => {
    const customerId = await newCustomer('Ada');
    await announce(customerId);
    const orderId = await place(customerId);
    expect(await find(orderId)).toMatchObject({ order: undefined, behind: true });
    expect((await find(newId('order', saga.clock))).behind).toBe(false);
    await update();
    const customer = { email: `${customerId}@example.com`, name: 'Ada', premium: false };
    const pending = { id: orderId, sequence: 1, status: 'pending', customerId, customer, payment: null, refunds: [] };
    expect(await find(orderId)).toMatchObject({ order: pending, behind: false, readModel: { lagSeconds: 0 } });
    await confirm(orderId);
    await refund(orderId, 150);
    expect(await find(orderId, 5)).toMatchObject({ order: pending, behind: true });
    await update();
    const total = (await find(orderId)).order!.total;
    expect((await find(orderId, 5)).order).toMatchObject({
      status: 'confirmed',
      sequence: 5,
      payment: { status: 'captured', amount: total, refunded: { ...total, amount: 150 } },
      refunds: [{ status: 'succeeded', amount: { amount: 150 }, reason: null }],
    });
    await cancel(orderId, customerId);
    await update();
    const { order } = await find(orderId);
    expect(order).toMatchObject({
      status: 'cancelled',
      payment: { status: 'refunded', refunded: total },
      failure: null,
    });
    expect(order!.timeline.map(({ type }) => type)).toEqual([
      'order.placed',
      'order.reserved',
      'payment.captured',
      'order.confirmed',
      'refund.succeeded',
      'payment.refunded',
      'order.cancelled',
    ]);
  });

  test('shows customers as they are now, whichever event came first, and nothing of who is erased', async () => {
    const customerId = await newCustomer('Ada');
    const orderId = await place(customerId);
    await update();
    expect((await find(orderId)).order!.customer).toBeNull();
    await announce(customerId);
    await updateCustomer(customers!, customerId, { name: 'Ada King', premium: true }, {}, saga.clock);
    await update();
    const email = `${customerId}@example.com`;
    expect((await find(orderId)).order!.customer).toEqual({ email, name: 'Ada King', premium: true });
    expect((await list({ email })).orders.map(({ id }) => id)).toEqual([orderId]);
    await inTransaction(erasure!, (tx) =>
      emptyCustomer(tx, { id: customerId, eventId: ids().eventId, requestId: 'req_erase' }, saga.clock),
    );
    await update();
    expect((await find(orderId)).order!.customer).toBeNull();
    expect((await list({ email })).orders).toEqual([]);
    for (const table of ['customers', 'order_details']) {
      const rows = await saga.owner`select t::text from ${saga.owner(`read_models.${table}`)} t`;
      expect(JSON.stringify(rows)).not.toContain('Ada King');
      expect(JSON.stringify(rows)).not.toContain(email);
    }
  });

  test('lists by status, customer and page', async () => {
    const customerId = await newCustomer('Bo');
    const [first, second, third] = [await place(customerId), await place(customerId), await place(customerId)];
    await confirm(second);
    await update();
    const listed = async (filter: object) => (await list({ customerId, ...filter })).orders.map(({ id }) => id);
    expect(await listed({})).toEqual([third, second, first]);
    expect(await listed({ limit: 1, before: third })).toEqual([second]);
    expect(await listed({ status: 'confirmed' })).toEqual([second]);
    expect(await listed({ status: 'failed' })).toEqual([]);
  });

  test('says how old it is while it lacks events, and waits for those of the order alone', async () => {
    const [mine, other] = [await place(), await place()];
    await update();
    await confirm(other);
    const later = saga.clock.now() + 5000;
    const { order, behind, readModel } = await findOrderDetails(backOffice!, { orderId: mine, minSequence: 9 }, later);
    expect({ sequence: order!.sequence, behind }).toEqual({ sequence: 1, behind: false });
    expect(readModel.lagSeconds).toBeGreaterThanOrEqual(4);
    await update();
    expect((await findOrderDetails(backOffice!, { orderId: mine, minSequence: 9 }, later)).readModel).toMatchObject({
      lagSeconds: 0,
    });
  });

  test('applies each event once when many runs overlap', async () => {
    const orders = await Promise.all(Array.from({ length: 12 }, () => place()));
    await Promise.all(orders.map(confirm));
    const runs = await Promise.all(Array.from({ length: 6 }, () => update()));
    expect(runs.reduce((sum, { applied }) => sum + applied, 0)).toBeGreaterThanOrEqual(48);
    for (const id of orders) {
      expect((await find(id)).order).toMatchObject({ status: 'confirmed', timeline: [{}, {}, {}, {}] });
    }
  });
});

describe('a rebuild', () => {
  let before: string;
  beforeEach(async () => {
    await update();
    before = await dump();
  });

  test('makes what is there, byte for byte, and only once', async () => {
    expect(await startRebuild(models!, 'order_details')).toBe(true);
    expect(await startRebuild(models!, 'order_details'), 'one is under way').toBe(false);
    expect(await dump(), 'the one that is read stays').toBe(before);
    expect(await update()).toMatchObject({ rebuilding: false, lag: 0 });
    expect(await dump()).toBe(before);
    const generations = await saga.owner`select distinct generation from read_models.order_details`;
    expect(generations, 'the one before is deleted').toHaveLength(1);
  });

  test('goes on where a run without time has stopped, while orders are placed and customers change', async () => {
    await startRebuild(models!, 'order_details');
    const customerId = await newCustomer('Cy');
    const orderId = await place(customerId);
    expect(await update(0)).toMatchObject({ applied: 0, rebuilding: true, unfinished: true });
    await announce(customerId);
    await confirm(orderId);
    await Promise.all([update(), update(), update()]);
    expect(await update()).toMatchObject({ rebuilding: false });
    expect((await find(orderId)).order).toMatchObject({ status: 'confirmed', customer: { name: 'Cy' } });
    const rebuilt = await dump();
    await startRebuild(models!, 'order_details');
    await update();
    expect(await dump()).toBe(rebuilt);
  });

  test('does not repair by itself what somebody has changed, and a rebuild does', async () => {
    await saga.owner`update read_models.order_details set status = 'failed', details = '{}'`;
    await update();
    expect(await dump()).not.toBe(before);
    await startRebuild(models!, 'order_details');
    await update();
    expect(await dump()).toBe(before);
  });
});
