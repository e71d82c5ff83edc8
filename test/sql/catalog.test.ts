import type { Sql } from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { encodeCursor } from '../../lib/contract/api/cursor.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { insertProduct, type NewProduct, updateProduct } from '../../lib/shop/catalog/change.sql.ts';
import { listProducts } from '../../lib/shop/catalog/list.sql.ts';
import { findProduct, findProducts, requireProduct } from '../../lib/shop/catalog/products.sql.ts';
import { basketOf } from '../../lib/shop/pricing/basket.ts';
import { readPriceable } from '../../lib/shop/pricing/priceable.sql.ts';
import { poolOptions } from '../support/handlers.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';

let database: TestDatabase;
let sql: Sql;
let reader: Sql;
let orders: Sql;
let owner: Sql;
let time = Date.parse('2026-01-01T00:00:00Z');
const clock = { now: () => time };
const unknown = newId('product', clock);

const statements: string[] = [];

beforeAll(async () => {
  database = await createDatabase();
  sql = database.connect('catalog_api', poolOptions);
  reader = database.connect('catalog_reader', poolOptions);
  orders = database.connect('orders_api', { ...poolOptions, debug: (_, query) => statements.push(query) });
  owner = database.connect('migrator', poolOptions);
});
afterAll(async () => {
  await Promise.all([sql?.end(), reader?.end(), orders?.end(), owner?.end()]);
  await database?.drop();
});
beforeEach(async () => {
  await owner`truncate catalog.products cascade`;
});

const add = (sku: string, more: Partial<NewProduct> = {}) => {
  time += 1000;
  const product = { sku, name: sku, price: { amount: 1999, currency: 'EUR' }, active: true, ...more };
  return insertProduct(sql, product, clock);
};

describe('adding a product', () => {
  test('the answer is what is read afterwards', async () => {
    const added = await add('A-1', {
      name: 'Täßchen ☕',
      description: 'one\ntwo',
      price: { amount: 0, currency: 'JPY' },
    });
    const now = new Date(time).toISOString();
    expect(added).toEqual({
      id: expect.stringMatching(/^prd_/),
      sku: 'A-1',
      name: 'Täßchen ☕',
      description: 'one\ntwo',
      categoryId: null,
      brand: null,
      images: [],
      attributes: {},
      metadata: {},
      parentId: null,
      options: [],
      optionValues: {},
      price: { amount: 0, currency: 'JPY' },
      priceRange: { from: { amount: 0, currency: 'JPY' }, to: { amount: 0, currency: 'JPY' } },
      taxClass: 'standard',
      weight: null,
      active: true,
      createdAt: now,
      updatedAt: now,
      version: 1,
      variants: [expect.objectContaining({ id: added.id, sku: 'A-1', optionValues: {}, version: 1 })],
    });
    expect(await findProduct(sql, added.id)).toEqual(added);
  });

  test('without a description has null for it', async () => {
    expect((await add('A-1')).description).toBeNull();
  });

  test('a SKU that is taken is refused, in exactly the same letters', async () => {
    await add('A-1');
    await expect(add('A-1')).rejects.toMatchObject({ code: 'sku-taken', status: 409, errors: [{ pointer: '/sku' }] });
    await expect(add('a-1')).resolves.toMatchObject({ sku: 'a-1' });
  });

  test('of ten concurrent requests with one SKU, one adds a product', async () => {
    const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => add('A-1')));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'sku-taken' });
    }
  });
});

describe('a product that is not on sale', () => {
  test('is found, unlike one that never existed', async () => {
    const { id } = await add('A-1', { active: false });
    await expect(findProduct(sql, id)).resolves.toMatchObject({ active: false });
    await expect(findProduct(sql, unknown)).resolves.toBeUndefined();
    await expect(requireProduct(sql, id)).resolves.toBeUndefined();
    await expect(requireProduct(sql, unknown)).rejects.toMatchObject({ code: 'not-found' });
  });
});

