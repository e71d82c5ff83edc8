import type { Sql } from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { inTransaction } from '../../lib/database/transaction.sql.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { insertCategory, listCategories, updateCategory } from '../../lib/shop/catalog/categories.sql.ts';
import { insertProduct, updateProduct } from '../../lib/shop/catalog/change.sql.ts';
import { poolOptions } from '../support/handlers.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';

let database: TestDatabase;
let sql: Sql;
let owner: Sql;
let time = Date.parse('2026-01-01T00:00:00Z');
const clock = { now: () => time };
const unknown = newId('category', clock);

beforeAll(async () => {
  database = await createDatabase();
  sql = database.connect('catalog_api', { ...poolOptions, max: 10 });
  owner = database.connect('migrator', poolOptions);
});
afterAll(async () => {
  await Promise.all([sql?.end(), owner?.end()]);
  await database?.drop();
});
beforeEach(async () => {
  await owner`truncate catalog.categories cascade`;
});

const add = (slug: string, parentId: string | null = null, position = 0) => {
  time += 1000;
  return inTransaction(sql, (tx) => insertCategory(tx, { slug, name: slug, parentId, position }, clock));
};
/** A chain of categories, each below the one before; their ids. */
async function chain(...slugs: string[]): Promise<string[]> {
  const ids: string[] = [];
  for (const slug of slugs) ids.push((await add(slug, ids.at(-1) ?? null)).id);
  return ids;
}
const move = (id: string, parentId: string | null) => updateCategory(sql, id, { parentId }, {}, clock);
const shown = async () => (await listCategories(sql)).map(({ slug, level }) => `${level} ${slug}`);
/** Rows whose path is not that of the parent and the row itself. */
const strays = async () =>
  (
    await owner`
      select c.slug from catalog.categories c left join catalog.categories p on p.id = c.parent_id
      where c.path is distinct from coalesce(p.path, '{}') || c.id::text`
  ).map(({ slug }) => slug);

test('the answer is what is listed afterwards', async () => {
  const added = await add('tea');
  const now = new Date(time).toISOString();
  const { id } = added;
  expect(added).toEqual({
    id,
    parentId: null,
    slug: 'tea',
    name: 'tea',
    position: 0,
    level: 1,
    createdAt: now,
    updatedAt: now,
    version: 1,
  });
  expect(await listCategories(sql)).toEqual([added]);
  time += 1000;
  const changes = { name: 'Tea', slug: 'teas', position: 7 };
  const changed = await updateCategory(sql, id, changes, { oneOf: [1] }, clock);
  expect(changed).toEqual({ ...added, ...changes, version: 2, updatedAt: new Date(time).toISOString() });
  await expect(updateCategory(sql, id, { name: 'x' }, { oneOf: [1] }, clock)).rejects.toMatchObject({
    code: 'version-stale',
  });
  await expect(updateCategory(sql, unknown, { name: 'x' }, {}, clock)).rejects.toMatchObject({ code: 'not-found' });
  expect(await listCategories(sql)).toEqual([changed]);
});

describe('a slug', () => {
  test('is taken once among siblings, at the top too, and free elsewhere', async () => {
    const [a, b] = [await add('a'), await add('b')];
    await expect(add('a')).rejects.toMatchObject({ code: 'slug-taken', errors: [{ pointer: '/slug' }] });
    await expect(updateCategory(sql, b.id, { slug: 'a' }, {}, clock)).rejects.toMatchObject({ code: 'slug-taken' });
    const below = await add('a', a.id);
    await expect(move(below.id, null)).rejects.toMatchObject({ code: 'slug-taken' });
    expect(await shown()).toEqual(['1 a', '2 a', '1 b']);
  });

  test('of ten concurrent requests with one slug, one adds a category', async () => {
    const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => add('a')));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await shown()).toEqual(['1 a']);
  });
});

