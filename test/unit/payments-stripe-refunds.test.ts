import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Clock, stopwatch } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';
import type { ProviderCharge, ProviderCharges, TransactionsRequest } from '../../lib/shop/payments/gateway.ts';
import { stripeGateway } from '../../lib/shop/payments/stripe.gateway.ts';
import { type FakeStripe, fakeStripeKey, givenUp, startFakeStripe } from '../support/fake-stripe.ts';

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
const refusedWith = (code: string) => ({ name: 'RefundRefused', code });
const outcomeUnknown = { name: 'OutcomeUnknown' };
const made = () => stripe.payments.refunds.length;
const looks = () => stripe.calls.filter((call) => call === 'GET /v1/refunds').length;

beforeEach(async () => {
  now = Date.now();
  stripe = await startFakeStripe(clock.now);
});
afterEach(() => stripe.stop());

async function charged(order = newOrder()) {
  const { reference } = await gateway().charge(order);
  const part = (refundId: string, amount: number) => ({
    orderId: order.orderId,
    refundId,
    amount,
    currency: order.currency,
    reference,
  });
  const compensation = { orderId: order.orderId, amount: order.amount, currency: order.currency, reference };
  return { order, reference, part, compensation, kept: () => stripe.payments.kept(order.orderId) };
}

test('parts are given back once each, and never more than is left', async () => {
  const { part, kept } = await charged();
  const first = await gateway().refundPart(part('r1', 500));
  expect(first).toEqual({ refundReference: expect.stringMatching(/^re_/) });
  expect(await gateway().refundPart(part('r1', 500))).toEqual(first);
  expect(await gateway().refundPart(part('r2', 1499))).not.toEqual(first);
  await expect(gateway().refundPart(part('r3', 1))).rejects.toMatchObject(refusedWith('more_than_is_left'));
  expect(kept()).toBe(0);
  expect(made()).toBe(2);
});

test.each(['error-500', 'done-500', { keptRefusal: 'balance_insufficient' }] as const)(
  'a part that Stripe failed to give back, or says so (%o), is given back once',
  async (fault) => {
    const { part, kept } = await charged();
    stripe.fail('POST /v1/refunds', fault);
    await expect(gateway().refundPart(part('r1', 500))).rejects.toThrow();
    const given = await gateway().refundPart(part('r1', 500));
    expect(await gateway().refundPart(part('r1', 500))).toEqual(given);
    expect(made()).toBe(1);
    expect(kept()).toBe(1499);
  },
);

test('more than is left is refused before anything is sent, and less is given afterwards', async () => {
  const { part, kept } = await charged();
  await expect(gateway().refundPart(part('r1', 2000))).rejects.toMatchObject(refusedWith('more_than_is_left'));
  expect(stripe.calls).not.toContain('POST /v1/refunds');
  await gateway().refundPart(part('r2', 1999));
  expect(kept()).toBe(0);
});

test('two parts at once of which one is too much: one is given, the other refused', async () => {
  const { part, kept } = await charged();
  stripe.fail('GET /v1/payment_intents/:id', 'held', 'held');
  const both = [gateway().refundPart(part('r1', 1200)), gateway().refundPart(part('r2', 1200))];
  while (stripe.calls.filter((call) => call === 'GET /v1/payment_intents/:id').length < 2) {
    await new Promise(setImmediate);
  }
  stripe.release();
  const results = await Promise.allSettled(both);
  const refusals = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
  expect(refusals).toMatchObject([refusedWith('more_than_is_left')]);
  expect(kept()).toBe(799);
});

test('two of the same part at once give it back once', async () => {
  const { part, kept } = await charged();
  await Promise.allSettled([gateway().refundPart(part('r1', 500)), gateway().refundPart(part('r1', 500))]);
  await gateway().refundPart(part('r1', 500));
  expect(kept()).toBe(1499);
});

