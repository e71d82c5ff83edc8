import { beforeAll, test } from 'vitest';
import { call, refused, succeed } from './client.ts';
import {
  type Buyer,
  basket,
  getOrder,
  ledgerOf,
  levelOf,
  newBuyer,
  newProduct,
  order,
  timelineOf,
  unique,
  untilEnded,
} from './shop.ts';

let buyer: Buyer;

beforeAll(async () => {
  buyer = await newBuyer();
});

test('a confirmed order is refunded, and its stock comes back by the ledger', async ({ expect }) => {
  const { id } = await newProduct({ stock: 4 });
  const paid = await order(buyer, basket({ id }));
  const path = { orderId: paid.id };
  const asked = await succeed('cancel-order', 202, { token: buyer.token, path });
  expect(asked.body).toMatchObject({ id: paid.id, status: 'cancelling' });
  expect(asked.headers.get('location')).toBe(`/orders/${paid.id}`);
  const cancelled = await untilEnded(buyer, paid.id);
  expect(cancelled).toMatchObject({ status: 'cancelled', payment: { id: paid.payment?.id, status: 'refunded' } });
  const { movements, level } = await ledgerOf(id);
  expect(movements.map(({ kind, quantity }) => [kind, quantity])).toEqual([
    ['return', 1],
    ['commitment', -1],
    ['reservation', 0],
    ['adjustment', 4],
  ]);
  expect(level).toMatchObject({ onHand: 4, reserved: 0, available: 4 });
  const timeline = await timelineOf(buyer, paid.id);
  expect(timeline.slice(timeline.indexOf('status-changed confirmed'))).toEqual([
    'status-changed confirmed',
    'status-changed cancelling',
    'stock-returned',
    'payment-refunded',
    'status-changed cancelled',
  ]);
});

test('a cancellation that is waited for answers with the cancelled order', async ({ expect }) => {
  const paid = await order(buyer, basket(await newProduct()));
  const options = { token: buyer.token, path: { orderId: paid.id }, wait: 20 };
  const { body, headers } = await succeed('cancel-order', 200, options);
  expect(body.status).toBe('cancelled');
  expect(headers.get('preference-applied')).toBe('wait=20');
});

test('an order whose saga is under way is compensated by it', async ({ expect }) => {
  const { id } = await newProduct({ stock: 4 });
  const body = { ...basket({ id }), paymentMethod: 'pm_timeoutOnce' };
  const { body: placed } = await succeed('place-order', 202, { token: buyer.token, key: unique('key'), body });
  await succeed('cancel-order', 202, { token: buyer.token, path: { orderId: placed.id } });
  const cancelled = await untilEnded(buyer, placed.id);
  expect(cancelled.status).toBe('cancelled');
  if (cancelled.payment !== null) expect(cancelled.payment.status).toBe('refunded');
  expect(await levelOf(id)).toMatchObject({ onHand: 4, reserved: 0, available: 4 });
});

test('an order is cancelled once, however often it is asked for at once', async ({ expect }) => {
  const { id } = await newProduct({ stock: 4 });
  const paid = await order(buyer, basket({ id }));
  const options = { token: buyer.token, path: { orderId: paid.id } };
  const answers = await Promise.all(Array.from({ length: 5 }, () => call('cancel-order', options)));
  expect(answers.map(({ status }) => status)).toContain(202);
  // Whoever is late may find it cancelled already.
  for (const { status, body, text } of answers) {
    if (status !== 202) expect({ status, body }, text).toMatchObject({ status: 409, body: { code: 'order-ended' } });
  }
  expect((await untilEnded(buyer, paid.id)).status).toBe('cancelled');
  const { movements } = await ledgerOf(id);
  expect(movements.filter(({ kind }) => kind === 'return')).toHaveLength(1);
  const timeline = await timelineOf(buyer, paid.id);
  expect(timeline.filter((entry) => entry === 'payment-refunded')).toHaveLength(1);
});

test('a repeated cancellation under one key gets the first answer, when the order has ended too', async ({
  expect,
}) => {
  const paid = await order(buyer, basket(await newProduct()));
  const options = { token: buyer.token, path: { orderId: paid.id }, key: unique('key') };
  const first = await succeed('cancel-order', 202, options);
  await untilEnded(buyer, paid.id);
  const again = await succeed('cancel-order', 202, options);
  expect(again.text).toBe(first.text);
  expect(again.headers.get('idempotency-replayed')).toBe('true');
});

test('a repeated cancellation that was waited for gets its end again', async ({ expect }) => {
  const paid = await order(buyer, basket(await newProduct()));
  const options = { token: buyer.token, path: { orderId: paid.id }, key: unique('key'), wait: 20 };
  const first = await succeed('cancel-order', 200, options);
  const again = await succeed('cancel-order', 200, options);
  expect(again.text).toBe(first.text);
  expect(again.headers.get('idempotency-replayed')).toBe('true');
});

test('a key that was used for another order’s cancellation is refused', async ({ expect }) => {
  const product = await newProduct();
  const [one, other] = [await order(buyer, basket(product)), await order(buyer, basket(product))];
  const options = { token: buyer.token, key: unique('key') };
  await succeed('cancel-order', 202, { ...options, path: { orderId: one.id } });
  await refused('cancel-order', 422, 'idempotency-key-reused', { ...options, path: { orderId: other.id } });
  expect((await getOrder(buyer, other.id)).status).toBe('confirmed');
});

test('an order that has ended otherwise cannot be cancelled', async ({ expect }) => {
  const product = await newProduct({ stock: 1 });
  const failed = await order(buyer, { ...basket(product), paymentMethod: 'pm_card_chargeDeclined' });
  await refused('cancel-order', 409, 'order-ended', { token: buyer.token, path: { orderId: failed.id } });
  const paid = await order(buyer, basket(product));
  await succeed('cancel-order', 200, { token: buyer.token, path: { orderId: paid.id }, wait: 20 });
  await refused('cancel-order', 409, 'order-ended', { token: buyer.token, path: { orderId: paid.id } });
  expect(await getOrder(buyer, failed.id)).toEqual(failed);
});