describe('the list', () => {
  const readAll = async (limit: number, between = async () => {}) => {
    const skus: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await listProducts(reader, { active: true }, { limit, cursor });
      expect(page.data.length).toBeLessThanOrEqual(limit);
      expect(page.hasMore).toBe(page.nextCursor !== null);
      skus.push(...page.data.map((product) => product.sku));
      cursor = page.nextCursor ?? undefined;
      await between();
    } while (cursor !== undefined);
    return skus;
  };

  test.each([1, 2, 3, 4, 7, 100])('in pages of %i, shows each product on sale once, newest first', async (limit) => {
    for (const n of [1, 2, 3, 4, 5, 6]) await add(`A-${n}`, { active: n !== 4 });
    expect(await readAll(limit)).toEqual(['A-6', 'A-5', 'A-3', 'A-2', 'A-1']);
  });

  test('a product that is added between two pages shifts nothing', async () => {
    for (const n of [1, 2, 3, 4, 5]) await add(`A-${n}`);
    let more = 0;
    const skus = await readAll(2, async () => void (await add(`B-${++more}`)));
    expect(skus).toEqual(['A-5', 'A-4', 'A-3', 'A-2', 'A-1']);
  });

  test('a cursor stays valid when its product goes off sale', async () => {
    for (const n of [1, 2, 3]) await add(`A-${n}`);
    const page = await listProducts(reader, { active: true }, { limit: 2 });
    await updateProduct(sql, page.data[1]!.id, { active: false }, {}, clock);
    expect(
      (await listProducts(reader, { active: true }, { limit: 2, cursor: page.nextCursor! })).data.map(({ sku }) => sku),
    ).toEqual(['A-1']);
  });

  test('is empty without products', async () => {
    expect(await listProducts(reader, { active: true }, { limit: 20 })).toEqual({
      data: [],
      hasMore: false,
      nextCursor: null,
    });
  });

  test("another list's cursor is refused", async () => {
    const cursor = encodeCursor('list-orders', unknown);
    await expect(listProducts(reader, { active: true }, { limit: 20, cursor })).rejects.toMatchObject({
      code: 'invalid-cursor',
    });
  });
});

describe('changing a product', () => {
  test('fields that are not given stay, and the version goes up', async () => {
    const before = await add('A-1', { description: 'old' });
    time += 1000;
    const after = await updateProduct(sql, before.id, { name: 'New' }, {}, clock);
    const updatedAt = new Date(time).toISOString();
    const changed = { name: 'New', version: 2 };
    expect(after).toEqual({ ...before, ...changed, updatedAt, variants: [{ ...before.variants[0], ...changed }] });
    expect(await findProduct(sql, before.id)).toEqual(after);
  });

  test('changes every field at once', async () => {
    const { id } = await add('A-1', { description: 'old' });
    const changes = {
      sku: 'B-1',
      name: 'New',
      description: null,
      price: { amount: 5, currency: 'USD' },
      active: false,
    };
    expect(await updateProduct(sql, id, changes, { oneOf: [1] }, clock)).toMatchObject({ ...changes, version: 2 });
  });

  test('every detail is kept as it was given, and goes away again', async () => {
    const details = {
      brand: 'Kettle & Co',
      images: [
        { url: 'https://images.example.com/2.jpg', alt: 'Second ☕' },
        { url: 'https://images.example.com/1.jpg', alt: 'First' },
      ],
      attributes: { litres: 1.2, colour: 'blue', safe: false },
      metadata: { nested: [{ deep: null }, 1e21, '\u2028'], '': true },
      costPrice: { amount: 700, currency: 'USD' },
      taxClass: 'reduced',
      weight: 850,
    };
    const added = await add('A-1', details);
    expect(added).toMatchObject(details);
    expect(await findProduct(sql, added.id, { costs: true })).toEqual(added);
    const none = { brand: null, images: [], attributes: {}, metadata: {}, costPrice: null, weight: null };
    const after = await updateProduct(sql, added.id, none, {}, clock);
    const { costPrice, ...left } = none;
    expect(after).toMatchObject(left);
    expect(costPrice).toBeNull();
    for (const shown of [after, after.variants[0]]) expect(shown).not.toHaveProperty('costPrice');
  });

  test('the cost is read where it is asked for alone', async () => {
    const { id, costPrice } = await add('A-1', { costPrice: { amount: 700, currency: 'USD' } });
    expect(costPrice).toEqual({ amount: 700, currency: 'USD' });
    const [listed] = (await listProducts(reader, { active: true }, { limit: 1 })).data;
    for (const product of [await findProduct(sql, id), listed, ...(await findProducts(sql, [id]))]) {
      expect(product).toMatchObject({ id });
      expect(product).not.toHaveProperty('costPrice');
    }
    const announced = await owner`select data from outbox.events where aggregate_id = ${id}`;
    expect(JSON.stringify(announced)).not.toContain('700');
  });

  test('a product that went off sale can be put back', async () => {
    const { id } = await add('A-1', { active: false });
    await updateProduct(sql, id, { active: true }, {}, clock);
    expect((await findProduct(sql, id))?.active).toBe(true);
  });

  test('its own SKU is no conflict; that of another product is, and then nothing changes', async () => {
    const one = await add('A-1');
    await add('A-2');
    await expect(updateProduct(sql, one.id, { sku: 'A-1' }, {}, clock)).resolves.toMatchObject({ version: 2 });
    await expect(updateProduct(sql, one.id, { sku: 'A-2', name: 'x' }, {}, clock)).rejects.toMatchObject({
      code: 'sku-taken',
      message: expect.stringContaining('A-2'),
    });
    expect(await findProduct(sql, one.id)).toMatchObject({ sku: 'A-1', name: 'A-1', version: 2 });
  });

  test('for an old version is refused, and nothing changes', async () => {
    const { id } = await add('A-1');
    const first = await updateProduct(sql, id, { name: 'first' }, { oneOf: [1] }, clock);
    await expect(updateProduct(sql, id, { name: 'second' }, { oneOf: [1] }, clock)).rejects.toMatchObject({
      code: 'version-stale',
      status: 412,
    });
    expect(await findProduct(sql, id)).toEqual(first);
  });

  test('of ten concurrent changes of one version, one succeeds', async () => {
    const { id } = await add('A-1');
    const changes = Array.from({ length: 10 }, (_, n) =>
      updateProduct(sql, id, { name: `by ${n}` }, { oneOf: [1] }, clock),
    );
    const outcomes = await Promise.allSettled(changes);
    const won = outcomes.filter(({ status }) => status === 'fulfilled');
    expect(won).toHaveLength(1);
    expect(await findProduct(sql, id)).toEqual(won[0]?.status === 'fulfilled' && won[0].value);
  });

  test.each([undefined, 1])('an unknown product is not found, with If-Match %s', async (ifMatch) => {
    const change = updateProduct(sql, unknown, { name: 'x' }, ifMatch === undefined ? {} : { oneOf: [ifMatch] }, clock);
    await expect(change).rejects.toMatchObject({ code: 'not-found' });
  });
});

