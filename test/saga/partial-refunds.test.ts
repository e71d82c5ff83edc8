import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Claim } from '../../lib/database/idempotency.sql.ts';
import { stopwatch } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { type SweepRefundsDeps, sweepRefunds } from '../../lib/saga/sweep-refunds.ts';
import { refundRefused } from '../../lib/shop/payments/gateway.ts';
import { findRefund, listRefunds } from '../../lib/shop/payments/refunds.sql.ts';
import { type RefundDeps, requestRefund } from '../../lib/shop/payments/refunds.ts';
import { expectInvariants } from '../support/invariants.ts';
import { poolOptions, type Saga, startSaga } from '../support/saga.ts';

let saga: Saga;
let productId: string;
let sql: Saga['api'];
beforeAll(async () => {
  saga = await startSaga();
  productId = await saga.product(1000, 1000);
  sql = saga.connect('refunds_api', poolOptions);
});
afterEach(async () => {
  saga.faults.clear();
  await saga.states.idle();
  await expectInvariants(saga);
});
afterAll(async () => {
  await sql.end();
  await saga.stop();
});

const eur = (amount: number) => ({ amount, currency: 'EUR' });
const place = () => saga.place([{ productId, quantity: 3 }]);
const keys = () => ({ table: 'payments.idempotency_keys' as const, clock: saga.clock, keepSeconds: 48 * 3600 });

type Asked = { key?: string; currency?: string; startRefunding?: RefundDeps['startRefunding'] };
function ask(orderId: string, amount?: number, options: Asked = {}) {
  const { key = newId('request', saga.clock), currency = 'EUR', startRefunding = saga.startRefunding } = options;
  const claim: Claim = { caller: 'app:key', key, operation: 'request-refund', fingerprint: `${orderId} ${amount}` };
  return requestRefund({ sql, clock: saga.clock, keys: keys(), startRefunding }, claim, {
    orderId,
    amount: amount === undefined ? undefined : { amount, currency },
    reason: 'broken',
    requestedBy: 'app:key',
  });
}

const settled = async (orderId: string) => {
  await saga.states.idle();
  return saga.order(orderId);
};
const refunds = async (orderId: string) =>
  (await saga.owner`
    select status, amount, attempt, failure_code from payments.refunds where order_id = ${orderId} order by id
  `) as unknown as { status: string; amount: number; attempt: number; failureCode: string | null }[];
const balance = async (orderId: string) => {
  const { charges } = await saga.gateway.listCharges({ from: 0, to: saga.clock.now() + 1000 });
  return charges.find((charge) => charge.orderId === orderId)!;
};
const sweep = (deps: Partial<SweepRefundsDeps> = {}) =>
  sweepRefunds({
    sql: saga.saga,
    clock: saga.clock,
    startRefunding: saga.startRefunding,
    describeExecution: saga.describeExecution,
    onError: (_, error) => {
      throw error;
    },
    quietSeconds: 60,
    stopwatch,
    untilMs: Number.POSITIVE_INFINITY,
    ...deps,
  });

