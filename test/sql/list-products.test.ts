import type { Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inTransaction } from '../../lib/database/transaction.sql.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { insertCategory, updateCategory } from '../../lib/shop/catalog/categories.sql.ts';
import { insertProduct, type NewProduct, updateProduct } from '../../lib/shop/catalog/change.sql.ts';
import { listProducts, type ProductFilter } from '../../lib/shop/catalog/list.sql.ts';
import { adjustStock, setLowStock } from '../../lib/shop/stock/ledger.sql.ts';
import { poolOptions } from '../support/handlers.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';

let database: TestDatabase;
let sql: Sql;
let reader: Sql;
let time = Date.parse('2026-01-01T00:00:00Z');
const clock = { now: () => (time += 1000) };
const eur = (amount: number) => ({ amount, currency: 'EUR' });
const ids: Record<string, string> = {};

const add = async (sku: string, name: string, amount: number, more: Partial<NewProduct> = {}) => {
  const { id } = await insertProduct(sql, { sku, name, price: eur(amount), active: true, ...more }, clock);
  ids[sku] = id;
};
const category = (slug: string, parentId: string | null) =>
  inTransaction(sql, (tx) => insertCategory(tx, { slug, name: slug, parentId, position: 0 }, clock));

let kitchen: string;
let tea: string;

beforeAll(async () => {
  database = await createDatabase();
  sql = database.connect('catalog_api', poolOptions);
  reader = database.connect('catalog_reader', poolOptions);
  kitchen = (await category('kitchen', null)).id;
  tea = (await category('tea', kitchen)).id;
  await add('POT-1', 'Blue teapot', 4990, {
    brand: 'Kettle & Co',
    categoryId: tea,
    attributes: { colour: 'blue', litres: 1.2, safe: true, size: '12' },
    description: 'Pours without dripping.',
  });
  await add('X-100', 'Kettles for travel', 2500, {
    brand: 'kettle & co',
    categoryId: kitchen,
    attributes: { colour: 'red', litres: 12 },
    description: 'Not a teapot.',
  });
  await add('TASSE', 'Täßchen Ωmega', 900, {
    categoryId: tea,
    attributes: { note: 'handmade', made: 'Donaudampfschifffahrt' },
  });
  await add('PLATE', 'The plate', 900, { price: { amount: 900, currency: 'USD' } });
  await add('OLD', 'Blue teapot of yesterday', 100, { active: false, categoryId: tea });
  await inTransaction(sql, async (tx) => {
    for (const [sku, quantity] of [
      ['POT-1', 20],
      ['X-100', 5],
      ['TASSE', 6],
    ] as const) {
      await adjustStock(tx, ids[sku]!, { quantity, reason: 'x' }, clock);
    }
  });
});
afterAll(async () => {
  await Promise.all([sql?.end(), reader?.end()]);
  await database?.drop();
});

const list = async (filter: ProductFilter, limit = 20) =>
  (await listProducts(reader, { active: true, ...filter }, { limit })).data;
const skus = async (filter: ProductFilter) => (await list(filter)).map(({ sku }) => sku);

