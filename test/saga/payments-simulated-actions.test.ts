import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Clock, toTimestamp } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { refundPartOfOrder } from '../../lib/shop/payments/charge.ts';
import type { ProviderCharge, ProviderCharges, TransactionsRequest } from '../../lib/shop/payments/gateway.ts';
import { SimulatedGateway, settleSimulated } from '../../lib/shop/payments/simulated.dynamo.ts';
import { startTestDynamo, type TestDynamo } from '../support/dynamo.ts';

let dynamo: TestDynamo;
let now = Date.now();
const clock: Clock = { now: () => now };

beforeAll(async () => {
  dynamo = await startTestDynamo([{ name: 'charges', partitionKey: 'orderId' }]);
});
afterAll(() => dynamo.stop());
beforeEach(() => {
  now += 1_000_000;
});

const gateway = (more: { pageSize?: number } = {}) =>
  new SimulatedGateway({
    ...more,
    client: dynamo.documents,
    table: 'charges',
    clock,
    timeoutMs: 8000,
    wait: () => Promise.resolve(),
  });
const settle = (orderId: string, outcome: 'complete' | 'fail') =>
  settleSimulated({ client: dynamo.documents, table: 'charges' }, orderId, outcome);
const newOrder = (paymentMethod = 'pm_card_visa') => ({
  orderId: newId('order', clock),
  amount: 1999,
  currency: 'EUR',
  paymentMethod,
});
type Order = ReturnType<typeof newOrder>;
const compensationOf = ({ orderId, amount, currency }: Order, reference?: string) => ({
  orderId,
  amount,
  currency,
  reference,
});
const partOf = ({ orderId, currency }: Order, reference: string, refundId: string, amount: number) => ({
  orderId,
  refundId,
  amount,
  currency,
  reference,
});
const declinedWith = (code: string) => ({ name: 'PaymentDeclined', code });
const refusedWith = (code: string) => ({ name: 'RefundRefused', code });
const notWaiting = { name: 'ChargeNotWaiting' };
/** What the transactions say of one order. */
async function balanceOf({ orderId }: Order): Promise<ProviderCharge | undefined> {
  const { charges } = await gateway().listCharges({ from: now - 1000, to: now + 1000 });
  return charges.find((charge) => charge.orderId === orderId);
}

test('a charge that needs its customer returns the same action each time, and captures nothing', async () => {
  const order = newOrder('pm_requiresAction');
  const first = await gateway().charge(order);
  expect(first).toEqual({
    provider: 'simulated',
    reference: expect.stringMatching(/^sim_ch_/),
    action: { type: 'simulated', path: `/simulated-payments/${order.orderId}` },
  });
  expect(await gateway().charge(order)).toEqual(first);
  expect(await balanceOf(order)).toMatchObject({ status: 'pending', refundedAmount: 0 });
});

test('a completed action captures once, and cannot fail afterwards', async () => {
  const order = newOrder('pm_requiresAction');
  const { reference } = await gateway().charge(order);
  expect(await settle(order.orderId, 'complete')).toBe('captured');
  expect(await settle(order.orderId, 'complete')).toBe('captured');
  await expect(settle(order.orderId, 'fail')).rejects.toMatchObject(notWaiting);
  expect(await gateway().charge(order)).toEqual({ provider: 'simulated', reference });
  expect(await gateway().compensate(compensationOf(order, reference))).toMatchObject({
    outcome: 'refunded',
    reference,
  });
});

test('a failed action declines the charge, and cannot complete afterwards', async () => {
  const order = newOrder('pm_requiresAction');
  const { reference } = await gateway().charge(order);
  expect(await settle(order.orderId, 'fail')).toBe('declined');
  expect(await settle(order.orderId, 'fail')).toBe('declined');
  await expect(settle(order.orderId, 'complete')).rejects.toMatchObject(notWaiting);
  await expect(gateway().charge(order)).rejects.toMatchObject(declinedWith('authentication_failed'));
  expect(await gateway().compensate(compensationOf(order))).toMatchObject({ outcome: 'voided', reference });
  expect(await gateway().compensate(compensationOf(order, reference))).toMatchObject({
    outcome: 'voided',
    reference,
  });
});

test('a compensation ends a charge that waits for its customer', async () => {
  const order = newOrder('pm_requiresAction');
  const { reference } = await gateway().charge(order);
  const first = await gateway().compensate(compensationOf(order, reference));
  expect(first).toEqual({ outcome: 'voided', provider: 'simulated', reference, refundReference: null });
  await expect(settle(order.orderId, 'complete')).rejects.toMatchObject({ ...notWaiting, status: 'voided' });
  expect(await gateway().compensate(compensationOf(order))).toEqual(first);
  expect(await gateway().compensate(compensationOf(order, reference))).toEqual(first);
  await expect(gateway().charge(order)).rejects.toMatchObject(declinedWith('charge_voided'));
});

