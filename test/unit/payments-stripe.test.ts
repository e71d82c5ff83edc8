import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Clock, Stopwatch } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { stripeGateway } from '../../lib/shop/payments/stripe.gateway.ts';
import { type FakeStripe, fakeStripeKey, givenUp, startFakeStripe } from '../support/fake-stripe.ts';

let stripe: FakeStripe;
let now = Date.now();
const clock: Clock = { now: () => now };
let passed = 0;
const stopwatch: Stopwatch = { elapsed: () => passed };
const options = (timeoutMs: number, key = fakeStripeKey) => ({
  secretKey: async () => key,
  timeoutMs,
  clock,
  stopwatch,
  api: stripe.api,
});
const gatewayWith = (timeoutMs: number, key = fakeStripeKey) => stripeGateway(options(timeoutMs, key));
const patient = () => gatewayWith(5000);

const newOrder = (paymentMethod = 'pm_card_visa') => ({
  orderId: newId('order', clock),
  amount: 1999,
  currency: 'EUR',
  paymentMethod,
});
const compensationOf = ({ orderId, amount, currency }: ReturnType<typeof newOrder>, reference?: string) => ({
  orderId,
  amount,
  currency,
  reference,
});
const declinedWith = (code: string) => ({ name: 'PaymentDeclined', code });
const outcomeUnknown = { name: 'OutcomeUnknown' };
const until = async (met: () => boolean) => {
  while (!met()) await new Promise(setImmediate);
};

beforeEach(async () => {
  now = Date.now();
  stripe = await startFakeStripe(clock.now);
});
afterEach(() => stripe.stop());

test('a charge takes two calls, and asked again it gives the same reference without charging twice', async () => {
  const order = newOrder();
  const first = await patient().charge(order);
  expect(stripe.calls).toEqual(['POST /v1/payment_intents', 'POST /v1/payment_intents/:id/confirm']);
  expect(await patient().charge(order)).toEqual(first);
  expect(first).toEqual({ provider: 'stripe', reference: expect.stringMatching(/^pi_/) });
  expect(stripe.payments.kept(order.orderId)).toBe(1999);
});

test('two charges at once make one', async () => {
  const order = newOrder();
  const results = await Promise.allSettled([patient().charge(order), patient().charge(order)]);
  for (const result of results) {
    if (result.status === 'rejected') expect(result.reason).toMatchObject(outcomeUnknown);
  }
  expect(await patient().charge(order)).toMatchObject({ provider: 'stripe' });
  expect(stripe.payments.kept(order.orderId)).toBe(1999);
  expect(stripe.payments.intents.size).toBe(1);
});

test('a key in use is asked about again', async () => {
  const order = newOrder();
  stripe.fail('/confirm', 'held');
  const first = patient().charge(order);
  await until(() => stripe.calls.length === 2);
  stripe.payments.intents.values().next().value!.status = 'requires_confirmation';
  await expect(patient().charge(order)).rejects.toMatchObject(outcomeUnknown);
  stripe.payments.intents.values().next().value!.status = 'succeeded';
  stripe.release();
  await expect(first).resolves.toMatchObject({ provider: 'stripe' });
});

for (const call of ['/v1/payment_intents', '/confirm']) {
  for (const fault of ['silent', 'reset', 'rate-limit'] as const) {
    test(`the answer of ${call} gets lost (${fault}), and asking again finds the charge`, async () => {
      const order = newOrder();
      stripe.fail(call, fault);
      const charge = () => patient().charge(order);
      const lost = fault === 'rate-limit' ? charge() : givenUp(stripe, charge);
      await expect(lost).rejects.toMatchObject(outcomeUnknown);
      const { reference } = await patient().charge(order);
      expect(stripe.payments.intents.size).toBe(1);
      expect(stripe.payments.kept(order.orderId)).toBe(1999);
      expect(stripe.payments.intents.get(reference)?.status).toBe('succeeded');
    });
  }
}

test('a broken connection is repeated once by the package itself, under the same key', async () => {
  const order = newOrder();
  stripe.fail('/confirm', 'reset');
  expect(await patient().charge(order)).toMatchObject({ provider: 'stripe' });
  expect(stripe.calls.filter((call) => call.endsWith('/confirm'))).toHaveLength(2);
  expect(stripe.payments.kept(order.orderId)).toBe(1999);
});

