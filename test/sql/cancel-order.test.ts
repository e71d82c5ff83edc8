import type { TransactionSql } from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { awaitPaymentAction } from '../../lib/saga/await-payment.sql.ts';
import { confirmIfReserved } from '../../lib/saga/confirm.sql.ts';
import { reserveAllOrNothing } from '../../lib/saga/reserve.sql.ts';
import { readCancellation } from '../../lib/shop/orders/cancel.sql.ts';
import { type CancelDeps, cancelOrder } from '../../lib/shop/orders/cancel.ts';
import type { OrderToCancel } from '../../lib/shop/orders/start-saga.ts';
import { type Saga, startSaga } from '../support/saga.ts';

let saga: Saga;
beforeAll(async () => {
  saga = await startSaga();
});
afterAll(() => saga.stop());

const at = new Date();
const hour = 3600;

const placed = async () => (await saga.place([{ productId: await saga.product(1), quantity: 1 }], { start: false })).id;

async function reserved(): Promise<string> {
  const orderId = await placed();
  await reserveAllOrNothing(saga.saga, {
    eventId: newId('event', systemClock),
    orderId,
    at,
    expiresAt: new Date(at.getTime() + 900_000),
  });
  return orderId;
}

async function waiting(): Promise<string> {
  const orderId = await reserved();
  await awaitPaymentAction(saga.saga, { orderId, at, action: { type: 'simulated', path: '/simulated-payments/1' } });
  return orderId;
}

async function confirmed(): Promise<{ orderId: string; paymentId: string }> {
  const orderId = await reserved();
  const paymentId = newId('payment', saga.clock);
  const eventId = newId('event', saga.clock);
  const paymentEventId = newId('event', saga.clock);
  const reference = `ch_${orderId}`;
  await confirmIfReserved(saga.saga, {
    orderId,
    paymentId,
    eventId,
    paymentEventId,
    provider: 'simulated',
    reference,
    at,
  });
  return { orderId, paymentId };
}

/** Cancels, and returns which sagas it started or resumed. */
async function cancel(orderId: string, deps: Partial<CancelDeps> = {}) {
  const [started, resumed]: [OrderToCancel[], string[]] = [[], []];
  const result = await cancelOrder(
    {
      sql: saga.cancellations,
      clock: saga.clock,
      keys: saga.keys,
      windowSeconds: hour,
      startCompensating: async (input) => void started.push(input),
      startRefunding: async () => {},
      resumeSaga: async (id) => void resumed.push(id),
      ...deps,
    },
    { caller: `customer:${saga.customerId}`, key: undefined, operation: 'cancel-order', fingerprint: 'c' },
    { orderId, customerId: saga.customerId, requestedBy: 'buyer' },
  );
  return { ...result, started, resumed };
}

describe('cancelling', () => {
  test.each([
    ['was just placed', placed],
    ['has its stock', reserved],
  ])('an order that %s is left to the saga under way', async (_, make) => {
    const orderId = await make();
    const { answer, ...rest } = await cancel(orderId);
    expect(answer.status).toBe(202);
    expect(JSON.parse(answer.body!)).toMatchObject({ id: orderId, status: 'cancelling' });
    expect(rest).toEqual({ replayed: false, started: [], resumed: [] });
  });

  test('an order that waits for its customer resumes its saga', async () => {
    const orderId = await waiting();
    const { startError, started, resumed } = await cancel(orderId);
    expect({ startError, started, resumed }).toEqual({ startError: undefined, started: [], resumed: [orderId] });
  });

  test('a confirmed order starts a saga of its own, with the payment to refund', async () => {
    const { orderId } = await confirmed();
    const { started, resumed } = await cancel(orderId);
    expect(resumed).toEqual([]);
    expect(started).toEqual([
      {
        orderId,
        reason: 'cancellation',
        amount: 1000,
        currency: 'EUR',
        payment: { provider: 'simulated', reference: `ch_${orderId}` },
      },
    ]);
  });

  test('is accepted even if its saga can be neither started nor resumed, and says why', async () => {
    const away = new Error('away');
    const [{ orderId }, other] = [await confirmed(), await waiting()];
    const refuse = () => Promise.reject(away);
    for (const id of [orderId, other]) {
      const { answer, startError } = await cancel(id, { startCompensating: refuse, resumeSaga: refuse });
      expect([answer.status, startError]).toEqual([202, away]);
      expect((await saga.order(id)).status).toBe('cancelling');
    }
  });

  test('an order that is already being cancelled says so, and starts nothing', async () => {
    const { orderId } = await confirmed();
    await cancel(orderId);
    const { version } = await saga.order(orderId);
    const { answer, started, resumed } = await cancel(orderId);
    expect(JSON.parse(answer.body!)).toMatchObject({ status: 'cancelling', version });
    expect({ started, resumed }).toEqual({ started: [], resumed: [] });
  });

  test('is refused when the cancellation window is over, and says the window in hours', async () => {
    const { orderId } = await confirmed();
    const late = { clock: { now: () => at.getTime() + 2 * hour * 1000 }, windowSeconds: 2 * hour };
    await expect(cancel(orderId, late)).rejects.toMatchObject({
      code: 'order-too-late-to-cancel',
      message: 'An order can be cancelled for 2 hours after it was confirmed.',
    });
  });

  test.each([
    [['failed'], 'The order has failed and cannot be cancelled.'],
    [['cancelling', 'cancelled'], 'The order is cancelled already and cannot be cancelled.'],
    [['needs_attention'], 'The order is being looked at by our staff and cannot be cancelled.'],
  ])('is refused by an order that went %s', async (way, message) => {
    const orderId = await placed();
    for (const status of way) {
      const why = status === 'failed' || status === 'needs_attention' ? 'x' : null;
      await saga.owner`
        update orders.orders set status = ${status}, failure_code = ${why}, failure_detail = ${why} where id = ${orderId}`;
    }
    await expect(cancel(orderId)).rejects.toMatchObject({ code: 'order-ended', message });
  });
});

test('an order that does not exist has nothing to compensate', async () => {
  const orderId = newId('order', saga.clock);
  await expect(readCancellation(saga.saga as unknown as TransactionSql, orderId)).rejects.toThrow(
    `no order ${orderId}`,
  );
});
