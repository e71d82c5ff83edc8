import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { stripeGateway } from '../../lib/shop/payments/stripe.gateway.ts';
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
  await gateway().compensate({ ...order, reference });
  expect(stripe.keys).toEqual([
    `${orderId}:create`,
    `${orderId}:confirm:sdk`,
    `${orderId}:refund:ref_1`,
    `${orderId}:refund`,
  ]);
});

test('a compensation that ends the intent before it was confirmed names the status that it found', async () => {
  const order = newOrder();
  await gateway().compensate(order);
  expect(stripe.keys).toEqual([`${order.orderId}:create`, `${order.orderId}:cancel:requires_payment_method`]);
});

test('a confirmation after a passing trouble names the attempt that failed', async () => {
  const order = newOrder();
  stripe.payments.passing.push('processing_error');
  await expect(gateway().charge(order)).rejects.toMatchObject({ name: 'OutcomeUnknown' });
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

test('where Stripe keeps a failure under a key, the call goes on under the next, which everybody comes to', async () => {
  const order = newOrder();
  const { orderId } = order;
  stripe.fail('/v1/payment_intents', 'error-500', 'error-500');
  for (let time = 0; time < 2; time++)
    await expect(gateway().charge(order)).rejects.toMatchObject({ name: 'OutcomeUnknown' });
  const first = await gateway().charge(order);
  const keys = ['create', 'create', 'create:2', 'create', 'create:2', 'create:3', 'confirm:sdk'];
  expect(stripe.keys).toEqual(keys.map((key) => `${orderId}:${key}`));
  expect(await gateway().charge(order)).toEqual(first);
  expect(stripe.keys.slice(keys.length)).toEqual(['create', 'create:2', 'create:3'].map((key) => `${orderId}:${key}`));
});

test('a decline that Stripe repeats is not asked about under another key', async () => {
  const order = { ...newOrder(), paymentMethod: 'pm_card_chargeDeclined' };
  stripe.fail('/cancel', 'error-500');
  await expect(gateway().charge(order)).rejects.toMatchObject({ name: 'PaymentDeclined' });
  const confirms = () => stripe.keys.filter((key) => key?.includes(':confirm:'));
  expect(new Set(confirms())).toEqual(new Set([`${order.orderId}:confirm:sdk`]));
});
