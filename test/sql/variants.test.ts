import type { Sql } from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { inTransaction } from '../../lib/database/transaction.sql.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { insertCategory } from '../../lib/shop/catalog/categories.sql.ts';
import { insertProduct, type NewProduct, updateProduct } from '../../lib/shop/catalog/change.sql.ts';
import { listProducts, type ProductFilter } from '../../lib/shop/catalog/list.sql.ts';
import { findProduct } from '../../lib/shop/catalog/products.sql.ts';
import { familyOf, insertVariant, listVariants, type NewVariant } from '../../lib/shop/catalog/variants.sql.ts';
import { basketOf } from '../../lib/shop/pricing/basket.ts';
import { readPriceable } from '../../lib/shop/pricing/priceable.sql.ts';
import { adjustStock, setLowStock } from '../../lib/shop/stock/ledger.sql.ts';
import { poolOptions } from '../support/handlers.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';

let database: TestDatabase;
let sql: Sql;
let reader: Sql;
let orders: Sql;
let owner: Sql;
let time = Date.parse('2026-01-01T00:00:00Z');
const clock = { now: () => ++time };
const eur = (amount: number) => ({ amount, currency: 'EUR' });
const size = { name: 'Size', values: ['S', 'M', 'L'] };

beforeAll(async () => {
  database = await createDatabase();
  sql = database.connect('catalog_api', poolOptions);
  reader = database.connect('catalog_reader', poolOptions);
  orders = database.connect('orders_api', poolOptions);
  owner = database.connect('migrator', poolOptions);
});
afterAll(async () => {
  await Promise.all([sql?.end(), reader?.end(), orders?.end(), owner?.end()]);
  await database?.drop();
});
beforeEach(async () => {
  await owner`truncate catalog.products, outbox.events cascade`;
});

const addShirt = (more: Partial<NewProduct> = {}) =>
  insertProduct(
    sql,
    { sku: 'SHIRT', name: 'Shirt', price: eur(2000), options: [size], active: true, ...more },
    clock,
    'req_1',
  );
const addVariant = (parentId: string, value: string, more: Partial<NewVariant> = {}) =>
  inTransaction(sql, (tx) =>
    insertVariant(
      tx,
      parentId,
      { sku: `SHIRT-${value}`, optionValues: { Size: value }, price: eur(2000), active: true, ...more },
      { clock, requestId: 'req_2' },
    ),
  );
const stock = (id: string, quantity: number) =>
  inTransaction(sql, (tx) => adjustStock(tx, id, { quantity, reason: 'x' }, clock));
const change = (id: string, changes: Parameters<typeof updateProduct>[2]) =>
  updateProduct(sql, id, changes, {}, clock, 'req_3');
const listed = async (filter: ProductFilter = {}) =>
  (await listProducts(reader, { active: true, ...filter }, { limit: 20 })).data;
const skus = async (filter: ProductFilter = {}) => (await listed(filter)).map(({ sku }) => sku);

