import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { inject } from 'vitest';
import type { ProductWithVariants } from '../../lib/contract/api/catalog.ts';
import type { Order, OrderStatus } from '../../lib/contract/api/orders.ts';
import type { Level, Movement } from '../../lib/contract/api/stock.ts';
import { semaphore } from '../../lib/kernel/semaphore.ts';
import { type Options, succeed } from './client.ts';

const { appKey } = inject('target');

/** Text that nobody has used before. */
export const unique = (prefix: string): string => `${prefix}-${randomUUID()}`;

export type Buyer = { id: string; email: string; password: string; token: string };

/** Hashing a password is made to be slow: more at once only keep each other waiting. */
const turn = semaphore(2);

/** A customer who has just signed up and in. */
export const newBuyer = (): Promise<Buyer> => turn(signUpAndIn);

async function signUpAndIn(): Promise<Buyer> {
  const person = { email: `${unique('buyer')}@example.com`, password: unique('secret') };
  await succeed('sign-up', 202, { body: { ...person, name: 'Grace Hopper' } });
  const { body: session } = await succeed('sign-in', 201, { body: person });
  return { id: session.customerId, ...person, token: session.token };
}

export type Wish = { amount?: number; currency?: string; stock?: number; name?: string };

/** A product that has just been put on sale; by default 10.00 EUR, 1000 units. */
export async function newProduct(wish: Wish = {}): Promise<ProductWithVariants> {
  const { amount = 1000, currency = 'EUR', stock = 1000, name = 'Thing' } = wish;
  const body = { sku: unique('E2E'), name, price: { amount, currency } };
  const { body: product } = await succeed('create-product', 201, {
    token: appKey,
    key: unique('product'),
    body,
  });
  if (stock > 0) await moveStock(product.id, stock);
  return product;
}

export const moveStock = (productId: string, quantity: number, options: Options = {}) =>
  succeed('create-stock-movement', 201, {
    path: { productId },
    body: { quantity, reason: 'e2e' },
    token: appKey,
    key: unique('movement'),
    ...options,
  });

export const updateProduct = async (productId: string, body: object): Promise<ProductWithVariants> =>
  (await succeed('update-product', 200, { path: { productId }, token: appKey, body })).body;

/** A product's whole ledger, newest first, and its level. */
export async function ledgerOf(productId: string): Promise<{ movements: Movement[]; level: Level }> {
  const movements: Movement[] = [];
  let cursor: string | null = null;
  for (;;) {
    const query: Record<string, string | number> = { limit: 100, ...(cursor === null ? {} : { cursor }) };
    const { body } = await succeed('list-stock-movements', 200, { path: { productId }, query, token: appKey });
    movements.push(...body.data);
    if (!body.hasMore) return { movements, level: body.level };
    cursor = body.nextCursor;
  }
}

export const levelOf = async (productId: string): Promise<Level> =>
  (await succeed('list-stock-movements', 200, { path: { productId }, query: { limit: 1 }, token: appKey })).body.level;

/** A basket of one of each product, paid by a card that works. */
export const basket = (...products: { id: string }[]) => ({
  lines: products.map(({ id }) => ({ productId: id, quantity: 1 })),
  paymentMethod: 'pm_card_visa',
});

/** Places an order and waits until it has ended, beyond what one request waits for too. */
export async function order(buyer: Buyer, body: object, options: Options = {}): Promise<Order> {
  const key = unique('order');
  const { body: placed } = await succeed('place-order', 202, { token: buyer.token, key, body, ...options });
  return untilEnded(buyer, placed.id);
}

export const getOrder = async (buyer: Pick<Buyer, 'token'>, orderId: string): Promise<Order> =>
  (await succeed('get-order', 200, { path: { orderId }, token: buyer.token })).body;

/** Reads an order until it has ended. The test's own time-out ends the patience. */
export async function untilEnded(buyer: Pick<Buyer, 'token'>, orderId: string): Promise<Order> {
  for (let pause = 50; ; pause = Math.min(500, pause * 1.5)) {
    const found = await getOrder(buyer, orderId);
    if (hasEnded(found.status)) return found;
    await sleep(pause);
  }
}

export const hasEnded = (status: OrderStatus): boolean =>
  ['confirmed', 'failed', 'cancelled', 'needs_attention'].includes(status);

/** Every order of a customer, newest first. */
export async function ordersOf(buyer: Pick<Buyer, 'token'>, query: Record<string, string | number> = {}) {
  const orders: Order[] = [];
  let cursor: string | null = null;
  for (;;) {
    const asked: Record<string, string | number> = { limit: 100, ...query, ...(cursor === null ? {} : { cursor }) };
    const { body } = await succeed('list-orders', 200, { token: buyer.token, query: asked });
    orders.push(...body.data);
    if (!body.hasMore) return orders;
    cursor = body.nextCursor;
  }
}

/** Types of an order's timeline with the status that each change led to: `status-changed confirmed`. */
export async function timelineOf(buyer: Pick<Buyer, 'token'>, orderId: string): Promise<string[]> {
  const { body } = await succeed('get-order-timeline', 200, { path: { orderId }, token: buyer.token });
  return body.data.map(({ type, detail }) => (type === 'status-changed' ? `${type} ${detail.to}` : type));
}
