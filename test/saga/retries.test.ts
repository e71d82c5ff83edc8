import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { StepName } from '../../functions/steps.ts';
import { expectInvariants } from '../support/invariants.ts';
import { type Saga, startSaga } from '../support/saga.ts';

let saga: Saga;
beforeAll(async () => {
  saga = await startSaga();
});
afterEach(() => {
  saga.faults.clear();
  saga.deliveries.length = 0;
});
afterAll(async () => {
  await expectInvariants(saga);
  await saga.stop();
});

const away = () => Promise.reject(new Error('the database is away'));
const deliveriesOf = (step: StepName) => saga.deliveries.filter((each) => each.step === step).length;

describe('a step that fails once is retried, and the order ends as without the failure', () => {
  test.each([
    ['ReserveStock', 'confirmed'],
    ['ChargePayment', 'confirmed'],
    ['ConfirmOrder', 'confirmed'],
  ] as const)('%s on the way to %s', async (step, status) => {
    saga.fault(step, (next, delivery) => (delivery === 1 ? away() : next()));
    const order = await saga.place([{ productId: await saga.product(1), quantity: 1 }]);
    expect(order).toMatchObject({ status, failure: null });
    expect(deliveriesOf(step)).toBe(2);
  });

  test.each(['AbandonOrder', 'RefundPayment', 'ReleaseStock', 'CloseOrder'] as const)(
    '%s in a compensation',
    async (step) => {
      saga.fault('ConfirmOrder', away);
      saga.fault(step, (next, delivery) => (delivery === 1 ? away() : next()));
      const order = await saga.place([{ productId: await saga.product(1), quantity: 1 }]);
      expect(order).toMatchObject({ status: 'failed', payment: { status: 'refunded' } });
      expect(deliveriesOf(step)).toBe(2);
    },
  );

  test('RequestManualReview, as the last resort', async () => {
    saga.fault('RequestManualReview', (next, delivery) => (delivery === 1 ? away() : next()));
    const order = await saga.place([{ productId: await saga.product(1), quantity: 1 }], {
      paymentMethod: 'pm_timeoutAlways',
    });
    expect(order).toMatchObject({ status: 'needs_attention', failure: { code: 'payment-unknown' } });
    expect(deliveriesOf('RequestManualReview')).toBe(2);
  });
});

describe('a step that fails permanently', () => {
  test.each(['AbandonOrder', 'RefundPayment', 'ReleaseStock', 'CloseOrder'] as const)(
    '%s in a compensation: the order comes into manual review, the execution has failed',
    async (step) => {
      saga.fault('ConfirmOrder', away);
      saga.fault(step, away);
      const order = await saga.place([{ productId: await saga.product(1), quantity: 1 }]);
      expect(order).toMatchObject({ status: 'needs_attention' });
      expect(saga.deliveries.at(-1)?.step).toBe('RequestManualReview');
    },
  );

  test.each([
    ['ReserveStock', 'OrderNotActive'],
    ['ChargePayment', 'PaymentDeclined'],
    ['ConfirmOrder', 'OrderNotActive'],
    ['ConfirmOrder', 'ReservationLost'],
  ] as const)('%s by %s is not tried again', async (step, name) => {
    saga.fault(step, () => Promise.reject(Object.assign(new Error('final'), { name })));
    const order = await saga.place([{ productId: await saga.product(1), quantity: 1 }]);
    expect(order.status).toBe('failed');
    expect(deliveriesOf(step)).toBe(1);
  });
});