describe('a partial refund', () => {
  test('is made once, is shown on the order, and the order stays confirmed', async () => {
    const order = await place();
    const { answer, refund } = await ask(order.id, 700);
    expect(answer.status).toBe(202);
    expect(refund).toMatchObject({ status: 'requested', amount: eur(700), orderId: order.id });
    expect(await settled(order.id)).toMatchObject({
      status: 'confirmed',
      payment: { status: 'captured', refunded: eur(700) },
    });
    expect(await balance(order.id)).toMatchObject({ amount: 3000, refundedAmount: 700 });
    expect(await refunds(order.id)).toMatchObject([{ status: 'succeeded', amount: 700 }]);
    const [event] = await saga.owner`select type, data from outbox.events where subject = ${refund!.id}`;
    expect(event).toMatchObject({ type: 'refund.succeeded', data: { orderId: order.id, amount: eur(700) } });
  });

  test('under the same idempotency key is the same refund', async () => {
    const order = await place();
    const first = await ask(order.id, 700, { key: 'again' });
    const second = await ask(order.id, 700, { key: 'again' });
    expect(second, 'and starts nothing').toEqual({ answer: first.answer, refund: undefined });
    await settled(order.id);
    expect(await refunds(order.id)).toHaveLength(1);
  });

  test('without an amount refunds all that is left', async () => {
    const order = await place();
    await ask(order.id, 1);
    await ask(order.id);
    expect(await settled(order.id)).toMatchObject({ status: 'confirmed', payment: { refunded: eur(3000) } });
    const nothing = { code: 'order-not-refundable', message: 'Nothing is left of what was paid for the order.' };
    await expect(ask(order.id)).rejects.toMatchObject(nothing);
    await expect(ask(order.id, 1)).rejects.toMatchObject(nothing);
  });

  test('of more than is left is refused with the amount that is left', async () => {
    const order = await place();
    await ask(order.id, 2500);
    await expect(ask(order.id, 501)).rejects.toMatchObject({
      code: 'refund-too-large',
      message: 'At most 500 EUR minor units are left.',
    });
    await settled(order.id);
    expect(await refunds(order.id)).toHaveLength(1);
  });

  test('requested many times at once never exceeds what was paid', async () => {
    const order = await place();
    const asked = await Promise.allSettled(Array.from({ length: 20 }, () => ask(order.id, 400)));
    expect(asked.filter(({ status }) => status === 'fulfilled')).toHaveLength(7);
    expect(await settled(order.id)).toMatchObject({ payment: { refunded: eur(2800) } });
    expect(await balance(order.id)).toMatchObject({ refundedAmount: 2800 });
  });

  test.each([
    ['an order that nobody knows', () => newId('order', saga.clock), 'not-found'],
    ['an order that failed', failed, 'order-not-refundable'],
    ['an order that cost nothing', free, 'order-not-refundable'],
  ])('of %s is refused', async (_, of, code) => {
    await expect(ask(await of(), 1)).rejects.toMatchObject({ code });
  });

  test('in another currency is refused', async () => {
    const order = await place();
    await expect(ask(order.id, 1, { currency: 'USD' })).rejects.toMatchObject({
      code: 'invalid-input',
      errors: [{ pointer: '/amount/currency' }],
    });
  });

  test('takes the currency of its own order', async () => {
    const inDollars = await saga.product(9, 1000);
    await saga.owner`update catalog.products set price_currency = 'USD' where id = ${inDollars}`;
    const [euros, dollars] = [await place(), await saga.place([{ productId: inDollars, quantity: 1 }])];
    await expect(ask(euros.id, 1, { currency: 'USD' })).rejects.toMatchObject({ code: 'invalid-input' });
    await expect(ask(dollars.id, 1)).rejects.toMatchObject({ code: 'invalid-input' });
    await ask(dollars.id, 1, { currency: 'USD' });
    expect(await settled(dollars.id)).toMatchObject({ payment: { refunded: { amount: 1, currency: 'USD' } } });
  });

  async function failed() {
    return (await saga.place([{ productId, quantity: 1 }], { paymentMethod: 'pm_card_chargeDeclined' })).id;
  }
  async function free() {
    return (await saga.place([{ productId: await saga.product(1, 0), quantity: 1 }])).id;
  }
});

describe('the refunds of an order', () => {
  test('are found under their ids and listed newest first, each with its own order alone', async () => {
    const [order, other] = [await place(), await place()];
    const ids: string[] = [];
    for (const [of, amount] of [
      [order.id, 1],
      [other.id, 2],
      [order.id, 3],
      [order.id, 4],
    ] as const) {
      ids.push((await ask(of, amount)).refund!.id);
      await settled(of);
    }
    const [first, foreign, second, third] = ids as [string, string, string, string];
    const find = (refundId: string) => findRefund(sql, { orderId: order.id, refundId });
    expect(await find(second)).toMatchObject({ id: second, orderId: order.id, status: 'succeeded', amount: eur(3) });
    expect(await find(first)).toMatchObject({ id: first, amount: eur(1), failure: null });
    expect(await find(foreign)).toBeUndefined();
    expect(await find(newId('refund', saga.clock))).toBeUndefined();
    const list = async (limit: number, before?: string) =>
      (await listRefunds(sql, { orderId: order.id, before, limit })).map(({ id }) => id);
    expect(await list(10)).toEqual([third, second, first]);
    expect(await list(2)).toEqual([third, second]);
    expect(await list(2, second)).toEqual([first]);
  });
});

