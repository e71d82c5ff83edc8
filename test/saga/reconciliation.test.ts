import { DeleteCommand, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { saveSnapshotPage } from '../../lib/operations/reconciliation/snapshot.dynamo.ts';
import { openReconciliation, type Reconciliation } from '../support/reconciliation.ts';

let shop: Reconciliation;
beforeAll(async () => {
  shop = await openReconciliation();
});
afterAll(() => shop?.stop());
beforeEach(() => shop.setAhead(0.5));

const run = () => shop.run();

const confirmed = async () => shop.saga.place([{ productId: await shop.saga.product(5), quantity: 2 }]);
/** An order whose saga found that the last unit was sold meanwhile. */
const failed = async () => {
  const { saga, clock } = shop;
  const productId = await saga.product(1);
  const { id, total } = await saga.place([{ productId, quantity: 1 }], { start: false });
  await saga.owner`
    insert into stock.movements (id, product_id, kind, quantity, reserved, reason, created_at)
    values (${newId('movement', clock)}, ${productId}, 'adjustment', -1, 0, 'sold in the shop', now())`;
  await saga.startPlacing({ orderId: id, ...total, paymentMethod: 'pm_card_visa' });
  await saga.states.idle();
  const order = await saga.order(id);
  expect(order.status).toBe('failed');
  return order;
};
const open = async () => shop.saga.place([{ productId: await shop.saga.product(5), quantity: 2 }], { start: false });
/** An order that is reserved and whose saga never goes on. */
const reserved = async () => {
  const order = await open();
  const { reserveAllOrNothing } = await import('../../lib/saga/reserve.sql.ts');
  const at = new Date();
  await reserveAllOrNothing(shop.saga.saga, {
    eventId: newId('event', systemClock),
    orderId: order.id,
    at,
    expiresAt: new Date(Date.now() + 900_000),
  });
  return order;
};
const balanceOf = async (orderId: string) =>
  (await shop.saga.dynamo.documents.send(new GetCommand({ TableName: 'charges', Key: { orderId } }))).Item!;
const refundsOf = (orderId: string) =>
  shop.saga.deliveries.filter((each) => each.step === 'RefundPayment' && each.orderId === orderId).length;
const levelOf = async (productId: string) =>
  (await shop.saga.owner`select on_hand, reserved from stock.levels where product_id = ${productId}`)[0];
const stateOf = async (orderId: string) =>
  (await shop.saga.owner`select state from stock.reservations where order_id = ${orderId}`)[0]?.state;

describe('an orphaned charge', () => {
  test('of a failed order is reported at once, refunded after the grace period, and cleared', async () => {
    const order = await failed();
    const reference = await shop.charge(order.id, { amount: 1000 });
    expect(await run()).toMatchObject({ found: 1, repaired: 0 });
    expect(await shop.findings(reference)).toMatchObject([
      {
        kind: 'orphaned-charge',
        open: true,
        repair: null,
        details: { charge: { amount: 1000 }, order: { status: 'failed' } },
      },
    ]);
    expect((await shop.findings(reference))[0]!.advice).toMatch(/failed and its money was kept/);
    expect(shop.logged).toContainEqual({ kind: 'orphaned-charge', subject: reference });
    expect(await balanceOf(order.id)).toMatchObject({ status: 'captured' });

    shop.setAhead(2);
    expect(await run()).toMatchObject({ found: 0, repaired: 1 });
    expect(await balanceOf(order.id)).toMatchObject({ status: 'refunded' });
    expect(await run()).toMatchObject({ repaired: 0 });
    expect(await shop.findings(reference)).toMatchObject([
      { open: false, repair: 'done', repairKey: `${order.id}-orphaned-charge` },
    ]);
    expect(refundsOf(order.id)).toBe(1);
    expect((await shop.saga.order(order.id)).status).toBe('failed');
  });

  test('of an unknown order is refunded too, when the transactions are this stage’s own', async () => {
    const orderId = newId('order', shop.clock);
    const reference = await shop.charge(orderId);
    await run();
    shop.setAhead(2);
    await run();
    expect(await balanceOf(orderId)).toMatchObject({ status: 'refunded' });
    await run();
    expect(await shop.findings(reference)).toMatchObject([{ kind: 'orphaned-charge', open: false, repair: 'done' }]);
  });

  test('in an account that may be shared is refunded only when a saga of this stage ran for it', async () => {
    const [strange, ours] = [newId('order', shop.clock), (await failed()).id];
    const charges = [strange, ours].map((orderId) => ({
      orderId,
      reference: `pi_${orderId}`,
      status: 'captured' as const,
      amount: 500,
      refundedAmount: 0,
      currency: 'EUR',
      createdAt: Date.now(),
    }));
    await shop.saga.owner.begin(async (tx) => {
      await tx`delete from orders.timeline where order_id = ${ours}`;
      await tx`delete from orders.lines where order_id = ${ours}`;
      await tx`delete from orders.orders where id = ${ours}`;
    });
    shop.setAhead(2);
    const now = shop.clock.now();
    await saveSnapshotPage(shop.store, charges, now - 86_400_000);
    const meta = { from: now - 86_400_000, to: now, startedAt: now, completedAt: now, provider: 'stripe' };
    await putSnapshot(meta);
    const asked: string[] = [];
    await shop.reconcile({ startCompensating: async (input) => void asked.push(input.orderId) });
    expect(asked).toEqual([ours]);
    expect(await shop.findings(`pi_${strange}`)).toMatchObject([{ kind: 'orphaned-charge', open: true, repair: null }]);
    await shop.saga.owner`delete from monitor.findings where subject like 'pi_%'`;
    for (const charge of charges) await forget(charge);
  });

  test('that names no order, or something else than one of ours, is only reported', async () => {
    const reference = await shop.charge('invoice 27');
    const now = shop.clock.now();
    const nobodys = {
      orderId: null,
      reference: 'sim_ch_nobody',
      status: 'captured',
      amount: 5,
      refundedAmount: 0,
      currency: 'EUR',
      createdAt: now - 1000,
    } as const;
    await saveSnapshotPage(shop.store, [nobodys], now - 86_400_000);
    shop.setAhead(3);
    expect(await run()).toMatchObject({ repaired: 0 });
    for (const subject of [reference, 'sim_ch_nobody']) {
      expect(await shop.findings(subject)).toMatchObject([{ kind: 'orphaned-charge', open: true, repair: null }]);
    }
    await forget(nobodys);
  });

  test('of an order that is open or in manual review is left to manual review', async () => {
    const [waiting, opened] = [await open(), await open()];
    await shop.saga.owner`
      update orders.orders set status = 'needs_attention', failure_code = 'x', failure_detail = 'x' where id = ${opened.id}`;
    const references = [await shop.charge(waiting.id), await shop.charge(opened.id)];
    shop.setAhead(5);
    await run();
    for (const reference of references) expect(await shop.findings(reference)).toEqual([]);
  });
});

describe('a repair', () => {
  test('is made once by two runs at once', async () => {
    const orders = await Promise.all([failed(), failed(), failed()]);
    for (const { id } of orders) await shop.charge(id);
    shop.setAhead(2);
    await shop.snapshot();
    const runs = await Promise.all([shop.reconcile(), shop.reconcile(), shop.reconcile()]);
    await shop.saga.states.idle();
    expect(runs.reduce((sum, { repaired }) => sum + repaired, 0)).toBe(3);
    for (const { id } of orders) {
      expect(await balanceOf(id)).toMatchObject({ status: 'refunded' });
      expect(refundsOf(id)).toBe(1);
    }
    expect(shop.errors).toEqual([]);
  });

  test('that a crashed run recorded but did not start is started by the next', async () => {
    const order = await failed();
    const reference = await shop.charge(order.id);
    shop.setAhead(2);
    await shop.snapshot();
    await shop.reconcile({ startCompensating: () => Promise.reject(new Error('killed')) });
    expect(shop.errors.splice(0)).toMatchObject([{ subject: reference }]);
    expect(await shop.findings(reference)).toMatchObject([{ repair: 'started', open: true }]);
    expect(await balanceOf(order.id)).toMatchObject({ status: 'captured' });
    expect(await run()).toMatchObject({ repaired: 0 });
    expect(await balanceOf(order.id)).toMatchObject({ status: 'refunded' });
    await run();
    expect(await shop.findings(reference)).toMatchObject([{ repair: 'done', open: false }]);
    expect(refundsOf(order.id)).toBe(1);
  });

  test('retries an unanswered refund, and refunds once', async () => {
    const order = await failed();
    await shop.charge(order.id);
    shop.saga.fault('RefundPayment', async (next, delivery) => {
      const answer = await next();
      if (delivery < 3) throw new Error('the answer was lost');
      return answer;
    });
    shop.setAhead(2);
    await run();
    shop.saga.faults.clear();
    const { refundReference, status } = await balanceOf(order.id);
    expect(status).toBe('refunded');
    expect(refundsOf(order.id)).toBe(3);
    await run();
    expect(await balanceOf(order.id)).toMatchObject({ refundReference });
    expect((await shop.saga.order(order.id)).status).toBe('failed');
  });

  test('that fails is not retried automatically: its execution raises the alarm, and the finding stays', async () => {
    const order = await failed();
    const reference = await shop.charge(order.id);
    shop.saga.fault('RefundPayment', () => Promise.reject(new Error('away')));
    shop.setAhead(2);
    await run();
    await run();
    shop.saga.faults.clear();
    await run();
    expect(await shop.findings(reference)).toMatchObject([{ repair: 'failed', open: true }]);
    expect(await balanceOf(order.id)).toMatchObject({ status: 'captured' });
    await shop.changeCharge(order.id, 'status', 'refunded');
    await run();
    expect(await shop.findings(reference)).toMatchObject([{ repair: 'failed', open: false }]);
  });

  test('is never made again for the same order, even when it is found again after it was cleared', async () => {
    const order = await failed();
    const reference = await shop.charge(order.id);
    shop.setAhead(2);
    await run();
    await run();
    await shop.changeCharge(order.id, 'refundedAmount', 0);
    await shop.changeCharge(order.id, 'status', 'captured');
    expect(await run()).toMatchObject({ found: 1, repaired: 0 });
    expect(await shop.findings(reference)).toMatchObject([
      { open: false, repair: 'done' },
      { open: true, repair: null },
    ]);
    expect(refundsOf(order.id)).toBe(1);
    await shop.changeCharge(order.id, 'status', 'refunded');
    await run();
  });

  test('is limited to twenty in a run', async () => {
    const ids = Array.from({ length: 23 }, () => newId('order', shop.clock));
    for (const id of ids) await shop.charge(id);
    shop.setAhead(2);
    expect(await run()).toMatchObject({ found: 23, repaired: 20 });
    expect(await run()).toMatchObject({ found: 0, repaired: 3 });
    await run();
  });
});

describe('an order and its charge', () => {
  test('a confirmed order that the provider has no money for', async () => {
    const order = await confirmed();
    await shop.saga.dynamo.documents.send(new DeleteCommand({ TableName: 'charges', Key: { orderId: order.id } }));
    await run();
    expect(await shop.findings(order.id)).toMatchObject([
      { kind: 'order-without-charge', open: true, repair: null, details: { order: { total: order.total.amount } } },
    ]);
    expect((await shop.findings(order.id))[0]!.advice).toMatch(/hold the goods back/);
  });

  test('refunded at the provider alone is found from either side, and cleared when the order is cancelled', async () => {
    const order = await confirmed();
    await shop.changeCharge(order.id, 'status', 'refunded');
    await run();
    expect(await shop.findings(order.id)).toMatchObject([{ kind: 'order-without-charge', open: true }]);
    await shop.saga.cancel(order.id);
    await shop.saga.states.idle();
    shop.setAhead(1);
    await run();
    expect(await shop.findings(order.id)).toMatchObject([{ open: false }]);
  });

  test.each([
    ['amount', 1999],
    ['currency', 'USD'],
  ])('that differ in the %s', async (name, value) => {
    const order = await confirmed();
    const { reference, [name]: before } = await balanceOf(order.id);
    await shop.changeCharge(order.id, name, value);
    await run();
    expect(await shop.findings(reference)).toMatchObject([
      { kind: 'amount-differs', open: true, repair: null, details: { differs: expect.arrayContaining([name]) } },
    ]);
    expect((await shop.findings(reference))[0]!.advice).toContain(name);
    await shop.changeCharge(order.id, name, before);
    await run();
    expect(await shop.findings(reference)).toMatchObject([{ open: false }]);
  });

  test('with a partial refund of ours agree before, during and after it', async () => {
    const order = await confirmed();
    const { reference } = await balanceOf(order.id);
    const [refund] = await shop.saga.owner`
      with claimed as (
        update payments.payments set refund_claimed = 500 where order_id = ${order.id} returning id, order_id
      )
      insert into payments.refunds (
        id, payment_id, order_id, status, amount, currency, reason, requested_by, created_at, updated_at
      )
      select ${newId('refund', shop.clock)}, id, order_id, 'requested', 500, 'EUR', 'broken', 'test', now(), now()
      from claimed
      returning id`;
    await run();
    const part = { orderId: order.id, refundId: refund!.id, amount: 500, currency: 'EUR', reference };
    await shop.saga.gateway.refundPart(part);
    await run();
    await shop.saga.owner`update payments.payments set refunded_amount = 500 where order_id = ${order.id}`;
    await shop.saga
      .owner`update payments.refunds set status = 'succeeded', reference = 're' where order_id = ${order.id}`;
    await run();
    for (const subject of [reference, order.id]) expect(await shop.findings(subject)).toEqual([]);

    // A part that went back past us is another matter.
    await shop.saga.gateway.refundPart({ ...part, refundId: newId('refund', shop.clock), amount: 100 });
    await run();
    expect(await shop.findings(reference)).toMatchObject([
      { kind: 'amount-differs', details: { differs: ['refundedAmount'], charge: { refundedAmount: 600 } } },
    ]);
  });

  test('a second charge of a paid order is reported, and not refunded', async () => {
    const order = await confirmed();
    const now = shop.clock.now();
    const second = {
      orderId: order.id,
      reference: 'sim_ch_second',
      status: 'captured',
      amount: 2000,
      refundedAmount: 0,
      currency: 'EUR',
      createdAt: now - 1000,
    } as const;
    await saveSnapshotPage(shop.store, [second], now - 86_400_000);
    shop.setAhead(3);
    expect(await run()).toMatchObject({ repaired: 0 });
    expect(await shop.findings('sim_ch_second')).toMatchObject([{ kind: 'charge-twice', open: true, repair: null }]);
    await forget(second);
  });

  test('a finding older than the snapshot stays until it is corrected', async () => {
    const order = await confirmed();
    const { reference } = await balanceOf(order.id);
    await shop.changeCharge(order.id, 'amount', 1);
    await run();
    shop.setAhead(24 * 8);
    await run();
    expect(await shop.findings(reference)).toMatchObject([{ kind: 'amount-differs', open: true }]);
    await shop.pastGuards((sql) => sql`update payments.payments set amount = 1 where order_id = ${order.id}`);
    await run();
    expect(await shop.findings(reference)).toMatchObject([{ open: false }]);
  });

  test('an order that changed after the snapshot is left to the next one', async () => {
    const order = await confirmed();
    await shop.snapshot();
    await shop.saga.cancel(order.id);
    await shop.saga.states.idle();
    // The snapshot still says captured, and the order is cancelled by now.
    await shop.pastGuards(
      (sql) => sql`update orders.orders set updated_at = ${new Date(shop.clock.now())} where id = ${order.id}`,
    );
    await shop.reconcile();
    expect(await shop.findings((await balanceOf(order.id)).reference)).toEqual([]);
  });
});

describe('orphaned stock', () => {
  const end = (orderId: string) =>
    shop.pastGuards(
      (sql) =>
        sql`update orders.orders set status = 'failed', failure_code = 'x', failure_detail = 'x' where id = ${orderId}`,
    );

  test('held for an order that failed is released, once, and its level follows', async () => {
    const order = await reserved();
    const productId = order.lines[0]!.productId;
    await end(order.id);
    await shop.snapshot();
    const runs = await Promise.all([shop.reconcile(), shop.reconcile()]);
    expect(runs[0].repaired + runs[1].repaired).toBe(1);
    expect(await stateOf(order.id)).toBe('released');
    expect(await levelOf(productId)).toEqual({ onHand: 5, reserved: 0 });
    await run();
    expect(await shop.findings(order.id)).toMatchObject([
      { kind: 'reservation-without-owner', open: false, repair: 'done', repairKey: `${order.id}-release` },
    ]);
  });

  test('held for an order that does not exist, and never entered into the ledger, is released without a movement', async () => {
    const [orderId, productId] = [newId('order', shop.clock), await shop.saga.product(5)];
    await shop.saga.owner`
      insert into stock.reservations (order_id, product_id, quantity, expires_at) values (${orderId}, ${productId}, 3, now())`;
    await run();
    expect(await stateOf(orderId)).toBe('released');
    expect(await levelOf(productId)).toEqual({ onHand: 5, reserved: 0 });
    await run();
    expect(await shop.findings(orderId)).toMatchObject([{ open: false, repair: 'done' }]);
    expect(await shop.findings(productId)).toEqual([]);
  });

  test('that the ledger knows only in part is left to an operator', async () => {
    const order = await reserved();
    await end(order.id);
    await shop.pastGuards((sql) => sql`update stock.movements set reserved = 1 where order_id = ${order.id}`);
    expect(await run()).toMatchObject({ repaired: 0 });
    expect(await stateOf(order.id)).toBe('held');
    expect(await shop.findings(order.id)).toMatchObject([{ open: true, repair: null }]);
  });

  test.each(['confirmed', 'cancelled'] as const)(
    'committed or held where it should not be, of a %s order, is only reported',
    async (status) => {
      const order = await confirmed();
      if (status === 'cancelled') {
        await shop.saga.cancel(order.id);
        await shop.saga.states.idle();
      }
      const state = status === 'confirmed' ? 'held' : 'committed';
      await shop.pastGuards((sql) => sql`update stock.reservations set state = ${state} where order_id = ${order.id}`);
      expect(await run()).toMatchObject({ repaired: 0 });
      expect(await stateOf(order.id)).toBe(state);
      expect(await shop.findings(order.id)).toMatchObject([
        { kind: 'reservation-without-owner', open: true, repair: null },
      ]);
    },
  );

  test('is held for an open order when it expired an hour ago and no execution works on it', async () => {
    const order = await reserved();
    shop.setAhead(1.2);
    await run();
    expect(await shop.findings(order.id)).toEqual([]);
    shop.setAhead(1.3);
    await shop.snapshot();
    await shop.reconcile({ describeExecution: () => Promise.resolve('RUNNING') });
    expect(await shop.findings(order.id)).toEqual([]);
    await run();
    expect(await shop.findings(order.id)).toMatchObject([
      { kind: 'reservation-without-owner', open: true, repair: null },
    ]);
    expect((await shop.findings(order.id))[0]!.advice).toMatch(/sweep-orders/);
    expect(await stateOf(order.id)).toBe('held');
  });
});

describe('a level', () => {
  test('that is what the ledger says, but not what is held', async () => {
    const order = await confirmed();
    const productId = order.lines[0]!.productId;
    await shop.pastGuards((sql) => sql`update stock.reservations set state = 'held' where order_id = ${order.id}`);
    await run();
    const [found] = await shop.findings(productId);
    expect(found).toMatchObject({
      kind: 'level-differs-from-ledger',
      details: { reserved: 0, ledgerReserved: 0, held: 2 },
    });
    expect(found!.advice).toMatch(/reservation and movements disagree/);
  });

  test.each([
    ['on_hand', 'written past the ledger', /past the ledger/],
    ['reserved', 'that no reservation accounts for', /past the ledger/],
  ])('%s %s is reported, and cleared when it is right again', async (column, _, advice) => {
    const productId = await shop.saga.product(5);
    await shop.saga
      .owner`update stock.levels set ${shop.saga.owner(column)} = ${shop.saga.owner(column)} + 1 where product_id = ${productId}`;
    await run();
    const [found] = await shop.findings(productId);
    expect(found).toMatchObject({
      kind: 'level-differs-from-ledger',
      open: true,
      repair: null,
      details: { productId },
    });
    expect(found!.advice).toMatch(advice);
    await shop.saga
      .owner`update stock.levels set ${shop.saga.owner(column)} = ${shop.saga.owner(column)} - 1 where product_id = ${productId}`;
    await run();
    expect(await shop.findings(productId)).toMatchObject([{ open: false }]);
  });
});

async function putSnapshot(meta: object) {
  const Item = { day: 'meta', reference: 'snapshot', ...meta };
  await shop.saga.dynamo.documents.send(new PutCommand({ TableName: 'providerCharges', Item }));
}

async function forget({ reference, createdAt }: { reference: string; createdAt: number }) {
  const day = new Date(createdAt).toISOString().slice(0, 10);
  await shop.saga.dynamo.documents.send(new DeleteCommand({ TableName: 'providerCharges', Key: { day, reference } }));
}