for (const call of ['/v1/payment_intents', '/confirm']) {
  for (const fault of ['error-500', 'done-500'] as const) {
    test(`a failure of Stripe itself at ${call} (${fault}), which it repeats under the key, is not the last word`, async () => {
      const order = newOrder();
      stripe.fail(call, fault, 'error-500');
      const end = async (): Promise<unknown> =>
        patient()
          .charge(order)
          .catch((error: Error) => error.name);
      const answers = [await end(), await end(), await end()];
      expect(answers[0]).toBe('OutcomeUnknown');
      expect(answers[2]).toMatchObject({ provider: 'stripe' });
      expect(await patient().charge(order)).toEqual(answers[2]);
      expect(stripe.payments.kept(order.orderId)).toBe(1999);
    });

    test(`after such a failure at ${call} (${fault}) a compensation keeps no money, and nothing can be charged`, async () => {
      const order = newOrder();
      stripe.fail(call, fault);
      await expect(patient().charge(order)).rejects.toMatchObject(outcomeUnknown);
      const done = await patient().compensate(compensationOf(order));
      expect(done).toMatchObject({ outcome: call === '/confirm' && fault === 'done-500' ? 'refunded' : 'voided' });
      expect(await patient().compensate(compensationOf(order))).toEqual(done);
      await expect(patient().charge(order)).rejects.toMatchObject(declinedWith('charge_voided'));
      expect(stripe.payments.kept(order.orderId)).toBe(0);
    });
  }
}

test.each(['error-500', 'done-500', { keptRefusal: 'balance_insufficient' }] as const)(
  'a refund that Stripe failed to make, or says so (%o), is made once it can be, and once only',
  async (fault) => {
    const order = newOrder();
    const { reference } = await patient().charge(order);
    stripe.fail('/v1/refunds', fault, 'error-500', 'error-500');
    const ends = [];
    for (let time = 0; time < 5; time++) {
      ends.push(
        await patient()
          .compensate(compensationOf(order, reference))
          .catch((error: Error) => error.name),
      );
    }
    expect(ends[4]).toMatchObject({ outcome: 'refunded', refundReference: expect.stringMatching(/^re_/) });
    expect(ends[3]).toEqual(ends[4]);
    expect(stripe.payments.refunds).toHaveLength(1);
    expect(stripe.payments.kept(order.orderId)).toBe(0);
  },
);

test('a cancellation that Stripe failed to make is made the next time', async () => {
  const order = newOrder();
  stripe.fail('/cancel', 'error-500');
  await expect(patient().compensate(compensationOf(order))).rejects.toMatchObject(outcomeUnknown);
  expect(await patient().compensate(compensationOf(order))).toMatchObject({ outcome: 'voided' });
});

test('failures that Stripe repeats take up the time that there is, and no more', async () => {
  const order = newOrder();
  stripe.fail('/v1/payment_intents', 'error-500', 'error-500', 'error-500');
  for (let time = 0; time < 3; time++) await expect(patient().charge(order)).rejects.toMatchObject(outcomeUnknown);
  const before = stripe.calls.length;
  const callsSince = () => stripe.calls.length - before;
  const hurried = stripeGateway({ ...options(2000), stopwatch: { elapsed: () => callsSince() * 1000 } });
  await expect(hurried.charge(order)).rejects.toThrow('did not answer within 2000 ms');
  expect(callsSince()).toBe(2);
  expect(await patient().charge(order)).toMatchObject({ provider: 'stripe' });
});

for (const [method, code] of [
  ['pm_card_chargeDeclined', 'card_declined'],
  ['pm_card_visa_chargeDeclinedInsufficientFunds', 'insufficient_funds'],
  ['pm_card_visa_chargeDeclinedStolenCard', 'card_declined'],
  ['pm_card_chargeDeclinedExpiredCard', 'expired_card'],
  ['pm_card_chargeDeclinedIncorrectCvc', 'incorrect_cvc'],
  ['pm_nobody_knows', 'payment_method_invalid'],
] as const) {
  test(`${method} is declined as ${code}, and again when asked again`, async () => {
    const order = newOrder(method);
    await expect(patient().charge(order)).rejects.toMatchObject(declinedWith(code));
    await expect(patient().charge(order)).rejects.toMatchObject(declinedWith(code));
    expect(await patient().compensate(compensationOf(order))).toMatchObject({
      outcome: 'voided',
      refundReference: null,
    });
    expect(stripe.payments.kept(order.orderId)).toBe(0);
  });
}

