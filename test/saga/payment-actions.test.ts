import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { awaitPaymentAction } from '../../lib/saga/await-payment.sql.ts';
import { keepToken } from '../../lib/saga/awaited-payments.dynamo.ts';
import { abandonUnlessConfirmed } from '../../lib/saga/compensate.sql.ts';
import { settleSimulated } from '../../lib/shop/payments/simulated.dynamo.ts';
import { expectInvariants } from '../support/invariants.ts';
import { type Saga, startSaga } from '../support/saga.ts';

let saga: Saga;
let productId: string;
beforeAll(async () => {
  saga = await startSaga();
  productId = await saga.product(1000);
});
afterEach(async () => {
  saga.faults.clear();
  await expectInvariants(saga);
});
afterAll(() => saga.stop());

const place = (paymentMethod = 'pm_requiresAction') => saga.place([{ productId, quantity: 1 }], { paymentMethod });
const act = (orderId: string, outcome: 'complete' | 'fail') =>
  settleSimulated({ client: saga.dynamo.documents, table: 'charges' }, orderId, outcome);
const ended = async (orderId: string) => {
  await saga.states.idle();
  return saga.order(orderId);
};
const charges = (orderId: string) =>
  saga.deliveries.filter((each) => each.orderId === orderId && each.step === 'ChargePayment').length;

