import { afterAll, beforeAll, expect, test } from 'vitest';
import { inTransaction } from '../../lib/database/transaction.sql.ts';
import type { Sql } from '../../lib/platform/sql.ts';
import { adjustStock, setLowStock } from '../../lib/shop/stock/ledger.sql.ts';
import { poolOptions, type Saga, startSaga } from '../support/saga.ts';

let saga: Saga;
let catalog: Sql;
beforeAll(async () => {
  saga = await startSaga();
  catalog = saga.connect('catalog_api', poolOptions) as unknown as Sql;
});
afterAll(async () => {
  await catalog.end();
  await saga.stop();
});

const eventsOf = async (productId: string) =>
  (
    await saga.owner`
      select type, subject, sequence, data from outbox.events
      where aggregate_id = ${productId.replace('prd_', 'stk_')} order by sequence`
  ).map(({ type, data }) => [type, data.available ?? 0]);
const move = (productId: string, quantity: number) =>
  inTransaction(catalog, (tx) => adjustStock(tx, productId, { quantity, reason: 'counted' }, saga.clock));

test('stock that comes, runs low, out and back says so once each time', async () => {
  const productId = await saga.product(10);
  for (const quantity of [-4, -1, -1, -2, -2, 3, -3, 20, -15]) await move(productId, quantity);
  expect(await eventsOf(productId)).toEqual([
    ['stock.back', 10],
    ['stock.low', 5],
    ['stock.out', 0],
    ['stock.back', 3],
    ['stock.out', 0],
    ['stock.back', 20],
    ['stock.low', 5],
  ]);
});

test('the threshold of a product counts, and 0 turns it off', async () => {
  const [high, never] = [await saga.product(30), await saga.product(30)];
  expect(await setLowStock(catalog, high, 25)).toEqual({ onHand: 30, reserved: 0, available: 30, lowStockAt: 25 });
  await setLowStock(catalog, never, 0);
  for (const productId of [high, never]) await move(productId, -6);
  for (const productId of [high, never]) await move(productId, -23);
  expect(await eventsOf(high)).toEqual([
    ['stock.back', 30],
    ['stock.low', 24],
  ]);
  expect(await eventsOf(never)).toEqual([['stock.back', 30]]);
});

test('a product without movements gets its threshold before its first stock', async () => {
  const productId = await saga.product(0);
  expect(await setLowStock(catalog, productId, 2)).toMatchObject({ available: 0, lowStockAt: 2 });
  await move(productId, 3);
  await move(productId, -1);
  expect(await eventsOf(productId)).toEqual([
    ['stock.back', 3],
    ['stock.low', 2],
  ]);
});

test('what an order reserves counts as taken, and first movements at once make one event', async () => {
  const productId = await saga.product(6);
  await saga.place([{ productId, quantity: 6 }], { start: true });
  await expect
    .poll(() => eventsOf(productId), { timeout: 60_000 })
    .toEqual([
      ['stock.back', 6],
      ['stock.out', 0],
    ]);
  const fresh = await saga.product(0);
  await Promise.all([1, 2, 3, 4].map((quantity) => move(fresh, quantity)));
  expect(await eventsOf(fresh)).toHaveLength(1);
});
