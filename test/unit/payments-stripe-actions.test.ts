import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Clock, stopwatch } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { stripeGateway } from '../../lib/shop/payments/stripe.gateway.ts';
import { type FakeStripe, fakeStripeKey, givenUp, startFakeStripe } from '../support/fake-stripe.ts';

let stripe: FakeStripe;
let now = Date.now();
const clock: Clock = { now: () => now };
const gateway = () =>
  stripeGateway({ secretKey: async () => fakeStripeKey, timeoutMs: 5000, clock, stopwatch, api: stripe.api });
const newOrder = () => ({
  orderId: newId('order', clock),
  amount: 1999,
  currency: 'EUR',
  paymentMethod: 'pm_card_authenticationRequired',
});
const compensationOf = ({ orderId, amount, currency }: ReturnType<typeof newOrder>) => ({ orderId, amount, currency });
const declinedWith = (code: string) => ({ name: 'PaymentDeclined', code });
const outcomeUnknown = { name: 'OutcomeUnknown' };
const statuses = () => [...stripe.payments.intents.values()].map(({ status }) => status);

beforeEach(async () => {
  now = Date.now();
  stripe = await startFakeStripe(clock.now);
});
afterEach(() => stripe.stop());

test('a bank that asks for authentication: the charge waits, and its action is the same however often it is asked', async () => {
  const order = newOrder();
  const first = await gateway().charge(order);
  const { client_secret: clientSecret, id } = stripe.payments.intents.values().next().value!;
  expect(first).toEqual({ provider: 'stripe', reference: id, action: { type: 'stripe', clientSecret } });
  expect(await gateway().charge(order)).toEqual(first);
  now += 25 * 3600 * 1000;
  stripe.forgetKeys();
  expect(await gateway().charge(order)).toEqual(first);
  expect(stripe.payments.kept(order.orderId)).toBe(0);
  expect(stripe.payments.intents.size).toBe(1);
});

test('the customer authenticates: the charge is captured, and has no action any more', async () => {
  const order = newOrder();
  const { reference } = await gateway().charge(order);
  stripe.payments.authenticate(reference, 'complete');
  expect(await gateway().charge(order)).toEqual({ provider: 'stripe', reference });
  expect(stripe.payments.kept(order.orderId)).toBe(1999);
});

test.each([
  ['fail', 'authentication_failed'],
  ['complete and be declined', 'card_declined'],
] as const)(
  'the authentication ends in %s: declined as %s, each time, and nobody can pay any more',
  async (how, code) => {
    const order = newOrder();
    const { reference } = await gateway().charge(order);
    stripe.payments.authenticate(reference, how);
    await expect(gateway().charge(order)).rejects.toMatchObject(declinedWith(code));
    stripe.payments.payByClientSecret(stripe.payments.intents.get(reference)!.client_secret);
    await expect(gateway().charge(order)).rejects.toMatchObject(declinedWith(code));
    expect(statuses()).toEqual(['canceled']);
    expect(await gateway().compensate(compensationOf(order))).toMatchObject({ outcome: 'voided', reference });
    expect(stripe.payments.kept(order.orderId)).toBe(0);
  },
);

test('after a failed authentication the customer pays with another card before anybody asked: that is the charge', async () => {
  const order = newOrder();
  const { reference } = await gateway().charge(order);
  stripe.payments.authenticate(reference, 'fail');
  stripe.payments.payByClientSecret(stripe.payments.intents.get(reference)!.client_secret);
  expect(await gateway().charge(order)).toEqual({ provider: 'stripe', reference });
});

test('the other card comes between the look and the cancellation: that is the charge', async () => {
  const order = newOrder();
  const { reference } = await gateway().charge(order);
  stripe.payments.authenticate(reference, 'fail');
  stripe.fail('/:id', 'held');
  const asked = gateway().charge(order);
  while (stripe.calls.at(-1) !== 'GET /v1/payment_intents/:id') await new Promise(setImmediate);
  stripe.payments.payByClientSecret(stripe.payments.intents.get(reference)!.client_secret);
  stripe.release();
  expect(await asked).toEqual({ provider: 'stripe', reference });
  expect(stripe.payments.kept(order.orderId)).toBe(1999);
});

test('the answer with the action is lost: asking again gives it, and compensation ends the charge without it', async () => {
  const order = newOrder();
  stripe.fail('/confirm', 'silent');
  await expect(givenUp(stripe, () => gateway().charge(order))).rejects.toMatchObject(outcomeUnknown);
  expect(await gateway().charge(order)).toMatchObject({ action: { type: 'stripe' } });
  expect(await gateway().compensate(compensationOf(order))).toMatchObject({ outcome: 'voided' });
});

test('compensation of a charge that waits ends it for good: what the customer does then captures nothing', async () => {
  const order = newOrder();
  const { reference } = await gateway().charge(order);
  const first = await gateway().compensate({ ...compensationOf(order), reference });
  expect(first).toEqual({ outcome: 'voided', provider: 'stripe', reference, refundReference: null });
  stripe.payments.authenticate(reference, 'complete');
  await expect(gateway().charge(order)).rejects.toMatchObject(declinedWith('charge_voided'));
  expect(await gateway().compensate(compensationOf(order))).toEqual(first);
  expect(stripe.payments.kept(order.orderId)).toBe(0);
});

test('the customer authenticates while the compensation is on its way: the money goes back', async () => {
  const order = newOrder();
  const { reference } = await gateway().charge(order);
  stripe.payments.authenticate(reference, 'complete');
  expect(await gateway().compensate(compensationOf(order))).toMatchObject({ outcome: 'refunded', reference });
  expect(stripe.payments.kept(order.orderId)).toBe(0);
});

test('the confirmation is repeated by Stripe as it was: the answer is what the intent has become meanwhile', async () => {
  const order = newOrder();
  const { reference } = await gateway().charge(order);
  const intent = stripe.payments.intents.get(reference)!;
  Object.assign(intent, { status: 'requires_confirmation' });
  await expect(gateway().charge(order)).rejects.toMatchObject(outcomeUnknown);
});