test('a decline whose answer was lost is reported without asking the bank again', async () => {
  const order = newOrder('pm_card_visa_chargeDeclinedInsufficientFunds');
  stripe.fail('/confirm', 'silent');
  await expect(givenUp(stripe, () => patient().charge(order))).rejects.toMatchObject(outcomeUnknown);
  await expect(patient().charge(order)).rejects.toMatchObject(declinedWith('insufficient_funds'));
  expect(stripe.calls.filter((call) => call.endsWith('/confirm'))).toHaveLength(1);
});

test('a passing trouble of the bank is tried anew, though Stripe repeats the failure under the old key', async () => {
  const order = newOrder();
  stripe.payments.passing.push('processing_error', 'processing_error');
  await expect(patient().charge(order)).rejects.toMatchObject(outcomeUnknown);
  await expect(patient().charge(order)).rejects.toMatchObject(outcomeUnknown);
  expect(await patient().charge(order)).toMatchObject({ provider: 'stripe' });
  expect(stripe.payments.kept(order.orderId)).toBe(1999);
});

test('a charge that the bank is still working on is asked about again, by its compensation too', async () => {
  const order = newOrder('pm_card_processing');
  await expect(patient().charge(order)).rejects.toMatchObject(outcomeUnknown);
  await expect(patient().compensate(compensationOf(order))).rejects.toMatchObject(outcomeUnknown);
  expect(stripe.calls.filter((call) => call.endsWith('/cancel'))).toHaveLength(3);
  stripe.payments.finish([...stripe.payments.intents.keys()][0]!);
  expect(await patient().compensate(compensationOf(order))).toMatchObject({ outcome: 'refunded' });
  expect(stripe.payments.kept(order.orderId)).toBe(0);
});

test('the bank refuses after all, when a compensation already found it working: the next compensation ends the intent', async () => {
  const order = newOrder('pm_card_processing');
  await expect(patient().charge(order)).rejects.toMatchObject(outcomeUnknown);
  await expect(patient().compensate(compensationOf(order))).rejects.toMatchObject(outcomeUnknown);
  stripe.payments.refuse([...stripe.payments.intents.keys()][0]!);
  expect(await patient().compensate(compensationOf(order))).toMatchObject({ outcome: 'voided' });
  expect([...stripe.payments.intents.values()].map(({ status }) => status)).toEqual(['canceled']);
});

test('a confirmation that is refused is an error, not what the intent has become', async () => {
  const order = newOrder();
  stripe.fail('/confirm', { refused: 'parameter_unknown' });
  await expect(patient().charge(order)).rejects.toMatchObject({ name: 'StripeRefused', code: 'parameter_unknown' });
  expect(stripe.calls).not.toContain('GET /v1/payment_intents/:id');
});

test('an intent that waits for its confirmation is confirmed', async () => {
  const order = newOrder();
  stripe.fail('/confirm', { refused: 'parameter_unknown' });
  await expect(patient().charge(order)).rejects.toMatchObject({ name: 'StripeRefused' });
  stripe.payments.intents.values().next().value!.status = 'requires_confirmation';
  expect(await patient().charge(order)).toMatchObject({ provider: 'stripe' });
  expect(stripe.payments.kept(order.orderId)).toBe(1999);
});

test('an intent without a client secret has no action to tell', async () => {
  const order = newOrder('pm_card_authenticationRequired');
  stripe.fail('/confirm', { refused: 'parameter_unknown' });
  await expect(patient().charge(order)).rejects.toMatchObject({ name: 'StripeRefused' });
  Object.assign(stripe.payments.intents.values().next().value!, { client_secret: null });
  await expect(patient().charge(order)).rejects.toThrow(/has no client secret/);
});

test('an intent that somebody gave up by hand was not authenticated', async () => {
  const order = newOrder();
  stripe.fail('/confirm', { refused: 'parameter_unknown' });
  await expect(patient().charge(order)).rejects.toMatchObject({ name: 'StripeRefused' });
  const intent = stripe.payments.intents.values().next().value!;
  Object.assign(intent, { status: 'canceled', cancellation_reason: 'abandoned' });
  await expect(patient().charge(order)).rejects.toMatchObject(declinedWith('authentication_failed'));
});

test('a refund that the bank returns is an error, never a success', async () => {
  const order = newOrder();
  const { reference } = await patient().charge(order);
  stripe.payments.refundStatuses.push('failed');
  await expect(patient().compensate(compensationOf(order, reference))).rejects.toThrow(/refund re_fake\d+ is failed/);
  expect(stripe.payments.kept(order.orderId)).toBe(1999);
});