describe('moving a category', () => {
  test('takes all below it along', async () => {
    const [, , c] = (await chain('a', 'b', 'c', 'd')) as [string, string, string, string];
    const x = (await add('x')).id;
    expect(await move(c, x)).toMatchObject({ parentId: x, level: 2, version: 2 });
    expect(await shown()).toEqual(['1 a', '2 b', '1 x', '2 c', '3 d']);
    await move(c, null);
    expect(await shown()).toEqual(['1 a', '2 b', '1 c', '2 d', '1 x']);
    expect(await strays()).toEqual([]);
  });

  test('below itself, too deep or nowhere is refused, and nothing changes', async () => {
    const [a, b, , , e] = (await chain('a', 'b', 'c', 'd', 'e')) as [string, string, string, string, string];
    const x = await add('x');
    const before = await listCategories(sql);
    for (const [id, parentId, code] of [
      [a, a, 'category-cycle'],
      [a, b, 'category-cycle'],
      [a, e, 'category-cycle'],
      [x.id, e, 'category-too-deep'],
      [a, x.id, 'category-too-deep'],
      [x.id, unknown, 'category-unknown'],
    ] as const) {
      await expect(move(id, parentId)).rejects.toMatchObject({ code, errors: [{ pointer: '/parentId' }] });
    }
    await expect(add('f', e)).rejects.toMatchObject({ code: 'category-too-deep' });
    await expect(add('f', unknown)).rejects.toMatchObject({ code: 'category-unknown' });
    expect(await listCategories(sql)).toEqual(before);
  });

  test('of two moves that would make a circle together, one is refused', async () => {
    for (let round = 0; round < 10; round++) {
      const [a, b] = [await add(`a${round}`), await add(`b${round}`)];
      const outcomes = await Promise.allSettled([move(a.id, b.id), move(b.id, a.id)]);
      expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      const refused = outcomes.find(({ status }) => status === 'rejected') as PromiseRejectedResult;
      expect(refused.reason).toMatchObject({ code: 'category-cycle' });
    }
    expect(await listCategories(sql)).toHaveLength(20);
  });

  test('of two moves that are too deep together, one is refused', async () => {
    for (let round = 0; round < 10; round++) {
      const [, , c] = await chain(`a${round}`, `b${round}`, `c${round}`);
      const [x] = await chain(`x${round}`, `y${round}`, `z${round}`);
      const [m, n] = await chain(`m${round}`, `n${round}`);
      // m and n under c are five levels; x, y and z under n would be eight.
      const outcomes = await Promise.allSettled([move(m!, c!), move(x!, n!)]);
      expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    }
    expect(await strays()).toEqual([]);
  });
});

test('the database refuses a path that does not lead to the row, and a sixth level', async () => {
  const [, , , , e] = await chain('a', 'b', 'c', 'd', 'e');
  for (const path of [
    sql`path || path`,
    sql`array[id::text]`,
    sql`array['x', id::text]`,
    sql`array['x', 'x'] || path`,
  ]) {
    await expect(owner`update catalog.categories set path = ${path} where id = ${e!}`).rejects.toMatchObject({
      code: '23514',
    });
  }
});

test('a thousand categories are enough', async () => {
  await owner`
    insert into catalog.categories (id, path, slug, name, created_at, updated_at)
    select id, array[id], 'c' || n, 'C', now(), now()
    from generate_series(1, 999) n, lateral (select 'cat_' || lpad(to_hex(n), 32, '0')) i (id)`;
  const outcomes = await Promise.allSettled([add('a'), add('b')]);
  expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  await expect(add('c')).rejects.toMatchObject({ code: 'too-many-categories' });
});

test('a product is in a category that exists', async () => {
  const category = await add('tea');
  const body = { sku: 'A-1', name: 'A', price: { amount: 1, currency: 'EUR' }, active: true };
  const refusal = { code: 'category-unknown', status: 422, errors: [{ pointer: '/categoryId' }] };
  await expect(insertProduct(sql, { ...body, categoryId: unknown }, clock)).rejects.toMatchObject(refusal);
  const product = await insertProduct(sql, { ...body, categoryId: category.id }, clock);
  expect(product.categoryId).toBe(category.id);
  await expect(updateProduct(sql, product.id, { categoryId: unknown }, {}, clock)).rejects.toMatchObject(refusal);
  expect(await updateProduct(sql, product.id, { categoryId: null }, {}, clock)).toMatchObject({
    categoryId: null,
    version: 2,
  });
});
