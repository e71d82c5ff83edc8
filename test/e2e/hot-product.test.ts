import { expect, inject, test } from 'vitest';
import type { Order } from '../../lib/contract/orders.ts';
import { succeed } from './client.ts';
import { basket, hasEnded, ledgerOf, newBuyer, newProduct, ordersOf, timelineOf, unique } from './shop.ts';

const { short, limitPerMinute } = inject('target');
// A target that lets little through would be at it for hours.
const [buyers, units] = short || limitPerMinute <= 5000 ? [60, 12] : [500, 100];
/** Orders that one account places: each account costs two password hashes. */
const ordersEach = 20;

test(`${buyers} buyers at once for ${units} units: ${units} get one, the others nothing and pay nothing`, async () => {
  const accounts = await Promise.all(Array.from({ length: Math.ceil(buyers / ordersEach) }, newBuyer));
  const product = await newProduct({ stock: units });

  const placing = Array.from({ length: buyers }, (_, i) => {
    const { token } = accounts[i % accounts.length]!;
    return succeed('place-order', 202, { token, key: unique('key'), body: basket(product) });
  });
  const placed = (await Promise.all(placing)).map(({ body }) => body.id);
  const orders = (await Promise.all(accounts.map(allEnded))).flat();
  expect(orders.map(({ id }) => id).sort()).toEqual(placed.toSorted());

  const confirmed = orders.filter(({ status }) => status === 'confirmed');
  const failed = orders.filter(({ status }) => status === 'failed');
  expect([confirmed.length, failed.length]).toEqual([units, buyers - units]);
  for (const order of confirmed) expect(order).toMatchObject({ payment: { status: 'captured' }, failure: null });
  for (const order of failed) expect(order).toMatchObject({ payment: null, failure: { code: 'out-of-stock' } });
  expect(new Set(confirmed.map(({ payment }) => payment!.id)).size).toBe(units);

  const { movements, level } = await ledgerOf(product.id);
  expect(level).toEqual({ onHand: 0, reserved: 0, available: 0 });
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

/** Every order of an account, once all of them have ended. */
async function allEnded(account: { token: string }): Promise<Order[]> {
  for (;;) {
    const orders = await ordersOf(account);
    if (orders.every(({ status }) => hasEnded(status))) return orders;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}

const sum = (numbers: number[]): number => numbers.reduce((total, n) => total + n, 0);
