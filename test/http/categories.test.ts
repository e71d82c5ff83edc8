import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { createCategory, listCategories } from '../../lib/contract/api/categories.ts';
import { type LiveHandlers, openLiveHandlers } from '../support/live-handlers.ts';

let handlers: LiveHandlers;
let token: string;

beforeAll(async () => {
  handlers = await openLiveHandlers({ RATE_LIMIT_PER_MINUTE: '100000' });
  token = await handlers.appKey('catalog:write');
});
afterAll(() => handlers?.close());

const create = (body: object, headers: Record<string, string> = {}) =>
  handlers.call('create-category', { token, body, headers });
const update = (categoryId: string, body: object, headers: Record<string, string> = {}) =>
  handlers.call('update-category', { token, parameters: { categoryId }, body, headers });
const list = (headers: Record<string, string> = {}) => handlers.call('list-categories', { headers });
const slugs = async () => (await list()).body.data.map(({ slug }: { slug: string }) => slug);

test('anybody with a Client-Id sees each change at once, and shared caches may keep the tree', async () => {
  const empty = await list();
  expect(empty).toMatchObject({ status: 200, body: { data: [] }, headers: { 'cache-control': 'public, no-cache' } });
  const tea = await create({ slug: 'tea', name: ' Tea ' });
  expect(tea).toMatchObject({ status: 201, headers: { etag: '"1"' }, body: { name: 'Tea', level: 1, position: 0 } });
  expect(z.parse(createCategory.responses[201], tea.body)).toEqual(tea.body);
  const green = await create({ slug: 'green', name: 'Green tea', parentId: tea.body.id });
  const after = await list({ 'If-None-Match': empty.headers.etag! });
  expect(after).toMatchObject({ status: 200, body: { data: [tea.body, green.body] } });
  expect(z.parse(listCategories.responses[200], after.body)).toEqual(after.body);
  expect((await list({ 'If-None-Match': after.headers.etag! })).status).toBe(304);

  const changed = await update(green.body.id, { parentId: null, position: 0 }, { 'If-Match': '"1"' });
  expect(changed).toMatchObject({ status: 200, headers: { etag: '"2"' }, body: { level: 1, version: 2 } });
  expect(await slugs()).toEqual(['green', 'tea']);
  expect(await update(green.body.id, { position: 9 }, { 'If-Match': '"1"' })).toMatchObject({ status: 412 });
  await update(green.body.id, { position: 9 });
  expect(await slugs()).toEqual(['tea', 'green']);
});

test('repeated with its key, one category is added', async () => {
  const key = { 'Idempotency-Key': 'k-1' };
  const first = await create({ slug: 'coffee', name: 'Coffee' }, key);
  const again = await create({ slug: 'coffee', name: 'Coffee', position: 0 }, key);
  expect([again.status, again.text]).toEqual([201, first.text]);
  expect(again.headers['idempotency-replayed']).toBe('true');
  expect(await create({ slug: 'cocoa', name: 'Cocoa' }, key)).toMatchObject({ status: 422 });
});

test('a product shows its category, and an unknown one is refused', async () => {
  const categoryId = (await create({ slug: 'mugs', name: 'Mugs' })).body.id;
  const product = { sku: 'MUG-1', name: 'Mug', price: { amount: 1, currency: 'EUR' } };
  const refused = await handlers.call('create-product', {
    token,
    body: { ...product, categoryId: `cat_${'0'.repeat(32)}` },
  });
  expect(refused).toMatchObject({
    status: 422,
    body: { code: 'category-unknown', errors: [{ pointer: '/categoryId' }] },
  });
  const made = await handlers.call('create-product', { token, body: { ...product, categoryId } });
  const read = await handlers.call('get-product', { parameters: { productId: made.body.id } });
  expect(read.body).toMatchObject({ categoryId });
});

describe('bad input', () => {
  const body = { slug: 'x', name: 'X' };
  test.each([
    ['a slug in capitals', { ...body, slug: 'Tea' }, '/slug'],
    ['a slug with a dash at its end', { ...body, slug: 'tea-' }, '/slug'],
    ['a long slug', { ...body, slug: 'x'.repeat(65) }, '/slug'],
    ['no slug', { name: 'X' }, '/slug'],
    ['a name of spaces', { ...body, name: ' ' }, '/name'],
    ['a long name', { ...body, name: 'x'.repeat(101) }, '/name'],
    ['a product for a parent', { ...body, parentId: `prd_${'0'.repeat(32)}` }, '/parentId'],
    ['half a position', { ...body, position: 0.5 }, '/position'],
    ['an unknown field', { ...body, level: 1 }, '/level'],
  ])('%s is refused', async (_, given, pointer) => {
    const before = (await list()).text;
    expect(await create(given)).toMatchObject({ status: 400, body: { code: 'invalid-input', errors: [{ pointer }] } });
    expect((await list()).text).toBe(before);
  });

  test('nothing to change, an unknown category and a key without the scope', async () => {
    const [first] = (await list()).body.data;
    expect(await update(first.id, {})).toMatchObject({ status: 400, body: { code: 'invalid-input' } });
    expect(await update(`cat_${'0'.repeat(32)}`, { name: 'X' })).toMatchObject({ status: 404 });
    expect(await update('tea', { name: 'X' })).toMatchObject({ status: 404 });
    const other = await handlers.appKey('catalog:read', 'stock:write');
    expect(await handlers.call('create-category', { token: other, body })).toMatchObject({
      status: 403,
      body: { code: 'forbidden' },
    });
  });
});
