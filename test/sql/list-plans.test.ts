import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodeCursor } from '../../lib/contract/api/cursor.ts';
import { listNameOf, listProducts, type ProductFilter } from '../../lib/shop/catalog/list.sql.ts';
import { complaints, plansOf, tellPlans } from '../support/explain.ts';
import { categoryIds, fillCatalogue } from '../support/large-catalogue.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { poolOptions } from '../support/saga.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await createDatabase();
  await fillCatalogue(database, 100_000);
  await tellPlans(database);
});
afterAll(() => database?.drop());

const big = new Set(['catalog.products', 'catalog.words', 'stock.levels']);

/** How many rows a scan may read: of a walk through an index that meets what it wants on the way, or of all that a word has. */
const lists: [name: string, filter: ProductFilter, atMost: number][] = [
  ['of all', {}, 60],
  ['in stock', { inStock: true }, 200],
  ['of a large category', { category: categoryIds.main(1) }, 1000],
  ['of a category', { category: categoryIds.sub(1) }, 2000],
  ['of a small category', { category: categoryIds.leaf(1) }, 2000],
  ['of a brand', { brand: 'brand bba' }, 400],
  ['of a colour', { attribute: { colour: 'colourb' } }, 2000],
  ['of a colour and a size', { attribute: { colour: 'colourb', size: '21' } }, 2000],
  ['by price', { sort: 'price' }, 60],
  ['by price, dearest first', { sort: '-price' }, 60],
  ['of a range of prices', { priceFrom: 5000, priceTo: 5100 }, 2000],
  ['by price in a category', { sort: 'price', category: categoryIds.main(1) }, 1000],
  ['by price in stock', { sort: 'price', inStock: true }, 200],
  ['oldest first', { sort: 'createdAt' }, 60],
  // The newest 100 of 1,800 matches.
  ['of a word', { q: 'nounbc' }, 500],
  ['of two words', { q: 'adjectivebc nounbi' }, 500],
  ['of a rare word', { q: 'wordbcde' }, 500],
  ['of the beginning of a word', { q: 'adjectivebc nounb' }, 500],
  ['of a word of every third', { q: 'common' }, 2500],
  ['of a word that all have', { q: 'sku' }, 2500],
  ['of a word and a category', { q: 'nounbc', category: categoryIds.main(1) }, 2500],
  ['of a word by price', { q: 'nounbc', sort: 'price' }, 2500],
  ['of a word that nobody has', { q: 'nobody' }, 60],
  ['of a word with a typing error', { q: 'adjectivvebc nounbi' }, 5000],
  ['of a SKU', { sku: 'SKU-777' }, 60],
];

test.each(lists)('a list %s reads through an index, and no more rows than it needs', async (_, filter, atMost) => {
  const plans = await plansOf(
    database,
    { role: 'catalog_reader', mode: 'custom', options: poolOptions },
    async (sql) => {
      const { data } = await listProducts(sql, { active: true, ...filter }, { limit: 20 });
      expect(data.length > 0).toBe(filter.q !== 'nobody');
    },
  );
  expect(plans.length).toBeGreaterThan(0);
  expect(complaints(plans, big, atMost)).toEqual([]);
});

test.each<[name: string, filter: ProductFilter, naive: string]>([
  ['a word', { q: 'nounbc' }, String.raw`name ~* '\mnounbc'`],
  ['a common word', { q: 'common' }, String.raw`description ~ '\mcommon\M'`],
  ['a rare word', { q: 'wordbcde' }, String.raw`description ~ '\mwordbcde?\M'`],
  ['two words', { q: 'adjectivebc nounbi' }, String.raw`name ~* '\madjectivebc\M' and name ~* '\mnounbi'`],
  ['a beginning', { q: 'adjectivebc nounb' }, String.raw`name ~* '\madjectivebc\M' and name ~* '\mnounb'`],
  [
    'what few have',
    { q: 'adjectivebc sku', brand: 'brand bba' },
    String.raw`name ~* '\madjectivebc\M' and brand = 'Brand bba'`,
  ],
  [
    'a word in a category',
    { q: 'nounbc', category: categoryIds.sub(1) },
    `name ~* '\\mnounbc' and category_id in (select id from catalog.categories where '${categoryIds.sub(1)}' = any (path))`,
  ],
])('a search for %s finds the newest hundred that a look at every product finds', async (_, filter, naive) => {
  const sql = database.connect('catalog_reader', poolOptions);
  try {
    const { data } = await listProducts(sql, { active: true, ...filter }, { limit: 100 });
    const expected = await sql.unsafe<{ id: string }[]>(
      `select id from catalog.products where active and ${naive} order by id desc limit 100`,
    );
    expect(expected.length).toBeGreaterThan(0);
    expect(data.map(({ id }) => id).sort()).toEqual(expected.map(({ id }) => id).sort());
  } finally {
    await sql.end();
  }
});

test('a page from the middle is read like the first', async () => {
  const middle = `prd_${(50_000).toString(16).padStart(32, '0')}`;
  for (const [filter, last] of [
    [{}, middle],
    [{ sort: 'price' }, `50000-${middle}`],
    [{ sort: '-price' }, `50000-${middle}`],
    [{ category: categoryIds.main(1) }, middle],
  ] as [ProductFilter, string][]) {
    const cursor = encodeCursor(listNameOf({ active: true, ...filter }), last);
    const plans = await plansOf(database, { role: 'catalog_reader', mode: 'custom', options: poolOptions }, (sql) =>
      listProducts(sql, { active: true, ...filter }, { limit: 20, cursor }),
    );
    expect(complaints(plans, big, 1000)).toEqual([]);
  }
});

test('the role plans each list for its values', async () => {
  const sql = database.connect('catalog_reader', { ...poolOptions, max: 1 });
  try {
    expect(await sql`show plan_cache_mode`).toMatchObject([{ planCacheMode: 'force_custom_plan' }]);
  } finally {
    await sql.end();
  }
});
