import type { Sql } from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { encodeCursor } from '../../lib/contract/api/cursor.ts';
import { maxOnHand } from '../../lib/contract/api/stock.ts';
import { systemClock } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { insertProduct } from '../../lib/shop/catalog/change.sql.ts';
import { adjustStock, readLedger } from '../../lib/shop/stock/ledger.sql.ts';
import { plansOf, tellPlans } from '../support/explain.ts';
import { poolOptions } from '../support/handlers.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';

let database: TestDatabase;
let sql: Sql;
let owner: Sql;
let productId: string;
let count = 0;

beforeAll(async () => {
  database = await createDatabase();
  sql = database.connect('catalog_api', { ...poolOptions, max: 20 });
  owner = database.connect('migrator', poolOptions);
});
afterAll(async () => {
  await Promise.all([sql?.end(), owner?.end()]);
  await database?.drop();
});
beforeEach(async () => {
  productId = await addProduct();
});

const addProduct = async (active = true) => {
  const price = { amount: 1, currency: 'EUR' };
  return (await insertProduct(sql, { sku: `S-${++count}`, name: 'x', price, active }, systemClock)).id;
};
const adjust = (quantity: number, reason = 'delivery', id = productId) =>
  sql.begin((tx) => adjustStock(tx, id, { quantity, reason }, systemClock));
const ledger = (limit = 100, cursor?: string) => readLedger(sql, productId, { limit, cursor });
const sum = (movements: { quantity: number }[]) => movements.reduce((total, { quantity }) => total + quantity, 0);

const byNumber = (a: number, b: number) => a - b;

/** The movements that the saga makes. */
const reserve = (quantity: number) => owner`
  insert into stock.movements (id, product_id, kind, quantity, reserved, reason, order_id, created_at)
  values (
    ${newId('movement', systemClock)}, ${productId}, 'reservation', 0, ${quantity}, 'reserved',
    ${newId('order', systemClock)}, now()
  )`;

describe('a movement', () => {
  test('the first one creates the level', async () => {
    const movement = await adjust(10, 'opening stock');
    expect(movement).toEqual({
      id: expect.stringMatching(/^mov_/),
      productId,
      kind: 'adjustment',
      quantity: 10,
      reserved: 0,
      reason: 'opening stock',
      orderId: null,
      createdAt: expect.stringMatching(/Z$/),
      level: { onHand: 10, reserved: 0, available: 10, lowStockAt: 5 },
    });
    const { level, ...shown } = movement;
    expect(await ledger()).toEqual({ data: [shown], hasMore: false, nextCursor: null, level });
  });

  test('takes stock out down to nothing, and no further', async () => {
    await adjust(10);
    expect((await adjust(-10, 'lost')).level).toEqual({ onHand: 0, reserved: 0, available: 0, lowStockAt: 5 });
    await expect(adjust(-1)).rejects.toMatchObject({ code: 'stock-reserved', status: 409 });
    expect((await ledger()).data).toHaveLength(2);
  });

  test('takes stock out down to what is reserved, and no further: the refusal has the numbers and writes nothing', async () => {
    await adjust(10);
    await reserve(4);
    await expect(adjust(-7)).rejects.toMatchObject({
      code: 'stock-reserved',
      message: '10 on hand, 4 of them reserved: a movement of -7 is not possible.',
      errors: [{ pointer: '/quantity', detail: 'would leave 3 on hand' }],
    });
    expect(await ledger()).toMatchObject({
      data: [{}, {}],
      level: { onHand: 10, reserved: 4, available: 6, lowStockAt: 5 },
    });
    expect((await adjust(-6)).level).toEqual({ onHand: 4, reserved: 4, available: 0, lowStockAt: 5 });
  });

  test('out of a product without stock is refused', async () => {
    await expect(adjust(-1)).rejects.toMatchObject({ code: 'stock-reserved', message: expect.stringMatching(/^0 on/) });
    expect(await ledger()).toMatchObject({ data: [], level: { onHand: 0, reserved: 0, available: 0, lowStockAt: 5 } });
  });

  test('adds stock up to the maximum, and no further', async () => {
    await owner`
      insert into stock.movements (id, product_id, kind, quantity, reserved, reason, created_at)
      values (${newId('movement', systemClock)}, ${productId}, 'adjustment', ${maxOnHand - 1}, 0, 'much', now())`;
    await expect(adjust(2)).rejects.toMatchObject({
      code: 'stock-reserved',
      message: expect.stringContaining(`at most ${maxOnHand}`),
    });
    expect((await adjust(1)).level.onHand).toBe(maxOnHand);
  });

  test.each([5, -5])('of %i for an unknown product is not found', async (quantity) => {
    const movement = adjust(quantity, 'x', newId('product', systemClock));
    await expect(movement).rejects.toMatchObject({ code: 'not-found', status: 404 });
  });

  test('of a product that is off sale is accepted', async () => {
    expect((await adjust(3, 'back room', await addProduct(false))).level.onHand).toBe(3);
  });
});