test('a concurrent completion and compensation keep no money, whichever wins', async () => {
  for (let time = 0; time < 20; time++) {
    const order = newOrder('pm_requiresAction');
    await gateway().charge(order);
    await Promise.allSettled([settle(order.orderId, 'complete'), gateway().compensate(compensationOf(order))]);
    const balance = await balanceOf(order);
    expect((balance?.status === 'captured' ? balance.amount : 0) - (balance?.refundedAmount ?? 0)).toBe(0);
  }
});

test('only a charge that waited can be settled', async () => {
  for (const method of ['pm_card_visa', 'pm_card_chargeDeclined', 'pm_timeoutAlways']) {
    const order = newOrder(method);
    await gateway()
      .charge(order)
      .catch(() => {});
    for (const outcome of ['complete', 'fail'] as const) {
      await expect(settle(order.orderId, outcome)).rejects.toMatchObject(notWaiting);
    }
  }
  await expect(settle(newId('order', clock), 'complete')).rejects.toMatchObject(notWaiting);
});

test('partial refunds are made once each, never above what is left; a compensation refunds the rest', async () => {
  const order = newOrder();
  const { reference } = await gateway().charge(order);
  const first = await gateway().refundPart(partOf(order, reference, 'r1', 500));
  expect(first).toEqual({ refundReference: expect.stringMatching(/^sim_re_/) });
  expect(await gateway().refundPart(partOf(order, reference, 'r1', 500))).toEqual(first);
  await expect(gateway().refundPart(partOf(order, reference, 'r2', 1500))).rejects.toMatchObject(
    refusedWith('more_than_is_left'),
  );
  expect(await balanceOf(order)).toMatchObject({ status: 'captured', refundedAmount: 500 });
  await expect(gateway().charge(order), 'it pays for the order no more').rejects.toMatchObject(
    declinedWith('charge_voided'),
  );
  const last = await gateway().refundPart(partOf(order, reference, 'r2', 1000));
  const compensated = await gateway().compensate(compensationOf(order));
  expect(compensated.refundReference, 'the rest is a refund of its own').not.toBe(last.refundReference);
  expect(await gateway().compensate(compensationOf(order))).toEqual(compensated);
  expect(await balanceOf(order)).toMatchObject({ status: 'captured', refundedAmount: 1999 });
  expect(await gateway().refundPart(partOf(order, reference, 'r1', 500))).toEqual(first);
  await expect(gateway().refundPart(partOf(order, reference, 'r3', 1))).rejects.toMatchObject(
    refusedWith('more_than_is_left'),
  );
});

test('twenty concurrent partial refunds never exceed the amount', async () => {
  const order = { ...newOrder(), amount: 1000 };
  const { reference } = await gateway().charge(order);
  const parts = Array.from({ length: 20 }, (_, index) => partOf(order, reference, `r${index % 10}`, 300));
  let left: typeof parts = parts;
  // A part that met too much else is to be asked for again.
  while (left.length > 0) {
    const results = await Promise.allSettled(left.map((part) => gateway().refundPart(part)));
    left = left.filter((_, index) => {
      const result = results[index]!;
      return result.status === 'rejected' && result.reason.name === 'OutcomeUnknown';
    });
  }
  expect(await balanceOf(order)).toMatchObject({ refundedAmount: 900 });
});

test('the compensation of a charge that partial refunds used up names the last of them', async () => {
  const order = newOrder();
  const { reference } = await gateway().charge(order);
  await gateway().refundPart(partOf(order, reference, 'r1', 999));
  const { refundReference } = await gateway().refundPart(partOf(order, reference, 'r2', 1000));
  expect(await gateway().compensate(compensationOf(order))).toMatchObject({ outcome: 'refunded', refundReference });
});

test('concurrent partial refunds and a compensation refund everything, and no more', async () => {
  for (let time = 0; time < 10; time++) {
    const order = newOrder();
    const { reference } = await gateway().charge(order);
    await Promise.allSettled([
      gateway().compensate(compensationOf(order)),
      gateway().refundPart(partOf(order, reference, 'r1', 500)),
      gateway().refundPart(partOf(order, reference, 'r2', 500)),
    ]);
    expect(await balanceOf(order)).toMatchObject({ refundedAmount: 1999 });
  }
});