describe('a refund that fails', () => {
  test('because its answer is lost is made once', async () => {
    const order = await place();
    saga.fault('RefundPart', async (next, delivery) => {
      const answer = await next();
      if (delivery < 3) throw new Error('answer lost');
      return answer;
    });
    await ask(order.id, 900);
    expect(await settled(order.id)).toMatchObject({ payment: { refunded: eur(900) } });
    expect(await balance(order.id)).toMatchObject({ refundedAmount: 900 });
  });

  test('and is settled twice at once counts once', async () => {
    const order = await place();
    saga.fault('SettleRefund', async (next) => (await Promise.all([next(), next()]))[0]);
    await ask(order.id, 900);
    expect(await settled(order.id)).toMatchObject({ payment: { refunded: eur(900) } });
  });

  test('because the provider refuses it ends failed, and releases its claim', async () => {
    const order = await place();
    saga.fault('RefundPart', () => Promise.reject(refundRefused('disputed')));
    const { refund } = await ask(order.id, 3000);
    await settled(order.id);
    expect(await findRefund(sql, { orderId: order.id, refundId: refund!.id })).toMatchObject({
      status: 'failed',
      failure: { code: 'disputed' },
    });
    expect(await refunds(order.id)).toMatchObject([{ status: 'failed', failureCode: 'disputed' }]);
    const steps = saga.deliveries.filter((each) => each.orderId === order.id).map(({ step }) => step);
    expect(steps.slice(-2), 'it is not asked for again').toEqual(['RefundPart', 'SettleRefund']);
    expect(steps.filter((step) => step === 'RefundPart')).toHaveLength(1);
    saga.faults.clear();
    await ask(order.id, 3000);
    expect(await settled(order.id)).toMatchObject({ payment: { refunded: eur(3000) } });
  });

  test('to start is started by the sweeper', async () => {
    const order = await place();
    const unavailable = new Error('unavailable');
    const startRefunding = () => Promise.reject(unavailable);
    expect(await ask(order.id, 100, { startRefunding })).toMatchObject({
      answer: { status: 202 },
      refund: { status: 'requested' },
      startError: unavailable,
    });
    await saga.owner`update payments.refunds set correlation_id = 'req_of_refund' where order_id = ${order.id}`;
    expect(await sweep()).toBe(0);
    saga.clock.advance(61_000);
    expect(await sweep({ stopwatch: { elapsed: () => 7 }, untilMs: 7 }), 'when the time is over').toBe(0);
    expect(await sweep()).toBe(1);
    expect(await settled(order.id)).toMatchObject({ payment: { refunded: eur(100) } });
    expect(saga.deliveries.at(-1)).toMatchObject({ orderId: order.id, correlationId: 'req_of_refund' });
    expect(await sweep()).toBe(0);
  });

  test('to start in the sweeper too is reported, and the others are started', async () => {
    const orders = [await place(), await place()];
    const asked: string[] = [];
    for (const { id } of orders) asked.push((await ask(id, 100, { startRefunding: async () => {} })).refund!.id);
    saga.clock.advance(61_000);
    const unavailable = new Error('unavailable');
    const errors: [string, unknown][] = [];
    const started = await sweep({
      startRefunding: (input) =>
        input.refundId === asked[0] ? Promise.reject(unavailable) : saga.startRefunding(input),
      onError: (refundId, error) => errors.push([refundId, error]),
    });
    expect(started).toBe(1);
    expect(errors).toEqual([[asked[0], unavailable]]);
    expect(await sweep()).toBe(1);
    for (const { id } of orders) expect(await settled(id)).toMatchObject({ payment: { refunded: eur(100) } });
  });

  test.each(['RUNNING', 'PENDING_REDRIVE'])(
    'whose saga is %s is left to it, however long that takes',
    async (state) => {
      const order = await place();
      await ask(order.id, 100, { startRefunding: async () => {} });
      saga.clock.advance(24 * 3600_000);
      expect(await sweep({ describeExecution: async () => state })).toBe(0);
      expect(await refunds(order.id)).toMatchObject([{ status: 'requested', attempt: 1 }]);
      expect(await sweep()).toBe(1);
      expect(await settled(order.id)).toMatchObject({ payment: { refunded: eur(100) } });
    },
  );

  test('because its saga ended without an answer runs again exactly 15 minutes later', async () => {
    const order = await place();
    const { refund } = await ask(order.id, 100, { startRefunding: async () => {} });
    const asked = Date.parse(refund!.updatedAt);
    const sweepAt = (now: number) => sweep({ clock: { now: () => now }, describeExecution: async () => 'FAILED' });
    expect(await sweepAt(asked + 899_999)).toBe(0);
    expect(await sweepAt(asked + 900_000)).toBe(1);
    expect(await settled(order.id)).toMatchObject({ payment: { refunded: eur(100) } });
    expect(await refunds(order.id)).toMatchObject([{ status: 'succeeded', attempt: 2 }]);
  });

  test('because the provider never answers stays open, and runs again until it answers', async () => {
    const order = await place();
    saga.fault('RefundPart', async (next) => {
      await next();
      throw new Error('answer lost');
    });
    await ask(order.id, 100);
    await saga.states.idle();
    expect(await refunds(order.id)).toMatchObject([{ status: 'requested', attempt: 1 }]);
    await expect(ask(order.id, 2901)).rejects.toMatchObject({ code: 'refund-too-large' });
    saga.clock.advance(120_000);
    expect(await sweep()).toBe(0);
    saga.faults.clear();
    saga.clock.advance(900_000);
    expect(await Promise.all([sweep(), sweep()])).toEqual(expect.arrayContaining([1]));
    expect(await settled(order.id)).toMatchObject({ payment: { refunded: eur(100) } });
    expect(await refunds(order.id)).toMatchObject([{ status: 'succeeded', attempt: 2 }]);
    expect(await balance(order.id)).toMatchObject({ refundedAmount: 100 });
  });
});