test('an order that costs less than Stripe takes is declined, and nothing is left to compensate', async () => {
  const order = { ...newOrder(), amount: 10 };
  await expect(patient().charge(order)).rejects.toMatchObject(declinedWith('amount_invalid'));
  expect(await patient().compensate(compensationOf(order))).toMatchObject({ outcome: 'voided', reference: null });
});

test('compensation gives a charge back once, whoever asks, with and without its reference', async () => {
  const order = newOrder();
  const { reference } = await patient().charge(order);
  const first = await patient().compensate(compensationOf(order, reference));
  expect(first).toEqual({
    outcome: 'refunded',
    provider: 'stripe',
    reference,
    refundReference: expect.stringMatching(/^re_/),
  });
  expect(await patient().compensate(compensationOf(order, reference))).toEqual(first);
  expect(await patient().compensate(compensationOf(order))).toEqual(first);
  expect(stripe.payments.refunds).toHaveLength(1);
  await expect(patient().charge(order)).rejects.toMatchObject(declinedWith('charge_voided'));
});

test('two compensations at once give back once', async () => {
  const order = newOrder();
  const { reference } = await patient().charge(order);
  await Promise.allSettled([
    patient().compensate(compensationOf(order)),
    patient().compensate(compensationOf(order, reference)),
  ]);
  expect(await patient().compensate(compensationOf(order))).toMatchObject({ outcome: 'refunded' });
  expect(stripe.payments.refunds).toHaveLength(1);
});

test('the compensation of a charge whose answer was lost refunds it', async () => {
  const order = newOrder();
  stripe.fail('/confirm', 'silent');
  await expect(givenUp(stripe, () => patient().charge(order))).rejects.toMatchObject(outcomeUnknown);
  expect(stripe.payments.kept(order.orderId)).toBe(1999);
  expect(await patient().compensate(compensationOf(order))).toMatchObject({ outcome: 'refunded' });
  expect(stripe.payments.kept(order.orderId)).toBe(0);
});

test('compensation before the charge reached Stripe: the late charge is refused', async () => {
  const order = newOrder();
  expect(await patient().compensate(compensationOf(order))).toMatchObject({
    outcome: 'voided',
    refundReference: null,
  });
  await expect(patient().charge(order)).rejects.toMatchObject(declinedWith('charge_voided'));
  expect(stripe.payments.kept(order.orderId)).toBe(0);
});

test('compensation between the two calls of a charge: the confirmation is refused', async () => {
  const order = newOrder();
  stripe.fail('/v1/payment_intents', 'held');
  const late = patient().charge(order);
  await until(() => stripe.calls.length === 1);
  await expect(patient().compensate(compensationOf(order))).rejects.toMatchObject(outcomeUnknown);
  const [id] = stripe.payments.intents.keys();
  expect(await patient().compensate(compensationOf(order, id))).toMatchObject({ outcome: 'voided' });
  stripe.release();
  await expect(late).rejects.toMatchObject(declinedWith('charge_voided'));
  expect(stripe.payments.kept(order.orderId)).toBe(0);
});

test('the charge succeeds between the look and the cancellation of its compensation', async () => {
  const order = newOrder('pm_card_processing');
  await expect(patient().charge(order)).rejects.toMatchObject(outcomeUnknown);
  const [id] = stripe.payments.intents.keys();
  stripe.fail('/cancel', 'held');
  const compensating = patient().compensate(compensationOf(order));
  await until(() => stripe.calls.some((call) => call.endsWith('/cancel')));
  stripe.payments.finish(id!);
  stripe.release();
  expect(await compensating).toMatchObject({ outcome: 'refunded', reference: id });
  expect(stripe.payments.kept(order.orderId)).toBe(0);
});

for (const call of ['/cancel', '/v1/refunds']) {
  test(`the answer of ${call} gets lost in a compensation, and asking again gives it`, async () => {
    const order = newOrder();
    if (call === '/v1/refunds') await patient().charge(order);
    stripe.fail(call, 'silent');
    await expect(givenUp(stripe, () => patient().compensate(compensationOf(order)))).rejects.toMatchObject(
      outcomeUnknown,
    );
    expect(await patient().compensate(compensationOf(order))).toMatchObject({
      outcome: call === '/cancel' ? 'voided' : 'refunded',
    });
    expect(stripe.payments.refunds).toHaveLength(call === '/cancel' ? 0 : 1);
  });
}

