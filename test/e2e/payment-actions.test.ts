import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, test } from 'vitest';
import type { Product } from '../../lib/contract/api/catalog.ts';
import type { Order } from '../../lib/contract/api/orders.ts';
import { refused, succeed } from './client.ts';
import { type Buyer, basket, getOrder, levelOf, newBuyer, newProduct, timelineOf, unique, untilEnded } from './shop.ts';

/* pm_requiresAction waits for the customer, who acts by POST /simulated-payments/{orderId}. */
let buyer: Buyer;
let product: Product;

beforeAll(async () => {
  [buyer, product] = await Promise.all([newBuyer(), newProduct()]);
});

const request = (of: { id: string } = product) => ({
  token: buyer.token,
  key: unique('order'),
  body: { ...basket(of), paymentMethod: 'pm_requiresAction' },
});

async function waiting(of?: { id: string }): Promise<Order> {
  const { body: placed } = await succeed('place-order', 202, request(of));
  for (;;) {
    const found = await getOrder(buyer, placed.id);
    if (found.status === 'pending_payment') return found;
    assert.ok(['pending', 'reserved'].includes(found.status), `the order is ${found.status}`);
    await sleep(50);
  }
}

const act = (orderId: string, outcome: string, token = buyer.token) => ({
  token,
  path: { orderId },
  body: { outcome },
});

describe('a card whose bank asks its holder', () => {
  test('who waits for the order is told what to do, and so is who asks again under the same key', async ({
    expect,
  }) => {
    const asked = { ...request(), wait: 20 };
    const { body: order } = await succeed('place-order', 202, asked);
    expect(order).toMatchObject({
      status: 'pending_payment',
      payment: null,
      paymentAction: { action: { type: 'simulated', path: `/simulated-payments/${order.id}` } },
    });
    expect(Date.parse(order.paymentAction!.expiresAt)).toBeGreaterThan(Date.parse(order.updatedAt));
    expect((await succeed('place-order', 202, asked)).body).toEqual(order);
    await succeed('settle-simulated-payment', 200, act(order.id, 'complete'));
    await untilEnded(buyer, order.id);
  });

  test('completed, the order is confirmed and the action is gone', async ({ expect }) => {
    const order = await waiting();
    const { body } = await succeed('settle-simulated-payment', 200, act(order.id, 'complete'));
    expect(body).toEqual({ orderId: order.id, status: 'captured' });
    const confirmed = await untilEnded(buyer, order.id);
    expect(confirmed).toMatchObject({ status: 'confirmed', paymentAction: null, payment: { status: 'captured' } });
    expect(await timelineOf(buyer, order.id)).toEqual([
      'order-placed',
      'stock-reserved',
      'status-changed reserved',
      'status-changed pending_payment',
      'payment-captured',
      'stock-committed',
      'status-changed confirmed',
    ]);
    await succeed('settle-simulated-payment', 200, act(order.id, 'complete'));
    await refused('settle-simulated-payment', 409, 'payment-not-waiting', act(order.id, 'fail'));
  });

  test('failed, the order fails, keeps no money and gives the stock back', async ({ expect }) => {
    const sold = await newProduct({ stock: 3 });
    const order = await waiting(sold);
    expect(await levelOf(sold.id)).toMatchObject({ onHand: 3, reserved: 1, available: 2 });
    await succeed('settle-simulated-payment', 200, act(order.id, 'fail'));
    const failed = await untilEnded(buyer, order.id);
    expect(failed).toMatchObject({ status: 'failed', payment: null, failure: { code: 'payment-declined' } });
    expect(failed.failure?.detail).toContain('authentication_failed');
    expect(await levelOf(sold.id)).toMatchObject({ onHand: 3, reserved: 0, available: 3 });
  });

  test('cancelled meanwhile, the order ends at once and the payment cannot be completed any more', async ({
    expect,
  }) => {
    const order = await waiting();
    const options = { token: buyer.token, path: { orderId: order.id }, wait: 20 };
    const { body: cancelled } = await succeed('cancel-order', 200, options);
    expect(cancelled).toMatchObject({ status: 'cancelled', payment: null, paymentAction: null });
    await refused('settle-simulated-payment', 409, 'payment-not-waiting', act(order.id, 'complete'));
  });

  test('nobody else can act for its holder', async ({ expect }) => {
    const order = await waiting();
    const stranger = await newBuyer();
    await refused('settle-simulated-payment', 404, 'not-found', act(order.id, 'complete', stranger.token));
    await succeed('settle-simulated-payment', 200, act(order.id, 'complete'));
    expect((await untilEnded(buyer, order.id)).status).toBe('confirmed');
  });
});
