import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { awaitPaymentAction } from '../../lib/saga/await-payment.sql.ts';
import { abandonUnlessConfirmed } from '../../lib/saga/compensate.sql.ts';
import { reserveAllOrNothing } from '../../lib/saga/reserve.sql.ts';
import { type Saga, startSaga } from '../support/saga.ts';

let saga: Saga;
beforeAll(async () => {
  saga = await startSaga();
});
afterAll(() => saga.stop());

const start = Date.now();
const second = (n: number) => new Date(start + n * 1000);
const expired = { name: 'PaymentActionExpired' };
const notActive = { name: 'OrderNotActive' };

async function reserved(expiresAt: Date): Promise<string> {
  const { id } = await saga.place([{ productId: await saga.product(5), quantity: 1 }], { start: false });
  await reserveAllOrNothing(saga.saga, { eventId: newId('event', systemClock), orderId: id, at: second(0), expiresAt });
  return id;
}
const wait = (orderId: string, at: Date) =>
  awaitPaymentAction(saga.saga, { orderId, at, action: { type: 'simulated', path: `/simulated-payments/${orderId}` } });
const rowOf = async (orderId: string) => {
  const [row] = await saga.owner`
    select status, version, updated_at, payment_action from orders.orders where id = ${orderId}`;
  return { ...row };
};
const letGo = (orderId: string) => saga.owner`
  update stock.reservations set state = 'released' where order_id = ${orderId}`;

test('an order waits for its customer until its own reservation ends, however often the step runs', async () => {
  const [other, order] = [await reserved(second(100)), await reserved(second(200))];
  const before = await rowOf(other);
  expect(await wait(order, second(1))).toEqual(second(200));
  const waiting = {
    status: 'pending_payment',
    version: 3,
    updatedAt: second(1),
    paymentAction: {
      action: { type: 'simulated', path: `/simulated-payments/${order}` },
      expiresAt: second(200).toISOString(),
    },
  };
  expect(await rowOf(order)).toEqual(waiting);
  expect(await wait(order, second(2))).toEqual(second(200));
  expect(await rowOf(order), 'telling it again changes nothing').toEqual(waiting);
  expect(await rowOf(other)).toEqual(before);
});

test('an order whose reservation has ended does not wait', async () => {
  const order = await reserved(second(100));
  await expect(wait(order, second(100))).rejects.toMatchObject(expired);
  expect(await rowOf(order)).toMatchObject({ status: 'reserved', version: 2 });
  expect(await wait(order, new Date(second(100).getTime() - 1))).toEqual(second(100));
  await expect(wait(order, second(100))).rejects.toMatchObject(expired);
});

test('an order whose stock is no longer held does not wait', async () => {
  const [order, waiting] = [await reserved(second(100)), await reserved(second(100))];
  await wait(waiting, second(1));
  await letGo(order);
  await letGo(waiting);
  await expect(wait(order, second(1))).rejects.toMatchObject(expired);
  await expect(wait(waiting, second(1))).rejects.toMatchObject(expired);
});

test('an order that was abandoned does not start to wait', async () => {
  const order = await reserved(second(100));
  await abandonUnlessConfirmed(saga.saga, { orderId: order, at: second(1) });
  await expect(wait(order, second(2))).rejects.toMatchObject({ ...notActive, message: 'order is given up' });
  expect(await rowOf(order)).toMatchObject({ status: 'reserved' });
  const unreserved = await saga.place([{ productId: await saga.product(5), quantity: 1 }], { start: false });
  await expect(wait(unreserved.id, second(2))).rejects.toMatchObject({ ...notActive, message: 'order is pending' });
});
