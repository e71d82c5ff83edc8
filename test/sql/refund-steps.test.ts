import { afterAll, beforeAll, expect, test } from 'vitest';
import { newId } from '../../lib/kernel/ids.ts';
import { claimRefund, readRefundToMake } from '../../lib/shop/payments/refunds.sql.ts';
import { listOpenRefunds, nextAttempt, settleRefund } from '../../lib/shop/payments/settle-refund.sql.ts';
import { poolOptions, type Saga, startSaga } from '../support/saga.ts';

let saga: Saga;
let sql: Saga['api'];
beforeAll(async () => {
  saga = await startSaga();
  sql = saga.connect('refunds_api', poolOptions);
});
afterAll(async () => {
  await sql.end();
  await saga.stop();
});

const start = Date.now();
const second = (n: number) => new Date(start + n * 1000);
const claim = async (orderId: string, at: Date) => {
  const id = newId('refund', saga.clock);
  const request = { id, orderId, amount: 100, reason: 'broken', requestedBy: 'app:key', at };
  expect(await sql.begin((tx) => claimRefund(tx, request))).toMatchObject({ outcome: 'claimed' });
  return id;
};
const settle = (refundId: string, at: Date) =>
  settleRefund(saga.saga, {
    refundId,
    eventId: newId('event', saga.clock),
    outcome: 'succeeded',
    reference: `re_${refundId}`,
    at,
  });

test('a refund is settled once, at its time, and an unknown refund is an error', async () => {
  const { id: orderId } = await saga.place([{ productId: await saga.product(9), quantity: 1 }]);
  const refundId = await claim(orderId, second(1));
  expect(await settle(refundId, second(2))).toBe(true);
  expect(await settle(refundId, second(3)), 'again').toBe(false);
  const [refund] = await saga.owner`select status, updated_at from payments.refunds where id = ${refundId}`;
  expect(refund).toEqual({ status: 'succeeded', updatedAt: second(2) });
  const [order] = await saga.owner`select updated_at from orders.orders where id = ${orderId}`;
  expect(order).toEqual({ updatedAt: second(2) });
  await expect(settle(newId('refund', saga.clock), second(4))).rejects.toThrow(/^no refund rfd_/);
  await expect(readRefundToMake(sql, newId('refund', saga.clock))).rejects.toThrow(/^no refund rfd_/);
  expect(await nextAttempt(saga.saga, { refundId, attempt: 1, at: second(4) }), 'of one that ended').toBe(false);
});

test('open refunds are listed oldest first, as many as asked for, and only from before the given time', async () => {
  const { id: orderId } = await saga.place([{ productId: await saga.product(9), quantity: 1 }]);
  const [newest, oldest, middle] = [
    await claim(orderId, second(30)),
    await claim(orderId, second(10)),
    await claim(orderId, second(20)),
  ];
  const open = async (before: Date, limit = 10) =>
    (await listOpenRefunds(saga.saga, { before, limit })).map(({ id }) => id);
  expect(await open(second(31))).toEqual([oldest, middle, newest]);
  expect(await open(second(30))).toEqual([oldest, middle]);
  expect(await open(second(31), 1)).toEqual([oldest]);
  await settle(oldest, second(40));
  expect(await open(second(99))).toEqual([middle, newest]);
  expect(await nextAttempt(saga.saga, { refundId: middle, attempt: 2, at: second(50) }), 'not its attempt').toBe(false);
  expect(await nextAttempt(saga.saga, { refundId: middle, attempt: 1, at: second(50) })).toBe(true);
  expect(await open(second(99))).toEqual([newest, middle]);
  expect(await open(second(50)), 'none but that one was').toEqual([newest]);
});