describe('what pricing reads', () => {
  const addCustomer = async (premium: boolean) => {
    const id = newId('customer', clock);
    const now = new Date(time);
    await owner`
      insert into customers.customers (id, email, name, password_hash, premium, created_at, updated_at)
      values (${id}, ${`${id}@example.com`}, 'A', 'x', ${premium}, ${now}, ${now})`;
    return id;
  };

  test('the requested products that are on sale, and whether the customer is premium, in one statement', async () => {
    const [one, , three] = [
      await add('A-1'),
      await add('A-2'),
      await add('A-3', { price: { amount: 7, currency: 'JPY' } }),
    ];
    const off = await add('A-4', { active: false });
    const customerId = await addCustomer(true);
    statements.length = 0;
    const linesOf = (ids: string[]) => ids.map((productId) => ({ productId, quantity: 1 }));
    const productIds = [three.id, off.id, unknown, one.id];
    const { premium, products } = await readPriceable(
      orders,
      basketOf({ lines: linesOf(productIds) }, customerId, clock.now()),
    );
    expect(statements).toHaveLength(1);
    expect(premium).toBe(true);
    const unweighed = { taxClass: 'standard', weight: null, hasOptions: false };
    expect(products.toSorted((a, b) => (a.sku < b.sku ? -1 : 1))).toEqual([
      { id: one.id, sku: 'A-1', name: 'A-1', priceAmount: 1999, priceCurrency: 'EUR', ...unweighed },
      { id: three.id, sku: 'A-3', name: 'A-3', priceAmount: 7, priceCurrency: 'JPY', ...unweighed },
    ]);
  });

  test('an ordinary customer, an unknown customer and nobody are not premium', async () => {
    const ordinary = await addCustomer(false);
    for (const customerId of [ordinary, newId('customer', clock), null]) {
      expect(await readPriceable(orders, basketOf({ lines: [] }, customerId, clock.now()))).toMatchObject({
        premium: false,
        products: [],
      });
    }
  });
});