test('the answer of a part gets lost, and days later asking again gives it', async () => {
  const { part, kept } = await charged();
  stripe.fail('/v1/refunds', 'silent');
  stripe.fail('POST /v1/refunds', 'silent');
  await expect(givenUp(stripe, () => gateway().refundPart(part('r1', 500)))).rejects.toMatchObject(outcomeUnknown);
  await expect(givenUp(stripe, () => gateway().refundPart(part('r1', 500)))).rejects.toMatchObject(outcomeUnknown);
  now += 3 * 24 * 3600 * 1000;
  stripe.forgetKeys();
  expect(await gateway().refundPart(part('r1', 500))).toEqual({ refundReference: stripe.payments.refunds[0]!.id });
  expect(kept()).toBe(1499);
});

test('an earlier part is found behind many pages of others', async () => {
  const { part } = await charged();
  const first = await gateway().refundPart(part('r1', 1));
  for (let time = 0; time < 7; time++) await gateway().refundPart(part(`more${time}`, 1));
  stripe.forgetKeys();
  for (const [most, pages] of [
    [2, 4],
    [3, 3],
    [1, 8],
  ] as const) {
    stripe.payments.pageSize.most = most;
    const before = looks();
    expect(await gateway().refundPart(part('r1', 1))).toEqual(first);
    expect(looks() - before).toBe(pages);
  }
  expect(made()).toBe(8);
});

test('an earlier part is found though more pages follow, and no page is read for it twice', async () => {
  const { part } = await charged();
  for (const refundId of ['r1', 'r2', 'r3']) await gateway().refundPart(part(refundId, 1));
  stripe.forgetKeys();
  stripe.payments.pageSize.most = 1;
  const before = looks();
  expect(await gateway().refundPart(part('r3', 1))).toEqual({ refundReference: stripe.payments.refunds[2]!.id });
  expect(looks() - before).toBe(1);
  await gateway().refundPart(part('r4', 1));
  expect(looks() - before).toBe(4);
  expect(made()).toBe(4);
});

test('a refund that somebody made without metadata is none of the parts', async () => {
  const { part, reference } = await charged();
  await gateway().refundPart(part('r1', 5));
  stripe.payments.refunds.push({ ...stripe.payments.refunds[0]!, id: 're_by_hand', metadata: null });
  expect(await gateway().refundPart(part('r2', 5))).not.toEqual({ refundReference: 're_by_hand' });
  expect(stripe.payments.refunds.every(({ payment_intent: intent }) => intent === reference)).toBe(true);
});

test.each([
  ['charge_already_refunded', refusedWith('more_than_is_left')],
  ['charge_disputed', refusedWith('disputed')],
  ['refund_disputed_payment', refusedWith('disputed')],
  ['charge_not_refundable', refusedWith('not_refundable')],
  ['amount_too_small', refusedWith('amount_invalid')],
  ['payment_method_not_available', { name: 'PaymentDeclined' }],
  ['parameter_unknown', { name: 'StripeRefused', code: 'parameter_unknown' }],
])('a part that Stripe refuses as %s is refused, and nothing is given', async (refused, error) => {
  const { part, kept } = await charged();
  stripe.fail('POST /v1/refunds', { refused });
  await expect(gateway().refundPart(part('r1', 500))).rejects.toMatchObject(error);
  expect(kept()).toBe(1999);
});

test('the answer of a part that was all there is gets lost: that is no refusal', async () => {
  const { part, kept } = await charged();
  stripe.fail('POST /v1/refunds', 'reset', 'reset');
  await expect(gateway().refundPart(part('r1', 1999))).rejects.toMatchObject(outcomeUnknown);
  expect(await gateway().refundPart(part('r1', 1999))).toEqual({ refundReference: stripe.payments.refunds[0]!.id });
  expect(kept()).toBe(0);
});

test('a compensation whose refund is refused is an error, though a part went back before', async () => {
  const { part, compensation, kept } = await charged();
  await gateway().refundPart(part('r1', 500));
  stripe.fail('POST /v1/refunds', { refused: 'charge_disputed' });
  await expect(gateway().compensate(compensation)).rejects.toMatchObject({
    name: 'StripeRefused',
    code: 'charge_disputed',
  });
  expect(kept()).toBe(1499);
});

test('a compensation that finds everything given back, and no refund, is an error', async () => {
  const { compensation } = await charged();
  stripe.fail('POST /v1/refunds', { refused: 'charge_already_refunded' });
  await expect(gateway().compensate(compensation)).rejects.toThrow(/is refunded without a refund/);
});