describe('a search', () => {
  test.each<[string, string[]]>([
    ['teapot', ['POT-1', 'X-100']], // in the name before in the description
    ['teapots', ['POT-1', 'X-100']],
    ['TEAPOT blue', ['POT-1']],
    ['blue tea', ['POT-1']],
    ['tea blue', []], // only the last word may be a beginning
    ['the teapot of', ['POT-1', 'X-100']],
    ['kettle', ['X-100', 'POT-1']],
    ['kettle & co', ['X-100', 'POT-1']],
    ['x-100', ['X-100']],
    ['X 100', ['X-100']],
    ['pot-1', ['POT-1']],
    ['täßchen', ['TASSE']],
    ['täß', ['TASSE']],
    ['ωmeg', ['TASSE']],
    ['handmade', ['TASSE']],
    ['dripping', ['POT-1']],
    ['drip', ['POT-1']],
    ['dri', ['POT-1']], // of a description, since nothing else begins so
    ['donaudampfschiff', ['TASSE']],
    ['plate', ['PLATE']],
    ['nothing like this', []],
    ["') or true --", []],
    ['teapot | plate', []],
    ['!teapot', ['POT-1', 'X-100']],
    ['teapot:* <-> \\', ['POT-1', 'X-100']],
  ])('for %s', async (q, found) => {
    expect(await skus({ q })).toEqual(found);
  });

  test.each<[string, string[]]>([
    ['tepot', ['POT-1', 'X-100']],
    ['Teaptos', ['POT-1', 'X-100']],
    ['bluue teapot', ['POT-1']],
    ['kettel', ['X-100', 'POT-1']],
    ['täschen', ['TASSE']],
    ['teapot unheard', []],
    ['zzzzzz', []],
  ])('for %s finds what is meant', async (q, found) => {
    expect(await skus({ q })).toEqual(found);
  });

  test('with a typing error has pages too', async () => {
    const first = await listProducts(reader, { active: true, q: 'tepot' }, { limit: 1 });
    const second = await listProducts(reader, { active: true, q: 'tepot' }, { limit: 1, cursor: first.nextCursor! });
    expect([...first.data, ...second.data].map(({ sku }) => sku)).toEqual(['POT-1', 'X-100']);
    expect(second.hasMore).toBe(false);
  });

  test('new products with the same new words do not wait for each other without end', async () => {
    const adding = Array.from({ length: 8 }, (_, n) => {
      const words = ['alpha', 'bravo', 'charlie', 'delta', 'echos'];
      const name = (n % 2 === 0 ? words : words.toReversed()).join(' ');
      return add(`SAME-${n}`, name, 1, { active: false });
    });
    await Promise.all(adding);
    expect(await list({ active: false, q: 'charly' })).toHaveLength(8);
  });

  test.each(['the', 'of the', '&', '!:*', ' - ', '☕'])('for %s has no word to search for', async (q) => {
    await expect(list({ q })).rejects.toMatchObject({ code: 'search-without-words', errors: [{ pointer: '?q' }] });
  });

  test('of very many words is answered', async () => {
    expect(await skus({ q: 'x '.repeat(100) })).toEqual(['X-100']);
    expect(await skus({ q: Array.from({ length: 60 }, (_, n) => `w${n}`).join(' ') })).toEqual([]);
  });

  test('finds what a product says now', async () => {
    await updateProduct(sql, ids.PLATE!, { name: 'Saucer', description: 'A plate.' }, {}, clock);
    expect(await skus({ q: 'saucers' })).toEqual(['PLATE']);
    await updateProduct(sql, ids.PLATE!, { name: 'The plate', description: null }, {}, clock);
    expect(await skus({ q: 'saucers' })).toEqual([]);
  });
});