describe('concurrent movements', () => {
  test('50 on a product without stock: the ledger equals the level, which was never below zero', async () => {
    const quantities = Array.from({ length: 50 }, (_, n) => (n % 2 === 0 ? 3 : -4));
    const outcomes = await Promise.allSettled(quantities.map((quantity) => adjust(quantity)));
    const taken = outcomes.filter((outcome) => outcome.status === 'fulfilled').map(({ value }) => value);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'stock-reserved' });
    }
    // Every movement in succeeds; a movement out only if there was enough.
    expect(taken.filter(({ quantity }) => quantity > 0)).toHaveLength(25);
    const { data, level } = await ledger();
    expect(data).toHaveLength(taken.length);
    expect(level.onHand).toBe(sum(data));
    expect(taken.every((movement) => movement.level.onHand >= 0)).toBe(true);
    // Each movement started at the level where another one ended: together they lead from nothing to the level.
    const ends = taken.map((movement) => movement.level.onHand);
    const starts = taken.map((movement) => movement.level.onHand - movement.quantity);
    expect([0, ...ends].sort(byNumber)).toEqual([...starts, level.onHand].sort(byNumber));
  });

  test('40 that each take one of 25 free units: 25 get one', async () => {
    await adjust(30);
    await reserve(5);
    const outcomes = await Promise.allSettled(Array.from({ length: 40 }, () => adjust(-1)));
    const levels = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value.level.onHand] : []));
    expect(levels.sort(byNumber)).toEqual(Array.from({ length: 25 }, (_, n) => n + 5));
    expect((await ledger()).level).toEqual({ onHand: 5, reserved: 5, available: 0, lowStockAt: 5 });
  });

  test('a concurrent reader sees a ledger that adds up to its level', async () => {
    let reading = true;
    const writes = Promise.all(Array.from({ length: 60 }, (_, n) => adjust(n + 1))).finally(() => {
      reading = false;
    });
    let reads = 0;
    for (; reading; reads++) {
      const { data, level } = await ledger();
      expect(level.onHand).toBe(sum(data));
    }
    await writes;
    expect(reads).toBeGreaterThan(0);
    expect((await ledger()).level.onHand).toBe((60 * 61) / 2);
  });
});

describe('the ledger', () => {
  test.each([1, 2, 3, 7])('in pages of %i, shows each movement once, newest first, with the level', async (limit) => {
    let time = Date.now();
    for (const quantity of [1, 2, 3, 4, 5, 6]) {
      const clock = { now: () => ++time };
      await sql.begin((tx) => adjustStock(tx, productId, { quantity, reason: 'x' }, clock));
    }
    const seen: number[] = [];
    let cursor: string | undefined;
    do {
      const page = await ledger(limit, cursor);
      expect(page.level.onHand).toBe(21);
      seen.push(...page.data.map(({ quantity }) => quantity));
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    expect(seen).toEqual([6, 5, 4, 3, 2, 1]);
  });

  test('of a product with many movements is read only one row beyond the page', async () => {
    for (const quantity of [1, 2, 3, 4, 5, 6]) await adjust(quantity);
    await tellPlans(database);
    const read = await plansOf(database, { role: 'catalog_api', mode: 'custom', options: poolOptions }, (told) =>
      readLedger(told, productId, { limit: 2 }),
    );
    expect(read.map(({ plan }) => plan['Actual Rows'])).toEqual([3]);
  });

  test('shows what orders moved', async () => {
    await adjust(5);
    await reserve(2);
    const [newest] = (await ledger()).data;
    expect(newest).toMatchObject({
      kind: 'reservation',
      quantity: 0,
      reserved: 2,
      orderId: expect.stringMatching(/^ord_/),
    });
  });

  test('past its end is empty, and still has the level', async () => {
    const { id } = await adjust(5);
    const cursor = encodeCursor(`list-stock-movements ${productId}`, id);
    expect(await ledger(10, cursor)).toEqual({
      data: [],
      hasMore: false,
      nextCursor: null,
      level: { onHand: 5, reserved: 0, available: 5, lowStockAt: 5 },
    });
  });

  test("another product's cursor is refused", async () => {
    const { id } = await adjust(5);
    const cursor = encodeCursor(`list-stock-movements ${await addProduct()}`, id);
    await expect(ledger(10, cursor)).rejects.toMatchObject({ code: 'invalid-cursor' });
  });

  test('of an unknown product is not found', async () => {
    const read = readLedger(sql, newId('product', systemClock), { limit: 1 });
    await expect(read).rejects.toMatchObject({ code: 'not-found' });
  });
});
