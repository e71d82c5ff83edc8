import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { run as chargeStep } from '../../functions/saga/charge-payment.ts';
import { run as refundStep } from '../../functions/saga/refund-payment.ts';
import { systemClock, toTimestamp } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';
import type { PlacingState } from '../../lib/saga/state.ts';
import { SimulatedGateway } from '../../lib/shop/payments/simulated.dynamo.ts';
import { itemStore } from '../../lib/shop/payments/simulated-items.dynamo.ts';
import { startTestDynamo, type TestDynamo, watchReads } from '../support/dynamo.ts';

let dynamo: TestDynamo;
let waited: number[] = [];

beforeAll(async () => {
  dynamo = await startTestDynamo([{ name: 'charges', partitionKey: 'orderId' }]);
});
afterAll(() => dynamo.stop());
afterEach(() => {
  waited = [];
});

const gateway = () =>
  new SimulatedGateway({
    client: dynamo.documents,
    table: 'charges',
    clock: systemClock,
    timeoutMs: 8000,
    wait: async (milliseconds) => waited.push(milliseconds),
  });
const newOrder = (paymentMethod = 'pm_card_visa') => ({
  orderId: newId('order', systemClock),
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

test('a repeated charge returns the same reference', async () => {
  const order = newOrder();
  const first = await gateway().charge(order);
  expect(first).toEqual({ provider: 'simulated', reference: expect.stringMatching(/^sim_ch_/) });
  expect(await gateway().charge(order)).toEqual(first);
});

test('a charge costs one call to the table', async () => {
  const before = dynamo.calls();
  await gateway().charge(newOrder());
  const after = dynamo.calls();
  expect((after.PutItem ?? 0) - (before.PutItem ?? 0)).toBe(1);
  expect(after.GetItem).toBe(before.GetItem);
});

test('every read of the transactions sees the writes before it', async () => {
  const { client, reads } = watchReads(dynamo.documents);
  const watched = new SimulatedGateway({ client, table: 'charges', clock: systemClock, timeoutMs: 1 });
  const order = newOrder();
  await watched.charge(order);
  await watched.charge(order);
  await watched.listCharges({ from: 0, to: systemClock.now() });
  expect(reads).toMatchObject([{ Key: { orderId: order.orderId } }, { FilterExpression: expect.any(String) }]);
  for (const read of reads) expect(read).toMatchObject({ ConsistentRead: true });
});

test('ten concurrent charges of one order make one charge', async () => {
  const order = newOrder();
  const charges = await Promise.all(Array.from({ length: 10 }, () => gateway().charge(order)));
  expect(new Set(charges.map(({ reference }) => reference)).size).toBe(1);
});

test.each([
  ['pm_card_chargeDeclined', 'card_declined'],
  ['pm_card_insufficientFunds', 'insufficient_funds'],
  ['pm_card_of_nobody', 'payment_method_invalid'],
  ['constructor', 'payment_method_invalid'],
])('%s is declined as %s, each time, and there is nothing to give back', async (method, code) => {
  const order = newOrder(method);
  await expect(gateway().charge(order)).rejects.toMatchObject(declinedWith(code));
  await expect(gateway().charge(order)).rejects.toMatchObject(declinedWith(code));
  expect(await gateway().compensate(compensationOf(order))).toMatchObject({
    outcome: 'voided',
    refundReference: null,
  });
});

test('pm_timeoutOnce charges, loses the answer, and gives it to a retry', async () => {
  const order = newOrder('pm_timeoutOnce');
  await expect(gateway().charge(order)).rejects.toMatchObject(outcomeUnknown);
  const { reference } = await gateway().charge(order);
  expect(await gateway().charge(order)).toMatchObject({ reference });
  expect(waited).toEqual([]);
});

test('the compensation of a charge whose answer was lost refunds it', async () => {
  const order = newOrder('pm_timeoutOnce');
  await expect(gateway().charge(order)).rejects.toMatchObject(outcomeUnknown);
  expect(await gateway().compensate(compensationOf(order))).toMatchObject({ outcome: 'refunded' });
  await expect(gateway().charge(order)).rejects.toMatchObject(declinedWith('charge_voided'));
});

test('pm_timeoutAlways answers neither a charge nor its compensation', async () => {
  const order = newOrder('pm_timeoutAlways');
  for (let time = 0; time < 2; time++) {
    await expect(gateway().charge(order)).rejects.toMatchObject(outcomeUnknown);
    await expect(gateway().compensate(compensationOf(order))).rejects.toMatchObject(outcomeUnknown);
  }
  expect(waited).toEqual([8000, 8000, 8000, 8000]);
});

test('a charge that arrives after its compensation is refused', async () => {
  for (const method of ['pm_card_visa', 'pm_timeoutOnce', 'pm_timeoutAlways', 'pm_card_chargeDeclined']) {
    const order = newOrder(method);
    const first = await gateway().compensate(compensationOf(order));
    expect(first).toEqual({ outcome: 'voided', provider: 'simulated', reference: null, refundReference: null });
    await expect(gateway().charge(order)).rejects.toMatchObject(declinedWith('charge_voided'));
    expect(await gateway().compensate(compensationOf(order))).toEqual(first);
  }
});

test('a concurrent charge and compensation keep no money, whichever wins', async () => {
  for (let time = 0; time < 20; time++) {
    const order = newOrder();
    const [, compensated] = await Promise.allSettled([
      gateway().charge(order),
      gateway().compensate(compensationOf(order)),
    ]);
    expect(compensated.status).toBe('fulfilled');
    await expect(gateway().charge(order)).rejects.toMatchObject(declinedWith('charge_voided'));
  }
});

test('concurrent compensations refund a charge once, with and without its reference', async () => {
  const order = newOrder();
  const { reference } = await gateway().charge(order);
  const compensations = await Promise.all(
    Array.from({ length: 8 }, (_, index) =>
      gateway().compensate(compensationOf(order, index % 2 ? reference : undefined)),
    ),
  );
  expect(new Set(compensations.map(({ refundReference }) => refundReference)).size).toBe(1);
  expect(compensations[0]).toEqual({
    outcome: 'refunded',
    provider: 'simulated',
    reference,
    refundReference: expect.stringMatching(/^sim_re_/),
  });
  expect(await gateway().compensate(compensationOf(order))).toEqual(compensations[0]);
});

test('a repeat with another amount, currency, payment method or reference changes nothing', async () => {
  const order = newOrder();
  const { reference } = await gateway().charge(order);
  const differs = { name: 'ChargeDiffers' };
  await expect(gateway().charge({ ...order, amount: 1 })).rejects.toMatchObject(differs);
  await expect(gateway().charge({ ...order, currency: 'USD' })).rejects.toMatchObject(differs);
  await expect(gateway().charge({ ...order, paymentMethod: 'pm_timeoutOnce' })).rejects.toMatchObject(differs);
  await expect(gateway().compensate({ ...compensationOf(order), amount: 2000 })).rejects.toMatchObject(differs);
  await expect(gateway().compensate({ ...compensationOf(order), currency: 'USD' })).rejects.toMatchObject(differs);
  await expect(gateway().compensate(compensationOf(order, 'sim_ch_other'))).rejects.toMatchObject(differs);
  expect(await gateway().charge(order)).toMatchObject({ reference });
});

test('a change to a charge between read and write is not overwritten', async () => {
  const store = itemStore({ client: dynamo.documents, table: 'charges' });
  const order = newOrder();
  await gateway().charge(order);
  const seen = (await store.find(order.orderId))!;
  const at = toTimestamp(systemClock.now());
  const part = { reference: 'sim_re_part', amount: 500, at };
  expect(await store.refundPart(seen, 'ref_1', part)).toBe(true);
  expect(await store.refundPart(seen, 'ref_1', part), 'this very part went back').toBe(false);
  expect(await store.refundRest(seen, 0, 'sim_re_rest', at), 'a part went back').toBe(false);
  // as releases before parts gave back: without a sum
  const Item = { ...seen, status: 'refunded', refundReference: 'sim_re_old' };
  await dynamo.documents.send(new PutCommand({ TableName: 'charges', Item }));
  expect(await store.refundRest(seen, 0, 'sim_re_rest', at), 'all went back').toBe(false);
  expect(await store.refundPart(seen, 'ref_2', part), 'all went back').toBe(false);
  expect(await store.find(order.orderId)).toEqual(Item);
});

test('the compensation of a charge that does not exist fails, and is no refund', async () => {
  const unknown = { name: 'ChargeUnknown' };
  const order = newOrder();
  await expect(gateway().compensate(compensationOf(order, 'sim_ch_gone'))).rejects.toMatchObject(unknown);
  await gateway().compensate(compensationOf(order));
  await expect(gateway().compensate(compensationOf(order, 'sim_ch_gone'))).rejects.toMatchObject(unknown);
});

test('an outage of the table loses the answer; a wrong table is an error', async () => {
  const order = newOrder();
  dynamo.refuse();
  await expect(gateway().charge(order)).rejects.toMatchObject(outcomeUnknown);
  await expect(gateway().compensate(compensationOf(order))).rejects.toMatchObject(outcomeUnknown);
  await dynamo.resume();
  expect(await gateway().charge(order)).toMatchObject({ provider: 'simulated' });
  const wrong = new SimulatedGateway({ client: dynamo.documents, table: 'none', clock: systemClock, timeoutMs: 1 });
  await expect(wrong.charge(order)).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
});

const stateOf = (order: ReturnType<typeof newOrder>): PlacingState => order;

test('the steps charge and refund, and return the same when repeated', async () => {
  const state = stateOf(newOrder());
  const charge = await chargeStep(state, { gateway: gateway(), clock: systemClock });
  expect(await chargeStep(state, { gateway: gateway(), clock: systemClock })).toEqual(charge);
  const refund = await refundStep({ ...state, charge }, { gateway: gateway() });
  expect(refund).toMatchObject({ outcome: 'refunded', reference: charge.reference });
  expect(await refundStep(state, { gateway: gateway() })).toEqual(refund);
});

test('the step returns a charge that needs its customer with the time that the stock stays reserved', async () => {
  const order = newOrder('pm_requiresAction');
  const clock = { now: () => Date.parse('2026-03-14T09:00:00.500Z') };
  const state = (expiresAt: string) => ({ ...stateOf(order), reservation: { expiresAt } });
  const charge = (expiresAt: string) => chargeStep(state(expiresAt), { gateway: gateway(), clock });
  const waiting = await charge('2026-03-14T09:15:00.000Z');
  expect(waiting).toMatchObject({ action: { type: 'simulated' }, waitSeconds: 900 });
  expect(await charge('2026-03-14T08:00:00.000Z'), 'it is over').toMatchObject({ waitSeconds: 1 });
});

test('a cancellation refunds the payment in its input', async () => {
  const order = newOrder();
  const payment = await gateway().charge(order);
  const refund = await refundStep({ ...stateOf(order), reason: 'cancellation', payment }, { gateway: gateway() });
  expect(refund).toMatchObject({ outcome: 'refunded', reference: payment.reference });
});

test('a payment of another provider is not refunded through this one', async () => {
  const payment = { provider: 'stripe', reference: 'pi_1' };
  const state = { ...stateOf(newOrder()), reason: 'cancellation', payment } as const;
  await expect(refundStep(state, { gateway: gateway() })).rejects.toThrow(/paid through stripe/);
});

test('an order that costs nothing never reaches the provider', async () => {
  const before = dynamo.calls();
  const state = stateOf({ ...newOrder(), amount: 0 });
  const charge = await chargeStep(state, { gateway: gateway(), clock: systemClock });
  expect(charge).toEqual({ provider: 'none', reference: state.orderId });
  expect(await refundStep(state, { gateway: gateway() })).toEqual({
    outcome: 'voided',
    provider: 'none',
    reference: null,
    refundReference: null,
  });
  expect(await refundStep({ ...state, charge }, { gateway: gateway() })).toEqual({
    outcome: 'refunded',
    provider: 'none',
    reference: state.orderId,
    refundReference: null,
  });
  expect(dynamo.calls()).toEqual(before);
});