test('a charge that is not captured, belongs to another order or has another amount is not refunded', async () => {
  const waiting = newOrder('pm_requiresAction');
  const { reference } = await gateway().charge(waiting);
  const nothing = refusedWith('nothing_captured');
  await expect(gateway().refundPart(partOf(waiting, reference, 'r1', 5))).rejects.toMatchObject(nothing);
  await gateway().compensate(compensationOf(waiting));
  await expect(gateway().refundPart(partOf(waiting, reference, 'r1', 5))).rejects.toMatchObject(nothing);

  const order = newOrder();
  const paid = await gateway().charge(order);
  const differs = { name: 'ChargeDiffers' };
  await gateway().refundPart(partOf(order, paid.reference, 'r1', 5));
  await expect(gateway().refundPart(partOf(order, paid.reference, 'r1', 6))).rejects.toMatchObject(differs);
  await expect(gateway().refundPart(partOf(order, 'sim_ch_other', 'r2', 5))).rejects.toMatchObject(differs);
  const usd = { ...partOf(order, paid.reference, 'r2', 5), currency: 'USD' };
  await expect(gateway().refundPart(usd)).rejects.toMatchObject(differs);
  await expect(gateway().refundPart(partOf(newOrder(), 'sim_ch_gone', 'r1', 5))).rejects.toMatchObject({
    name: 'ChargeUnknown',
  });
  const silent = newOrder('pm_timeoutAlways');
  await gateway()
    .charge(silent)
    .catch(() => {});
  await expect(gateway().refundPart(partOf(silent, 'x', 'r1', 5))).rejects.toMatchObject({ name: 'ChargeDiffers' });
  const { reference: unheard } = (await balanceOf(silent))!;
  await expect(gateway().refundPart(partOf(silent, unheard, 'r1', 5))).rejects.toMatchObject({
    name: 'OutcomeUnknown',
  });
});

test('a partial refund uses the provider of the payment; a free order has none', async () => {
  const order = newOrder();
  const { reference } = await gateway().charge(order);
  const part = partOf(order, reference, 'r1', 5);
  expect(await refundPartOfOrder(gateway(), { ...part, provider: 'simulated' })).toMatchObject({
    refundReference: expect.any(String),
  });
  await expect(refundPartOfOrder(gateway(), { ...part, provider: 'stripe' })).rejects.toThrow(/paid through stripe/);
  await expect(refundPartOfOrder(gateway(), { ...part, provider: 'none' })).rejects.toMatchObject(
    refusedWith('nothing_captured'),
  );
});

test('items without actions and partial refunds are charged, refunded and listed', async () => {
  const [paid, given] = [newOrder(), newOrder()];
  const createdAt = toTimestamp(now);
  const item = (order: Order, more: object) =>
    dynamo.documents.send(
      new PutCommand({
        TableName: 'charges',
        Item: { ...order, createdAt, reference: `sim_ch_${order.orderId}`, ...more },
      }),
    );
  await item(paid, { status: 'captured' });
  await item(given, { status: 'refunded', refundReference: 'sim_re_1' });
  const reference = `sim_ch_${paid.orderId}`;
  expect(await gateway().charge(paid)).toEqual({ provider: 'simulated', reference });
  expect(await gateway().compensate(compensationOf(given))).toMatchObject({ refundReference: 'sim_re_1' });
  expect(await balanceOf(given)).toMatchObject({ status: 'captured', refundedAmount: 1999 });
  await gateway().refundPart(partOf(paid, reference, 'r1', 1));
  await gateway().refundPart(partOf(paid, reference, 'r2', 1));
  expect(await balanceOf(paid)).toMatchObject({ refundedAmount: 2 });
});

test('transactions are read page by page for exactly their period, late refunds included', async () => {
  const start = now;
  const orders: Order[] = [];
  for (let second = 0; second < 4; second++) {
    const order = newOrder();
    orders.push(order);
    await gateway().charge(order);
    now += 1000;
  }
  const ids = async (list: 'listCharges' | 'listRefunded', request: TransactionsRequest) =>
    (await readAll(list, request)).map(({ orderId }) => orderId).sort();
  expect(await ids('listCharges', { from: start + 1000, to: start + 3000 })).toEqual(
    orders.slice(1, 3).map(({ orderId }) => orderId),
  );
  now += 30 * 24 * 3600 * 1000;
  await gateway().compensate(compensationOf(orders[0]!));
  expect(await ids('listRefunded', { from: now, to: now + 1 })).toEqual([orders[0]!.orderId]);
  expect(await ids('listRefunded', { from: now + 1, to: now + 1000 })).toEqual([]);
});

async function readAll(list: 'listCharges' | 'listRefunded', request: TransactionsRequest): Promise<ProviderCharge[]> {
  const all: ProviderCharge[] = [];
  let page: ProviderCharges | undefined;
  do {
    page = await gateway({ pageSize: 3 })[list]({ ...request, cursor: page?.cursor });
    all.push(...page.charges);
  } while (page.cursor !== undefined);
  return all;
}