describe('a variant', () => {
  test('has its own SKU, price and stock, and the rest of its product', async () => {
    const category = await inTransaction(sql, (tx) =>
      insertCategory(tx, { slug: `c-${time}`, name: 'C', position: 0 }, clock),
    );
    const shirt = await addShirt({ brand: 'Acme', categoryId: category.id, taxClass: 'reduced', weight: 200 });
    const small = await addVariant(shirt.id, 'S', { price: eur(1500) });
    const large = await addVariant(shirt.id, 'L', { name: 'Large one', weight: 300 });
    expect(small).toMatchObject({
      parentId: shirt.id,
      sku: 'SHIRT-S',
      name: 'Shirt, S',
      optionValues: { Size: 'S' },
      price: eur(1500),
      weight: 200,
      brand: 'Acme',
      categoryId: category.id,
      taxClass: 'reduced',
    });
    expect(large).toMatchObject({ name: 'Large one', price: eur(2000), weight: 300 });
    expect(await findProduct(reader, shirt.id)).toMatchObject({
      price: eur(1500),
      priceRange: { from: eur(1500), to: eur(2000) },
      variants: [
        { id: small.id, optionValues: { Size: 'S' } },
        { id: large.id, optionValues: { Size: 'L' } },
      ],
      version: 3,
    });
    expect(await findProduct(reader, small.id)).toMatchObject({ sku: 'SHIRT-S', variants: [{ id: small.id }] });
    expect(await familyOf(sql, small.id)).toEqual([small.id, shirt.id]);
  });

  test('is priced as itself; its product is not, and takes it off sale', async () => {
    const shirt = await addShirt();
    const small = await addVariant(shirt.id, 'S', { price: eur(1500) });
    const price = async () => {
      const lines = [shirt.id, small.id].map((productId) => ({ productId, quantity: 1 }));
      const { products } = await readPriceable(orders, basketOf({ lines }, null, 0));
      return products.map(({ id, priceAmount, hasOptions }) => [id, priceAmount, hasOptions]).sort();
    };
    expect(await price()).toEqual(
      [
        [shirt.id, 1500, true],
        [small.id, 1500, false],
      ].sort(),
    );
    await change(shirt.id, { active: false });
    expect(await price()).toEqual([]);
    expect(await skus({ sku: 'SHIRT-S' })).toEqual([]);
  });

  test('has stock; its product has not', async () => {
    const shirt = await addShirt();
    const small = await addVariant(shirt.id, 'S');
    await stock(small.id, 3);
    await expect(stock(shirt.id, 3)).rejects.toMatchObject({ code: 'product-has-options' });
    await expect(setLowStock(sql, shirt.id, 3)).rejects.toMatchObject({ code: 'product-has-options' });
  });

  test.each([
    ['lacks a value', { optionValues: {} }, 'options-not-met'],
    ['has an unknown value', { optionValues: { Size: 'XXL' } }, 'options-not-met'],
    ['has an unknown option', { optionValues: { Size: 'S', Colour: 'red' } }, 'options-not-met'],
    ['has another currency', { price: { amount: 1, currency: 'USD' } }, 'currencies-mixed'],
    ['has a SKU that is taken', { sku: 'SHIRT' }, 'sku-taken'],
    ['has the values of another', { optionValues: { Size: 'M' } }, 'variant-exists'],
  ] as [string, Partial<NewVariant>, string][])('that %s is refused, and nothing changes', async (_, more, code) => {
    const shirt = await addShirt();
    await addVariant(shirt.id, 'M');
    const before = await findProduct(reader, shirt.id);
    await expect(addVariant(shirt.id, 'S', more)).rejects.toMatchObject({ code });
    expect(await findProduct(reader, shirt.id)).toEqual(before);
  });

  test('of what has no options, is a variant or does not exist is refused', async () => {
    const shirt = await addShirt();
    const small = await addVariant(shirt.id, 'S');
    const mug = await insertProduct(sql, { sku: 'MUG', name: 'Mug', price: eur(1), active: true }, clock);
    for (const id of [small.id, mug.id]) {
      await expect(addVariant(id, 'M')).rejects.toMatchObject({ code: 'product-without-options' });
    }
    await expect(addVariant(newId('product', clock), 'M')).rejects.toMatchObject({ code: 'not-found' });
    await expect(change(mug.id, { options: [size] })).rejects.toMatchObject({ code: 'product-without-options' });
  });

  test('beyond the hundredth is refused', async () => {
    const values = Array.from({ length: 100 }, (_, n) => `v${n}`);
    const extra = { name: 'Extra', values: ['yes'] };
    const shirt = await addShirt({ options: [{ name: 'Size', values }, extra] });
    await owner`
      insert into catalog.products (id, sku, name, price_amount, price_currency, parent_id, option_values, created_at, updated_at)
      select 'prd_' || lpad(to_hex(n), 32, '0'), 'V-' || n, 'V', 1, 'EUR', ${shirt.id},
        jsonb_build_object('Size', 'v' || n, 'Extra', 'yes'), now(), now()
      from generate_series(0, 98) n`;
    await addVariant(shirt.id, 'v99', { optionValues: { Size: 'v99', Extra: 'yes' } });
    await expect(
      addVariant(shirt.id, 'v0', { sku: 'ONE-MORE', optionValues: { Size: 'v0', Extra: 'yes' } }),
    ).rejects.toMatchObject({ code: 'too-many-variants' });
  });

  test('two of the same values at the same time are one', async () => {
    const shirt = await addShirt();
    const both = await Promise.allSettled(['A', 'B'].map((sku) => addVariant(shirt.id, 'S', { sku })));
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect((await findProduct(reader, shirt.id))?.variants).toHaveLength(1);
  });
});