describe('a filter', () => {
  test.each<[string, () => ProductFilter, string[]]>([
    ['of a category has what is below it', () => ({ category: kitchen }), ['TASSE', 'X-100', 'POT-1']],
    ['of a category has nothing above it', () => ({ category: tea }), ['TASSE', 'POT-1']],
    ['of a brand does not mind capitals', () => ({ brand: 'KETTLE & CO' }), ['X-100', 'POT-1']],
    ['of an attribute that is text', () => ({ attribute: { colour: 'blue' } }), ['POT-1']],
    ['of an attribute that is a number', () => ({ attribute: { litres: '1.20' } }), ['POT-1']],
    ['of an attribute that is true', () => ({ attribute: { safe: 'true' } }), ['POT-1']],
    ['of text that could be a number', () => ({ attribute: { size: '12' } }), ['POT-1']],
    ['of two attributes', () => ({ attribute: { colour: 'blue', litres: '12' } }), []],
    ['of an attribute with quotes', () => ({ attribute: { 'a"}': '"}' } }), []],
    ['of prices', () => ({ priceFrom: 900, priceTo: 2500 }), ['PLATE', 'TASSE', 'X-100']],
    ['of prices in a currency', () => ({ priceTo: 2500, currency: 'EUR' }), ['TASSE', 'X-100']],
    ['of stock', () => ({ inStock: true }), ['TASSE', 'X-100', 'POT-1']],
    ['of off sale', () => ({ active: false, category: tea }), ['OLD']],
    ['of either', () => ({ active: undefined, q: 'yesterday' }), ['OLD']],
    [
      'of everything',
      () => ({
        q: 'teapot',
        category: kitchen,
        brand: 'Kettle & Co',
        attribute: { colour: 'red' },
        inStock: true,
        priceTo: 2500,
        sku: 'X-100',
      }),
      ['X-100'],
    ],
  ])('%s', async (_, filter, found) => {
    expect(await skus(filter())).toEqual(found);
  });

  test('of an unknown category is refused', async () => {
    await expect(list({ category: newId('category', clock) })).rejects.toMatchObject({
      code: 'category-unknown',
      errors: [{ pointer: '?category' }],
    });
  });

  test('of an unknown category with words is refused too', async () => {
    const category = newId('category', clock);
    await expect(list({ q: 'teapot', category })).rejects.toMatchObject({ code: 'category-unknown' });
    await expect(list({ q: 'the', category })).rejects.toMatchObject({ code: 'category-unknown' });
  });

  test('of a category follows a move', async () => {
    await updateCategory(sql, tea, { parentId: null }, {}, clock);
    expect(await skus({ category: kitchen })).toEqual(['X-100']);
    expect(await skus({ category: kitchen, q: 'teapot' })).toEqual(['X-100']);
    await updateCategory(sql, tea, { parentId: kitchen }, {}, clock);
    expect(await skus({ category: kitchen })).toEqual(['TASSE', 'X-100', 'POT-1']);
  });
});

test('whether a product can be ordered is that of its stock now', async () => {
  const shown = async () => Object.fromEntries((await list({})).map(({ sku, availability }) => [sku, availability]));
  expect(await shown()).toEqual({ 'POT-1': 'in_stock', 'X-100': 'low', TASSE: 'in_stock', PLATE: 'out_of_stock' });
  await setLowStock(sql, ids.TASSE!, 6);
  await inTransaction(sql, (tx) => adjustStock(tx, ids['X-100']!, { quantity: -5, reason: 'x' }, clock));
  expect(await shown()).toMatchObject({ TASSE: 'low', 'X-100': 'out_of_stock' });
  expect(await skus({ inStock: true })).toEqual(['TASSE', 'POT-1']);
  await setLowStock(sql, ids.TASSE!, 0);
  expect(await shown()).toMatchObject({ TASSE: 'in_stock' });
});

describe('an order', () => {
  const orders: [ProductFilter, string[]][] = [
    [{ sort: '-createdAt' }, ['PLATE', 'TASSE', 'X-100', 'POT-1']],
    [{ sort: 'createdAt' }, ['POT-1', 'X-100', 'TASSE', 'PLATE']],
    [{ sort: 'price' }, ['TASSE', 'PLATE', 'X-100', 'POT-1']],
    [{ sort: '-price' }, ['POT-1', 'X-100', 'PLATE', 'TASSE']],
    [{ q: 'teapot' }, ['POT-1', 'X-100']],
    [{ q: 'teapot', sort: 'price' }, ['X-100', 'POT-1']],
  ];
  test.each(orders)('%o leads through its pages, each product once', async (filter, expected) => {
    for (const limit of [1, 2, 3]) {
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await listProducts(reader, { active: true, ...filter }, { limit, cursor });
        seen.push(...page.data.map(({ sku }) => sku));
        cursor = page.nextCursor ?? undefined;
      } while (cursor !== undefined);
      expect(seen).toEqual(expected);
    }
  });

  test('has a cursor for itself and its filter alone', async () => {
    const cursors = await Promise.all(
      orders.map(
        async ([filter]) => (await listProducts(reader, { active: true, ...filter }, { limit: 1 })).nextCursor!,
      ),
    );
    for (const [n, [filter]] of orders.entries()) {
      for (const [m, cursor] of cursors.entries()) {
        const read = listProducts(reader, { active: true, ...filter }, { limit: 1, cursor });
        if (n === m) expect((await read).data).toHaveLength(1);
        else await expect(read).rejects.toMatchObject({ code: 'invalid-cursor' });
      }
    }
  });
});
