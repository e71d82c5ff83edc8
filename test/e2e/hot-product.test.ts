import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { inject, test } from 'vitest';
import type { Order } from '../../lib/contract/api/orders.ts';
import { send } from '../support/send.ts';
import { succeed } from './client.ts';
import { basket, hasEnded, ledgerOf, newBuyer, newProduct, ordersOf, timelineOf, unique } from './shop.ts';

const { baseUrl, short, full, limitPerMinute, logs } = inject('target');
// A target that lets little through would be at it for hours.
const [buyers, units] = short || limitPerMinute <= 5000 ? [60, 12] : [500, 100];
const [baskets, kinds] = full ? [1000, 50] : short || limitPerMinute <= 5000 ? [60, 10] : [200, 20];
/** Orders that one account places: each account costs two password hashes, a quarter of a second of a core each. */
const ordersEach = full ? 20 : 50;

test(`${buyers} buyers at once for ${units} units: ${units} get one, the others nothing and pay nothing`, async ({
  expect,
}) => {
  const accounts = await Promise.all(Array.from({ length: Math.ceil(buyers / ordersEach) }, newBuyer));
  const product = await newProduct({ stock: units });

  const placing = Array.from({ length: buyers }, (_, i) => {
    const { token } = accounts[i % accounts.length]!;
    return placed(token, basket(product));
  });
  const ids = await Promise.all(placing);
  const orders = (await Promise.all(accounts.map(allEnded))).flat();
  expect(orders.map(({ id }) => id).sort()).toEqual(ids.toSorted());

  const confirmed = orders.filter(({ status }) => status === 'confirmed');
  const failed = orders.filter(({ status }) => status === 'failed');
  expect([confirmed.length, failed.length]).toEqual([units, buyers - units]);
  for (const order of confirmed) expect(order).toMatchObject({ payment: { status: 'captured' }, failure: null });
  for (const order of failed) expect(order).toMatchObject({ payment: null, failure: { code: 'out-of-stock' } });
  expect(new Set(confirmed.map(({ payment }) => payment!.id)).size).toBe(units);

  const { movements, level } = await ledgerOf(product.id);
  expect(level).toMatchObject({ onHand: 0, reserved: 0, available: 0 });
  expect(sum(movements.map(({ quantity }) => quantity))).toBe(0);
  expect(sum(movements.map(({ reserved }) => reserved))).toBe(0);
  const winners = confirmed.map(({ id }) => id).sort();
  for (const kind of ['reservation', 'commitment']) {
    const named = movements.filter((movement) => movement.kind === kind).map(({ orderId }) => orderId);
    expect(named.sort(), kind).toEqual(winners);
  }
  expect(movements).toHaveLength(1 + 2 * units);

  const [loser] = failed;
  const owner = accounts.find(({ id }) => id === loser!.customerId)!;
  expect(await timelineOf(owner, loser!.id)).toEqual(['order-placed', 'status-changed failed']);
});

test(`${baskets} overlapping baskets in opposite orders of ${kinds} products: nobody is turned away by a deadlock, and whoever got nothing was late`, async ({
  expect,
}) => {
  const accounts = await Promise.all(Array.from({ length: Math.ceil(baskets / ordersEach) }, newBuyer));
  const each = Math.round((0.7 * 3 * baskets) / kinds);
  const products = await Promise.all(Array.from({ length: kinds }, () => newProduct({ stock: each })));
  const before = await deadlocks();

  const placing = Array.from({ length: baskets }, (_, i) => {
    const { token } = accounts[i % accounts.length]!;
    // Neighbours on a ring, so that each basket overlaps with others, and half of them the other way round.
    const wanted = [0, 1, 2].map((step) => products[(i * 7 + step) % kinds]!);
    const body = basket(...(i % 2 === 0 ? wanted : wanted.reverse()));
    return placed(token, body);
  });
  const ids = await Promise.all(placing);
  const orders = (await Promise.all(accounts.map(allEnded))).flat();
  expect(orders.map(({ id }) => id).sort()).toEqual(ids.toSorted());
  expect(await deadlocks(), 'deadlocks in the logs').toBe(before);

  const left = new Map<string, number>();
  for (const { id } of products) {
    const sold = orders.filter(({ status, lines }) => status === 'confirmed' && lines.some((l) => l.productId === id));
    const { level } = await ledgerOf(id);
    expect(level, `level of ${id}`).toMatchObject({
      onHand: each - sold.length,
      reserved: 0,
      available: each - sold.length,
    });
    left.set(id, level.available);
  }
  for (const { id, status, failure, lines } of orders) {
    if (status === 'confirmed') continue;
    expect({ id, status, code: failure?.code }).toEqual({ id, status: 'failed', code: 'out-of-stock' });
    // Nobody gives stock back here, so what was short then is short now.
    expect(
      lines.some(({ productId }) => left.get(productId) === 0),
      `something of ${id} is sold out`,
    ).toBe(true);
  }
});

/**
 * Places an order, again under its key for as long as a target in the rush says that it is too busy. The full form sends all
 * of them at once and takes no such answer.
 * @returns its id
 */
async function placed(token: string, body: object): Promise<string> {
  const options = { token, key: unique('key'), body };
  if (!full) return (await succeed('place-order', 202, options)).body.id;
  const answer = await send('POST', '/orders', { ...options, baseUrl });
  assert.equal(answer.status, 202, answer.text);
  return (answer.body as Order).id;
}

/** How often the logs tell of a deadlock: PostgreSQL's own, and those of the functions. */
async function deadlocks(): Promise<number> {
  const texts = await Promise.all(logs.map((file) => readFile(file, 'utf8')));
  return sum(texts.map((text) => text.match(/deadlock detected|40P01/g)?.length ?? 0));
}

/** Every order of an account, once all of them have ended. */
async function allEnded(account: { token: string }): Promise<Order[]> {
  for (;;) {
    const orders = await ordersOf(account);
    if (orders.every(({ status }) => hasEnded(status))) return orders;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}

const sum = (numbers: number[]): number => numbers.reduce((total, n) => total + n, 0);