test('what was given back by hand is not given back twice', async () => {
  const order = newOrder();
  const { reference } = await patient().charge(order);
  stripe.payments.refundByHand(reference);
  const byHand = stripe.payments.refunds[0]!.id;
  expect(await patient().compensate(compensationOf(order, reference))).toMatchObject({ refundReference: byHand });
  expect(stripe.payments.refunds).toHaveLength(1);
});

test('a day later, when the keys are forgotten, an order is neither charged nor given back twice', async () => {
  const order = newOrder();
  const { reference } = await patient().charge(order);
  stripe.forgetKeys();
  now += 25 * 3600 * 1000;
  expect(await patient().charge(order)).toMatchObject({ reference });
  const first = await patient().compensate(compensationOf(order));
  stripe.forgetKeys();
  expect(await patient().compensate(compensationOf(order))).toEqual(first);
  expect(stripe.payments.intents.size).toBe(1);
  expect(stripe.payments.refunds).toHaveLength(1);
});

test('a day later a charge that was given back is found so, and not made again', async () => {
  const order = newOrder();
  await patient().charge(order);
  await patient().compensate(compensationOf(order));
  stripe.forgetKeys();
  now += 25 * 3600 * 1000;
  await expect(patient().charge(order)).rejects.toMatchObject(declinedWith('charge_voided'));
  expect(stripe.payments.intents.size).toBe(1);
});

test.each([
  [20 * 3600 * 1000, 'POST /v1/payment_intents'],
  [20 * 3600 * 1000 + 1, 'GET /v1/payment_intents/search'],
])('%i ms after an order was placed its charge begins with %s', async (age, call) => {
  const order = newOrder();
  now += age;
  await patient().charge(order);
  expect(stripe.calls[0]).toBe(call);
});

test('a day later a charge of another amount or currency is distinguished from the one that was made', async () => {
  const order = newOrder();
  await patient().charge(order);
  stripe.forgetKeys();
  now += 25 * 3600 * 1000;
  for (const other of [
    { ...order, amount: 1998 },
    { ...order, currency: 'USD' },
  ]) {
    await expect(patient().charge(other)).rejects.toMatchObject({ name: 'ChargeDiffers' });
  }
  expect(stripe.payments.kept(order.orderId)).toBe(1999);
});

test('an order with two intents that were confirmed, which nobody can have made here, is neither charged nor given back', async () => {
  const order = newOrder();
  const { reference } = await patient().charge(order);
  stripe.payments.intents.set('pi_other', { ...stripe.payments.intents.get(reference)!, id: 'pi_other' });
  now += 25 * 3600 * 1000;
  await expect(patient().charge(order)).rejects.toThrow(/more than one PaymentIntent/);
  await expect(patient().compensate(compensationOf(order))).rejects.toThrow(/more than one PaymentIntent/);
});

test.each(['charged', 'not charged'])(
  'of the intents that a failed creation left and that its repetition made, the one that was confirmed counts a day later (%s)',
  async (how) => {
    const order = newOrder();
    stripe.fail('/v1/payment_intents', 'done-500');
    await expect(patient().charge(order)).rejects.toMatchObject(outcomeUnknown);
    const before = how === 'charged' ? await patient().charge(order) : undefined;
    expect(stripe.payments.intents.size).toBe(before === undefined ? 1 : 2);
    stripe.forgetKeys();
    now += 25 * 3600 * 1000;
    const charge = await patient().charge(order);
    if (before !== undefined) expect(charge).toEqual(before);
    expect(stripe.payments.kept(order.orderId)).toBe(1999);
    expect(await patient().compensate(compensationOf(order))).toMatchObject({
      outcome: 'refunded',
      reference: charge.reference,
    });
    expect(stripe.payments.kept(order.orderId)).toBe(0);
    expect(stripe.payments.intents.size).toBe(before === undefined ? 1 : 2);
  },
);

test('of two intents of which none was ever confirmed, the first is confirmed a day later, by everybody', async () => {
  const order = newOrder();
  stripe.fail('/v1/payment_intents', 'done-500');
  await expect(patient().charge(order)).rejects.toMatchObject(outcomeUnknown);
  now += 1000;
  stripe.fail('/confirm', 'rate-limit');
  await expect(patient().charge(order)).rejects.toMatchObject(outcomeUnknown);
  const [first] = stripe.payments.intents.keys();
  expect(stripe.payments.intents.size).toBe(2);
  stripe.forgetKeys();
  now += 25 * 3600 * 1000;
  expect(await patient().charge(order)).toMatchObject({ reference: first });
  expect(stripe.payments.kept(order.orderId)).toBe(1999);
});