describe('a refund and a cancellation', () => {
  test('one after the other refund everything once', async () => {
    const order = await place();
    await ask(order.id, 700);
    await settled(order.id);
    await saga.cancel(order.id);
    expect(await settled(order.id)).toMatchObject({ status: 'cancelled', payment: { refunded: eur(3000) } });
    expect(await balance(order.id)).toMatchObject({ amount: 3000, refundedAmount: 3000 });
    await expect(ask(order.id, 1)).rejects.toMatchObject({ code: 'order-not-refundable' });
  });

  test('a partial refund is refused while the order is being cancelled', async () => {
    const order = await place();
    let refused: unknown;
    saga.fault('RefundPayment', async (next) => {
      refused = await ask(order.id, 700).catch((error: unknown) => error);
      return next();
    });
    await saga.cancel(order.id);
    expect(await settled(order.id)).toMatchObject({ status: 'cancelled', payment: { refunded: eur(3000) } });
    expect(refused).toMatchObject({ code: 'order-not-refundable', message: expect.stringContaining('cancelling') });
    expect(await refunds(order.id)).toEqual([]);
  });

  test('at the same time refund everything once', async () => {
    for (let turn = 0; turn < 8; turn++) {
      const order = await place();
      await Promise.allSettled([ask(order.id, 700), saga.cancel(order.id)]);
      expect(await settled(order.id)).toMatchObject({ status: 'cancelled', payment: { refunded: eur(3000) } });
      expect(await balance(order.id)).toMatchObject({ refundedAmount: 3000 });
      expect((await refunds(order.id)).filter(({ status }) => status === 'requested')).toEqual([]);
    }
  });
});