test('another amount under the same refund id changes nothing', async () => {
  const { part, kept } = await charged();
  await gateway().refundPart(part('r1', 500));
  await expect(gateway().refundPart(part('r1', 501))).rejects.toMatchObject({ name: 'ChargeDiffers' });
  expect(kept()).toBe(1499);
});

test('a part of another order’s or currency’s charge is not given', async () => {
  const { part, kept } = await charged();
  const differs = { name: 'ChargeDiffers' };
  const other = newId('order', clock);
  await expect(gateway().refundPart({ ...part('r1', 5), orderId: other })).rejects.toMatchObject(differs);
  await expect(gateway().refundPart({ ...part('r1', 5), currency: 'USD' })).rejects.toMatchObject({
    ...differs,
    message: expect.stringContaining('EUR'),
  });
  await gateway().refundPart(part('r2', 5));
  await expect(gateway().refundPart({ ...part('r2', 5), orderId: other })).rejects.toMatchObject(differs);
  expect(kept()).toBe(1994);
});

test('nothing was captured: nothing is given back', async () => {
  const { part } = await charged(newOrder('pm_card_authenticationRequired'));
  await expect(gateway().refundPart(part('r1', 5))).rejects.toMatchObject(refusedWith('nothing_captured'));
  expect(made()).toBe(0);
});

test('an amount that Stripe does not count in is refused', async () => {
  const order = { ...newOrder(), amount: 5120, currency: 'KWD' };
  const { part } = await charged(order);
  await expect(gateway().refundPart(part('r1', 5))).rejects.toMatchObject(refusedWith('amount_invalid'));
  expect(made()).toBe(0);
});

test.each(['failed', 'canceled'])(
  'a part that is %s at the bank is refused, and so when asked again',
  async (status) => {
    const { part, kept } = await charged();
    stripe.payments.refundStatuses.push(status);
    await expect(gateway().refundPart(part('r1', 500))).rejects.toMatchObject(refusedWith('refund_failed'));
    await expect(gateway().refundPart(part('r1', 500))).rejects.toMatchObject(refusedWith('refund_failed'));
    expect(kept()).toBe(1999);
  },
);

test('compensation after parts gives back the rest, once', async () => {
  const { part, compensation, kept } = await charged();
  await gateway().refundPart(part('r1', 500));
  const first = await gateway().compensate(compensation);
  expect(first).toMatchObject({ outcome: 'refunded' });
  stripe.forgetKeys();
  expect(await gateway().compensate(compensation)).toEqual(first);
  expect(stripe.payments.refunds.map(({ amount }) => amount)).toEqual([500, 1499]);
  await expect(gateway().refundPart(part('r2', 1))).rejects.toMatchObject(refusedWith('more_than_is_left'));
  expect(await gateway().refundPart(part('r1', 500))).toEqual({ refundReference: stripe.payments.refunds[0]!.id });
  expect(kept()).toBe(0);
});

test('the compensation of a charge that partial refunds used up names the last of them', async () => {
  const { part, compensation } = await charged();
  await gateway().refundPart(part('r1', 999));
  const { refundReference } = await gateway().refundPart(part('r2', 1000));
  expect(await gateway().compensate(compensation)).toMatchObject({ outcome: 'refunded', refundReference });
  expect(made()).toBe(2);
});

test('the transactions: every charge with its order, state and what went back', async () => {
  const from = now;
  const paid = await charged();
  await gateway().refundPart(paid.part('r1', 500));
  const waiting = await charged(newOrder('pm_card_authenticationRequired'));
  const refused = newOrder('pm_card_chargeDeclined');
  await gateway()
    .charge(refused)
    .catch(() => {});
  const voided = newOrder();
  await gateway().compensate({ orderId: voided.orderId, amount: 1999, currency: 'EUR' });
  const foreign = stripe.payments.chargeOfOthers(700, 'isk');
  const balances = await readAll('listCharges', { from: Math.floor(from / 1000) * 1000, to: now + 1000 });
  const shape = ({ orderId, status, amount, refundedAmount, currency }: ProviderCharge) => ({
    orderId,
    status,
    amount,
    refundedAmount,
    currency,
  });
  const expected = { amount: 1999, refundedAmount: 0, currency: 'EUR' };
  expect(balances.map(shape).reverse()).toEqual([
    { ...expected, orderId: paid.order.orderId, status: 'captured', refundedAmount: 500 },
    { ...expected, orderId: waiting.order.orderId, status: 'pending' },
    { ...expected, orderId: refused.orderId, status: 'declined' },
    { ...expected, orderId: voided.orderId, status: 'voided' },
    { orderId: null, status: 'captured', amount: 7, refundedAmount: 0, currency: 'ISK' },
  ]);
  expect(balances[0]).toMatchObject({ reference: foreign, createdAt: Math.floor(now / 1000) * 1000 });
});