test('an order that is first charged a day after it was placed is looked for, and charged', async () => {
  const order = newOrder();
  now += 25 * 3600 * 1000;
  expect(await patient().charge(order)).toMatchObject({ provider: 'stripe' });
  expect(stripe.calls[0]).toBe('GET /v1/payment_intents/search');
});

test('a compensation of another amount, currency or order changes nothing', async () => {
  const order = newOrder();
  const { reference } = await patient().charge(order);
  for (const other of [
    { ...compensationOf(order, reference), amount: 1998 },
    { ...compensationOf(order, reference), currency: 'USD' },
    { ...compensationOf(order, reference), orderId: newId('order', clock) },
  ]) {
    await expect(patient().compensate(other)).rejects.toMatchObject({ name: 'ChargeDiffers' });
  }
  await expect(patient().compensate({ ...compensationOf(order), amount: 1998 })).rejects.toMatchObject({
    name: 'StripeRefused',
  });
  await expect(patient().charge({ ...order, amount: 1998 })).rejects.toMatchObject({ name: 'StripeRefused' });
  expect(stripe.payments.kept(order.orderId)).toBe(1999);
});

test('a compensation of a reference that Stripe does not know fails, neither lost nor done', async () => {
  await expect(patient().compensate(compensationOf(newOrder(), 'pi_gone'))).rejects.toMatchObject({
    name: 'StripeRefused',
  });
});

test('time is counted over all calls of a charge: one that ran out sends nothing more', async () => {
  const order = newOrder();
  stripe.fail('/v1/payment_intents', 'held');
  const charging = gatewayWith(5000).charge(order);
  await until(() => stripe.calls.length === 1);
  passed += 5000;
  stripe.release();
  await expect(charging).rejects.toMatchObject(outcomeUnknown);
  await patient().compensate(compensationOf(order));
  expect(stripe.calls.filter((call) => call.endsWith('/confirm'))).toEqual([]);
});

test('no timer is left behind by a charge, nor by one that is declined', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    await patient().charge(newOrder());
    expect(vi.getTimerCount()).toBe(0);
    await expect(patient().charge(newOrder('pm_card_chargeDeclined'))).rejects.toMatchObject({
      name: 'PaymentDeclined',
    });
    expect(vi.getTimerCount()).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});

test('Stripe cannot be reached', async () => {
  const gateway = patient();
  await stripe.stop();
  await expect(gateway.charge(newOrder())).rejects.toMatchObject({
    ...outcomeUnknown,
    message: expect.stringContaining('ECONNREFUSED'),
  });
  stripe = await startFakeStripe();
});

test('a key that Stripe does not accept is an error for a person, and no error shows a key or a cardholder', async () => {
  const wrongKey = 'sk_test_51WrongKeyThatNobodyMaySee';
  const wrong: unknown = await gatewayWith(5000, wrongKey)
    .charge(newOrder())
    .catch((error: unknown) => error);
  expect(wrong).toMatchObject({ name: 'StripeRefused', message: expect.stringContaining('status 401') });
  stripe.payments.passing.push('processing_error');
  const errors = [wrong];
  for (const method of ['pm_card_visa', 'pm_card_chargeDeclined', 'pm_nobody_knows']) {
    errors.push(
      await patient()
        .charge(newOrder(method))
        .catch((error: unknown) => error),
    );
  }
  for (const error of errors) {
    const shown = everythingOf(error);
    expect(shown).not.toContain('NobodyMaySee');
    expect(shown).not.toContain('Smith');
  }
});

test('a rotated key is taken up at the next call', async () => {
  let key = 'sk_test_old';
  const gateway = stripeGateway({ secretKey: async () => key, timeoutMs: 5000, clock, stopwatch, api: stripe.api });
  await expect(gateway.charge(newOrder())).rejects.toMatchObject({ name: 'StripeRefused' });
  key = fakeStripeKey;
  expect(await gateway.charge(newOrder())).toMatchObject({ provider: 'stripe' });
});

function everythingOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return [error.name, error.message, error.stack, JSON.stringify(error), everythingOf(error.cause)].join(' ');
}