describe('changes', () => {
  test('of a variant change what its product shows, and both have an event', async () => {
    const shirt = await addShirt();
    const small = await addVariant(shirt.id, 'S');
    await addVariant(shirt.id, 'M', { price: eur(3000) });
    await owner`truncate outbox.events`;
    await change(small.id, { price: eur(900), optionValues: { Size: 'L' }, sku: 'SHIRT-L' });
    expect(await findProduct(reader, shirt.id)).toMatchObject({
      priceRange: { from: eur(900), to: eur(3000) },
      version: 4,
    });
    const events = await owner`
      select subject, type, sequence, correlation_id, data ->> 'parentId' as parent_id from outbox.events order by id`;
    expect(events).toEqual([
      { subject: small.id, type: 'product.updated', sequence: 2, correlationId: 'req_3', parentId: shirt.id },
      { subject: shirt.id, type: 'product.updated', sequence: 4, correlationId: 'req_3', parentId: null },
    ]);
    await change(small.id, { active: false });
    expect(await findProduct(reader, shirt.id)).toMatchObject({ priceRange: { from: eur(3000), to: eur(3000) } });
  });

  test('of what variants share reach them all', async () => {
    const shirt = await addShirt({ brand: 'Acme' });
    const small = await addVariant(shirt.id, 'S');
    const medium = await addVariant(shirt.id, 'M');
    await change(shirt.id, { brand: 'Other', taxClass: 'reduced', name: 'Blouse' });
    for (const { id, name } of [small, medium]) {
      expect(await findProduct(reader, id)).toMatchObject({ brand: 'Other', taxClass: 'reduced', name, version: 2 });
    }
  });

  test('that belong to the other of product and variant are refused', async () => {
    const shirt = await addShirt();
    const small = await addVariant(shirt.id, 'S');
    for (const changes of [
      { brand: 'X' },
      { description: 'X' },
      { attributes: {} },
      { taxClass: 'x' },
      { options: [size] },
    ]) {
      await expect(change(small.id, changes)).rejects.toMatchObject({ code: 'product-is-variant' });
    }
    await expect(change(shirt.id, { price: eur(1) })).rejects.toMatchObject({ code: 'product-has-options' });
    await expect(change(shirt.id, { optionValues: {} })).rejects.toMatchObject({ code: 'product-has-options' });
    await expect(change(small.id, { price: { amount: 1, currency: 'USD' } })).rejects.toMatchObject({
      code: 'currencies-mixed',
    });
    await expect(change(small.id, { optionValues: { Size: 'XXL' } })).rejects.toMatchObject({
      code: 'options-not-met',
    });
    await addVariant(shirt.id, 'M');
    await expect(change(small.id, { optionValues: { Size: 'M' } })).rejects.toMatchObject({ code: 'variant-exists' });
    await expect(updateProduct(sql, small.id, { name: 'X' }, { oneOf: [7] }, clock)).rejects.toMatchObject({
      code: 'version-stale',
    });
  });

  test('of options keep what variants have', async () => {
    const shirt = await addShirt();
    await addVariant(shirt.id, 'S');
    const more = [{ name: 'Size', values: ['S', 'XL'] }];
    expect(await change(shirt.id, { options: more })).toMatchObject({ options: more });
    for (const options of [[{ name: 'Size', values: ['M'] }], [size, { name: 'Colour', values: ['red'] }]]) {
      await expect(change(shirt.id, { options })).rejects.toMatchObject({ code: 'variants-do-not-fit' });
    }
    const twice = [{ name: 'Size', values: ['S', 's'] }];
    await expect(change(shirt.id, { options: twice })).rejects.toMatchObject({ code: 'option-repeated' });
    await expect(addShirt({ sku: 'OTHER', options: [size, { ...size, name: 'size' }] })).rejects.toMatchObject({
      code: 'option-repeated',
      errors: [{ pointer: '/options/1/name' }],
    });
  });
});

describe('lists', () => {
  test('show a product once, with its range of prices and its best availability', async () => {
    const shirt = await addShirt();
    const small = await addVariant(shirt.id, 'S', { price: eur(1500) });
    const medium = await addVariant(shirt.id, 'M');
    const large = await addVariant(shirt.id, 'L', { active: false });
    await stock(large.id, 100);
    expect(await listed()).toMatchObject([
      { sku: 'SHIRT', availability: 'out_of_stock', priceRange: { from: eur(1500), to: eur(2000) } },
    ]);
    expect(await skus({ inStock: true })).toEqual([]);
    await stock(small.id, 3);
    expect(await listed({ inStock: true })).toMatchObject([{ availability: 'low' }]);
    await stock(medium.id, 100);
    expect(await listed({ sort: 'price', priceFrom: 1500, priceTo: 1500 })).toMatchObject([
      { sku: 'SHIRT', availability: 'in_stock' },
    ]);
    expect(await listVariants(reader, shirt.id)).toMatchObject({
      variants: [{ availability: 'low' }, { availability: 'in_stock' }, { availability: 'in_stock', active: false }],
    });
  });

  test('find a product by the SKUs of its variants and the values of its options', async () => {
    const shirt = await addShirt({ options: [{ name: 'Colour', values: ['crimson', 'teal'] }] });
    await addVariant(shirt.id, 'x', { sku: 'QX77-CRIMSON', optionValues: { Colour: 'crimson' } });
    expect(await skus({ q: 'QX77-CRIMSON' })).toEqual(['SHIRT']);
    expect(await skus({ q: 'teal shirt' })).toEqual(['SHIRT']);
    expect(await skus({ sku: 'QX77-CRIMSON' })).toEqual(['QX77-CRIMSON']);
  });
});
