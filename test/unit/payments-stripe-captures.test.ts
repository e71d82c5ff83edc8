import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Clock, stopwatch } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { stripeGateway } from '../../lib/shop/payments/stripe.gateway.ts';
import { type FakeStripe, fakeStripeKey, startFakeStripe } from '../support/fake-stripe.ts';

let stripe: FakeStripe;
let now = Date.now();
const clock: Clock = { now: () => now };
const gateway = () =>
  stripeGateway({ secretKey: async () => fakeStripeKey, timeoutMs: 5000, clock, stopwatch, api: stripe.api });
const newOrder = (paymentMethod = 'pm_card_visa') => ({
  orderId: newId('order', clock),
  amount: 1999,
  currency: 'EUR',
  paymentMethod,
});
type Order = ReturnType<typeof newOrder>;

const captureOf = ({ orderId, amount, currency }: Order, reference: string, attempt = 1) => ({
  orderId,
  amount,
  currency,
  reference,
  attempt,
});
const compensationOf = ({ orderId, amount, currency }: Order, reference?: string) => ({
  orderId,
  amount,
  currency,
  reference,
  captureAt: 'shipment' as const,
});
const refusedWith = (code: string) => ({ name: 'CaptureRefused', code });
const outcomeUnknown = { name: 'OutcomeUnknown' };
const only = () => stripe.payments.intents.values().next().value!;
const charges = async () => (await gateway().listCharges({ from: now - 60_000, to: now + 60_000 })).charges;

async function authorized(paymentMethod?: string): Promise<{ order: Order; reference: string }> {
  const order = newOrder(paymentMethod);
  const { reference } = await gateway().authorize(order);
  return { order, reference };
}

beforeEach(async () => {
  now = Date.now();
  stripe = await startFakeStripe(clock.now);
});
afterEach(() => stripe.stop());

describe('an authorization', () => {
  test('takes two calls, takes no money, and says when it ends, however often it is asked for', async () => {
    const order = newOrder();
    const first = await gateway().authorize(order);
    expect(stripe.calls).toEqual(['POST /v1/payment_intents', 'POST /v1/payment_intents/:id/confirm']);
    expect(first).toEqual({
      provider: 'stripe',
      reference: only().id,
      authorization: { expiresAt: new Date((Math.floor(now / 1000) + 7 * 24 * 3600) * 1000).toISOString() },
    });
    expect(await gateway().authorize(order)).toEqual(first);
    now += 25 * 3600 * 1000;
    stripe.forgetKeys();
    expect(await gateway().authorize(order)).toEqual(first);
    expect(stripe.payments.intents.size).toBe(1);
    expect(stripe.payments.kept(order.orderId)).toBe(0);
    expect(only()).toMatchObject({ capture_method: 'manual', status: 'requires_capture' });
  });

  test('whose answer was lost is found by the next call', async () => {
    const order = newOrder();
    stripe.fail('/confirm', 'done-500', 'reset');
    await expect(gateway().authorize(order)).rejects.toMatchObject(outcomeUnknown);
    expect(await gateway().authorize(order)).toMatchObject({ authorization: {} });
    expect(stripe.payments.intents.size).toBe(1);
  });

  test('that needs the customer is made once they have authenticated', async () => {
    const { order, reference } = await authorized('pm_card_authenticationRequired');
    stripe.payments.authenticate(reference, 'complete');
    expect(await gateway().authorize(order)).toMatchObject({ reference, authorization: {} });
  });

  test('is told of among the provider’s transactions', async () => {
    const { order, reference } = await authorized();
    expect(await charges()).toMatchObject([
      { orderId: order.orderId, reference, status: 'authorized', amount: 1999, refundedAmount: 0 },
    ]);
  });
});