test('the transactions are read page by page, and cover their time exactly', async () => {
  now = 1_800_000_000_000;
  const references: string[] = [];
  for (let second = 0; second < 5; second++) {
    references.push((await charged()).reference);
    now += 1000;
  }
  stripe.payments.pageSize.most = 2;
  const balances = await readAll('listCharges', { from: 1_800_000_001_000, to: 1_800_000_004_000 });
  expect(balances.map(({ reference }) => reference).reverse()).toEqual(references.slice(1, 4));
  const next = await readAll('listCharges', { from: 1_800_000_004_000, to: 1_800_000_005_000 });
  expect(next.map(({ reference }) => reference)).toEqual(references.slice(4));
});

test('the transactions end with the last page, however short the pages are', async () => {
  const from = now;
  const references = [(await charged()).reference, (await charged()).reference];
  const request = { from: Math.floor(from / 1000) * 1000, to: now + 1000 };
  expect(await gateway().listCharges(request)).not.toHaveProperty('cursor');
  stripe.payments.pageSize.most = 1;
  const balances = await readAll('listCharges', request);
  expect(balances.map(({ reference }) => reference).reverse()).toEqual(references);
  expect(stripe.calls.filter((call) => call === 'GET /v1/payment_intents')).toHaveLength(3);
});

test('in the transactions a charge that was not tried, or is to be tried again, is pending', async () => {
  const from = Math.floor(now / 1000) * 1000;
  stripe.payments.passing.push('processing_error');
  await expect(gateway().charge(newOrder())).rejects.toMatchObject(outcomeUnknown);
  stripe.fail('/confirm', { refused: 'parameter_unknown' });
  await expect(gateway().charge(newOrder())).rejects.toMatchObject({ name: 'StripeRefused' });
  const balances = await readAll('listCharges', { from, to: now + 1000 });
  expect(balances.map(({ status }) => status)).toEqual(['pending', 'pending']);
});

test('a refund of a charge without an intent is in no book of orders', async () => {
  const { part } = await charged();
  await gateway().refundPart(part('r1', 5));
  const [made] = stripe.payments.refunds;
  stripe.payments.refunds.push({ ...made!, id: 're_2', payment_intent: null as never });
  stripe.payments.refunds.push({ ...made!, id: 're_3', payment_intent: 'pi_that_is_not_shown' });
  const seen = await readAll('listRefunded', { from: Math.floor(now / 1000) * 1000 - 1000, to: now + 1000 });
  expect(seen).toHaveLength(1);
});

test('a refund of an old charge is seen when it is made', async () => {
  const old = await charged();
  now += 30 * 24 * 3600 * 1000;
  const from = now;
  await charged();
  await gateway().refundPart(old.part('r1', 500));
  await gateway().refundPart(old.part('r2', 300));
  const seen = await readAll('listRefunded', { from: Math.floor(from / 1000) * 1000, to: now + 1000 });
  expect(new Set(seen.map(({ reference }) => reference))).toEqual(new Set([old.reference]));
  expect(seen[0]).toMatchObject({ orderId: old.order.orderId, status: 'captured', amount: 1999, refundedAmount: 800 });
  expect(await readAll('listRefunded', { from: now + 1000, to: now + 2000 })).toEqual([]);
});

async function readAll(list: 'listCharges' | 'listRefunded', request: TransactionsRequest): Promise<ProviderCharge[]> {
  const all: ProviderCharge[] = [];
  let page: ProviderCharges | undefined;
  do {
    page = await gateway()[list]({ ...request, cursor: page?.cursor });
    all.push(...page.charges);
  } while (page.cursor !== undefined);
  return all;
}