describe('a payment that its customer must act on', () => {
  test('leaves the order waiting, with what to do and until when', async () => {
    const order = await place();
    expect(order).toMatchObject({ status: 'pending_payment', payment: null, failure: null });
    expect(order.paymentAction).toEqual({
      action: { type: 'simulated', path: `/simulated-payments/${order.id}` },
      expiresAt: expect.stringMatching(/^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    });
    const left = Date.parse(order.paymentAction!.expiresAt) - saga.clock.now();
    expect(left).toBeGreaterThan(880_000);
    expect(left).toBeLessThanOrEqual(900_000);
    await act(order.id, 'complete');
    await saga.resumeSaga(order.id);
    await ended(order.id);
  });

  test('is charged when the customer has acted and the saga is resumed', async () => {
    const order = await place();
    await act(order.id, 'complete');
    await saga.resumeSaga(order.id);
    expect(await ended(order.id)).toMatchObject({
      status: 'confirmed',
      paymentAction: null,
      payment: { status: 'captured', refunded: { amount: 0 } },
    });
  });

  test('waits all the same when the answer that says so was lost', async () => {
    saga.fault('ConfirmOrder', async (next, delivery) => {
      if (delivery > 1) return next();
      await next().catch(() => {});
      throw new Error('the answer was lost');
    });
    const order = await place();
    expect(order).toMatchObject({ status: 'pending_payment', payment: null });
    expect(saga.deliveries.filter(({ orderId, step }) => orderId === order.id && step === 'ConfirmOrder')).toHaveLength(
      2,
    );
    await act(order.id, 'complete');
    await saga.resumeSaga(order.id);
    expect(await ended(order.id)).toMatchObject({ status: 'confirmed' });
  });

  test('fails the order when the customer does not authenticate', async () => {
    const order = await place();
    await act(order.id, 'fail');
    await saga.resumeSaga(order.id);
    expect(await ended(order.id)).toMatchObject({
      status: 'failed',
      paymentAction: null,
      failure: { code: 'payment-declined', detail: expect.stringContaining('authentication_failed') },
    });
  });

  test('waits again when the saga is resumed without a result', async () => {
    const order = await place();
    for (let turn = 0; turn < 3; turn++) await saga.resumeSaga(order.id);
    expect(await ended(order.id)).toMatchObject({ status: 'pending_payment' });
    expect(charges(order.id)).toBeGreaterThan(1);
    await act(order.id, 'complete');
    await Promise.all(Array.from({ length: 5 }, () => saga.resumeSaga(order.id)));
    expect(await ended(order.id)).toMatchObject({ status: 'confirmed' });
    await saga.resumeSaga(order.id);
    expect(await ended(order.id)).toMatchObject({ status: 'confirmed' });
  });

  test('resumes the saga even if the customer acted before it waited', async () => {
    saga.fault('AwaitPayment', async (next) => {
      const { orderId } = saga.deliveries.findLast(({ step }) => step === 'AwaitPayment')!;
      saga.faults.clear();
      await act(orderId, 'complete');
      await saga.resumeSaga(orderId);
      return next();
    });
    expect(await place()).toMatchObject({ status: 'confirmed' });
  });

  test('expires with the reservation, and the order is compensated', async () => {
    const order = await place();
    saga.clock.advance(901_000);
    expect(await ended(order.id)).toMatchObject({
      status: 'failed',
      paymentAction: null,
      failure: { code: 'payment-expired' },
    });
    await act(order.id, 'complete').catch(() => {});
    await saga.resumeSaga(order.id);
    expect(await ended(order.id)).toMatchObject({ status: 'failed' });
  });

  test('that was made without a signal is refunded when the reservation ends', async () => {
    const order = await place();
    await act(order.id, 'complete');
    saga.clock.advance(901_000);
    expect(await ended(order.id)).toMatchObject({
      status: 'failed',
      payment: { status: 'refunded', refunded: order.total },
    });
  });

  test('is not awaited again after the reservation has ended', async () => {
    const order = await place();
    const waitedFor = saga.deliveries.filter(({ step }) => step === 'AwaitPayment').length;
    saga.fault('ChargePayment', async (next) => {
      const answer = await next();
      saga.clock.advance(901_000);
      return answer;
    });
    await saga.resumeSaga(order.id);
    expect(await ended(order.id)).toMatchObject({ status: 'failed' });
    expect(saga.deliveries.filter(({ step }) => step === 'AwaitPayment').length).toBe(waitedFor + 1);
  });
});

describe('a step that crashes', () => {
  test('between the signal and its result gets the signal again', async () => {
    let deaths = 0;
    saga.fault('AwaitPayment', async (next) => {
      const { orderId } = saga.deliveries.findLast(({ step }) => step === 'AwaitPayment')!;
      if (deaths === 0) {
        await act(orderId, 'complete');
        await saga.resumeSaga(orderId);
      }
      if (deaths++ > 1) return next();
      await keepToken(saga.deps.awaited, { orderId, token: `died-${deaths}`, expiresAt: saga.clock.now() });
      throw new Error('killed');
    });
    expect(await place()).toMatchObject({ status: 'confirmed' });
  });
});

describe('cancelling while the customer has to act', () => {
  test('resumes the saga, which compensates the order', async () => {
    const order = await place();
    await saga.cancel(order.id);
    expect(await ended(order.id)).toMatchObject({ status: 'cancelled', paymentAction: null });
    await expect(act(order.id, 'complete')).rejects.toThrow();
  });

  test('while the customer acts ends either confirmed or cancelled', async () => {
    for (let turn = 0; turn < 10; turn++) {
      const order = await place();
      await Promise.all([
        act(order.id, 'complete').catch(() => {}),
        saga.resumeSaga(order.id),
        saga.cancel(order.id).catch(() => {}),
      ]);
      const { status } = await ended(order.id);
      expect(['confirmed', 'cancelled']).toContain(status);
    }
  });

  test('twice compensates once, also when the first was only stored', async () => {
    const order = await place();
    saga.fault('ChargePayment', (next) => next());
    const late = (error: { code: string }) => expect(error.code, 'the first is through already').toBe('order-ended');
    await Promise.all([saga.cancel(order.id), saga.cancel(order.id).catch(late)].map((one) => one.catch(late)));
    expect(await ended(order.id)).toMatchObject({ status: 'cancelled' });
  });
});

describe('the step that waits', () => {
  test('waits again when repeated, and is resumed by either token', async () => {
    saga.fault('AwaitPayment', async (next, delivery) => {
      await next();
      if (delivery === 1) throw new Error('answer lost');
    });
    const order = await place();
    expect(order.status).toBe('pending_payment');
    await act(order.id, 'complete');
    await saga.resumeSaga(order.id);
    expect(await ended(order.id)).toMatchObject({ status: 'confirmed' });
  });

  test('does not wait when repeated after the order was abandoned', async () => {
    const order = await place();
    const at = new Date(saga.clock.now());
    await abandonUnlessConfirmed(saga.saga, { orderId: order.id, at });
    const waits = awaitPaymentAction(saga.saga, { orderId: order.id, action: order.paymentAction!.action, at });
    await expect(waits).rejects.toMatchObject({ name: 'OrderNotActive' });
    await act(order.id, 'fail');
    await saga.resumeSaga(order.id);
    expect(await ended(order.id)).toMatchObject({ status: 'failed', payment: null });
  });

  test('compensates the order when it cannot start', async () => {
    saga.fault('AwaitPayment', () => Promise.reject(new Error('no effect')));
    expect(await place()).toMatchObject({ status: 'failed', payment: null });
  });
});