describe('a capture', () => {
  test('takes the whole amount once, and is a success when it is repeated', async () => {
    const { order, reference } = await authorized();
    await gateway().capture(captureOf(order, reference));
    await gateway().capture(captureOf(order, reference));
    await gateway().capture(captureOf(order, reference, 2));
    expect(stripe.payments.kept(order.orderId)).toBe(1999);
    expect(stripe.keys.filter((key) => key?.includes(':capture:'))).toEqual([`${order.orderId}:capture:1`]);
    expect(await charges()).toMatchObject([{ status: 'captured', amount: 1999, refundedAmount: 0 }]);
    expect(await gateway().authorize(order)).toEqual({ provider: 'stripe', reference });
  });

  test('takes a part of the amount, and the rest is neither taken nor refunded', async () => {
    const { order, reference } = await authorized();
    const part = { ...captureOf(order, reference), captureAmount: 1200 };
    await gateway().capture(part);
    await gateway().capture(part);
    expect(stripe.payments.kept(order.orderId)).toBe(1200);
    expect(await charges()).toMatchObject([{ status: 'captured', amount: 1200, refundedAmount: 0 }]);
    expect(await gateway().authorize(order)).toEqual({ provider: 'stripe', reference });
    const { orderId, currency } = order;
    const refund = { orderId, currency, reference, refundId: newId('refund', clock) };
    const tooMuch = { name: 'RefundRefused', code: 'more_than_is_left' };
    await expect(gateway().refundPart({ ...refund, amount: 1201 })).rejects.toMatchObject(tooMuch);
    await gateway().refundPart({ ...refund, amount: 200 });
    expect(await charges()).toMatchObject([{ status: 'captured', amount: 1200, refundedAmount: 200 }]);
  });

  test.each(['reset', 'done-500', 'rate-limit'] as const)(
    'that ends in %s is found or made by the next',
    async (fault) => {
      const { order, reference } = await authorized();
      stripe.fail('/capture', ...(fault === 'reset' ? [fault, fault] : [fault]));
      await expect(gateway().capture(captureOf(order, reference))).rejects.toMatchObject(outcomeUnknown);
      await gateway().capture(captureOf(order, reference));
      expect(stripe.payments.kept(order.orderId)).toBe(1999);
    },
  );

  test('that was refused is asked for anew by the next attempt, under a key of its own', async () => {
    const { order, reference } = await authorized();
    stripe.payments.refusedCaptures.push('card_declined');
    await expect(gateway().capture(captureOf(order, reference))).rejects.toMatchObject(refusedWith('card_declined'));
    await expect(gateway().capture(captureOf(order, reference))).rejects.toMatchObject(refusedWith('card_declined'));
    expect(stripe.payments.kept(order.orderId)).toBe(0);
    await gateway().capture(captureOf(order, reference, 2));
    expect(stripe.payments.kept(order.orderId)).toBe(1999);
  });

  test.each([
    ['charge_expired_for_capture', 'authorization_expired'],
    ['capture_charge_authorization_expired', 'authorization_expired'],
    ['payment_intent_invalid_parameter', 'not_capturable'],
  ])('that Stripe refuses as %s is refused as %s', async (code, expected) => {
    const { order, reference } = await authorized();
    stripe.payments.refusedCaptures.push(code);
    await expect(gateway().capture(captureOf(order, reference))).rejects.toMatchObject(refusedWith(expected));
  });

  test('of an authorization that has ended is refused, and the charge counts as voided', async () => {
    const { order, reference } = await authorized();
    stripe.payments.expire(reference);
    await expect(gateway().capture(captureOf(order, reference))).rejects.toMatchObject(
      refusedWith('authorization_expired'),
    );
    expect(await charges()).toMatchObject([{ status: 'voided', refundedAmount: 0 }]);
    expect(await gateway().compensate(compensationOf(order, reference))).toMatchObject({ outcome: 'voided' });
  });

  test('of another order’s charge, or of another amount, is no refusal but a fault', async () => {
    const { order, reference } = await authorized();
    const other = newOrder();
    await expect(gateway().capture(captureOf(other, reference))).rejects.toMatchObject({ name: 'ChargeDiffers' });
    const more = { ...captureOf(order, reference), amount: 2000 };
    await expect(gateway().capture(more)).rejects.toMatchObject({ name: 'ChargeDiffers' });
    expect(stripe.payments.kept(order.orderId)).toBe(0);
  });

  test('of less, made by hand in the dashboard, shows in the provider’s transactions', async () => {
    const { order, reference } = await authorized();
    stripe.payments.captureByHand(reference, 1500);
    await gateway().capture(captureOf(order, reference));
    expect(await charges()).toMatchObject([{ status: 'captured', amount: 1500 }]);
  });
});

describe('the compensation of an authorization', () => {
  test('voids it, and then it is neither captured nor authorized again', async () => {
    const { order, reference } = await authorized();
    const outcome = await gateway().compensate(compensationOf(order, reference));
    expect(outcome).toEqual({ outcome: 'voided', provider: 'stripe', reference, refundReference: null });
    expect(await gateway().compensate(compensationOf(order, reference))).toEqual(outcome);
    await expect(gateway().capture(captureOf(order, reference))).rejects.toMatchObject(refusedWith('not_authorized'));
    await expect(gateway().authorize(order)).rejects.toMatchObject({ name: 'PaymentDeclined', code: 'charge_voided' });
    expect(stripe.payments.refunds).toEqual([]);
  });

  test('whose answer was lost finds it, under the same key as its creation', async () => {
    const order = newOrder();
    stripe.fail('/confirm', 'reset', 'reset');
    await expect(gateway().authorize(order)).rejects.toMatchObject(outcomeUnknown);
    expect(await gateway().compensate(compensationOf(order))).toMatchObject({ outcome: 'voided' });
    expect(stripe.payments.intents.size).toBe(1);
    expect(only().status).toBe('canceled');
  });

  test('refunds it if it was captured first', async () => {
    const { order, reference } = await authorized();
    await gateway().capture(captureOf(order, reference));
    expect(await gateway().compensate(compensationOf(order, reference))).toMatchObject({ outcome: 'refunded' });
    expect(stripe.payments.kept(order.orderId)).toBe(0);
    // Captured and given back: the capture took place.
    await gateway().capture(captureOf(order, reference, 2));
  });

  test.each([1, 2, 3])('at the moment of the capture ends with nothing kept (%i)', async () => {
    const { order, reference } = await authorized();
    const [captured, compensated] = await Promise.allSettled([
      gateway().capture(captureOf(order, reference)),
      gateway().compensate(compensationOf(order, reference)),
    ]);
    if (compensated.status === 'rejected') await gateway().compensate(compensationOf(order, reference));
    if (captured.status === 'rejected') {
      await expect(gateway().capture(captureOf(order, reference, 2))).rejects.toMatchObject({ name: 'CaptureRefused' });
    }
    expect(stripe.payments.kept(order.orderId)).toBe(0);
  });
});
