import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { stripeGateway } from '../../lib/payments/stripe.gateway.ts';
import { type FakeStripe, fakeStripeKey, startFakeStripe } from '../support/fake-stripe.ts';

let stripe: FakeStripe;
beforeEach(async () => {
  stripe = await startFakeStripe();
});
afterEach(() => stripe.stop());

const gateway = () =>
  stripeGateway({
    secretKey: async () => fakeStripeKey,
    timeoutMs: 5000,
    clock: systemClock,
    stopwatch: { elapsed: () => 0 },
    api: stripe.api,
  });
const newOrder = () => ({
  orderId: newId('order', systemClock),
  amount: 1999,
  currency: 'EUR',
  paymentMethod: 'pm_card_visa',
});

/*
 * A key is worth what it says a year from now: another release repeats a call of this one under the same key, and two
 * calls that are not the same must never share one.
 */
test('a charge, a part and the rest that go back: each call has a key of its order and its purpose', async () => {
  const order = newOrder();
  const { reference } = await gateway().charge(order);
  const { orderId, currency } = order;
  await gateway().refundPart({ orderId, currency, reference, refundId: 'ref_1', amount: 500 });
  await gateway().undo({ ...order, reference });
  expect(stripe.keys).toEqual([
    `${orderId}:create`,
    `${orderId}:confirm:sdk`,
    `${orderId}:refund:ref_1`,
    `${orderId}:refund`,
  ]);
});

test('an undo that ends the intent before it was confirmed names the status that it found', async () => {
  const order = newOrder();
  await gateway().undo(order);
  expect(stripe.keys).toEqual([`${order.orderId}:create`, `${order.orderId}:cancel:requires_payment_method`]);
});

test('a confirmation after a passing trouble names the attempt that failed', async () => {
  const order = newOrder();
  stripe.payments.passing.push('processing_error');
  await expect(gateway().charge(order)).rejects.toMatchObject({ name: 'AnswerLost' });
  const failed = [...stripe.payments.intents.values()][0]!.latest_charge;
  await gateway().charge(order);
  const { orderId } = order;
  expect(failed).toMatch(/^ch_/);
  expect(stripe.keys).toEqual([
    `${orderId}:create`,
    `${orderId}:confirm:sdk`,
    `${orderId}:create`,
    `${orderId}:confirm:sdk:${failed}`,
  ]);
});
