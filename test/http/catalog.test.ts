import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { getProduct, listProducts } from '../../lib/contract/api/catalog.ts';
import type { Call } from '../support/handlers.ts';
import { type LiveHandlers, openLiveHandlers } from '../support/live-handlers.ts';

let handlers: LiveHandlers;
let token: string;
let count = 0;

beforeAll(async () => {
  handlers = await openLiveHandlers({ RATE_LIMIT_PER_MINUTE: '100000' });
  token = await handlers.appKey('catalog:write');
});
afterAll(() => handlers?.close());
beforeEach(async () => {
  await handlers.owner`truncate catalog.products cascade`;
});

const product = (more: object = {}) => ({
  sku: `SKU-${++count}`,
  name: 'Mug',
  price: { amount: 1999, currency: 'EUR' },
  ...more,
});
const create = (body: unknown = product(), headers: Record<string, string> = {}) =>
  handlers.call('create-product', { token, body, headers });
const update = (productId: string, body: unknown, headers: Record<string, string> = {}) =>
  handlers.call('update-product', { token, parameters: { productId }, body, headers });
const read = (productId: string, call: Call = {}) =>
  handlers.call('get-product', { parameters: { productId }, ...call });
const list = (query?: Record<string, string>, headers: Record<string, string> = {}) =>
  handlers.call('list-products', { headers, ...(query === undefined ? {} : { query }) });
const countProducts = async () => (await handlers.owner`select count(*)::integer as n from catalog.products`)[0]?.n;

describe('POST /products', () => {
  test('returns 201 with the product, its location and its version', async () => {
    const { status, headers, body } = await create({
      sku: 'A-1',
      name: '  Mug  ',
      price: { amount: 0, currency: 'JPY' },
    });
    expect(status).toBe(201);
    expect(headers).toMatchObject({
      location: `/products/${body.id}`,
      etag: '"1"',
      'content-type': 'application/json',
      'cache-control': 'no-store',
    });
    expect(body).toMatchObject({ sku: 'A-1', name: 'Mug', description: null, active: true, version: 1 });
    expect(z.parse(getProduct.responses[200], body)).toEqual(body);
    expect((await read(body.id)).body).toEqual(body);
  });

  test('with a SKU that is taken returns 409 and adds nothing', async () => {
    await create(product({ sku: 'A-1' }));
    const again = await create(product({ sku: 'A-1' }));
    expect(again).toMatchObject({ status: 409, body: { code: 'sku-taken', errors: [{ pointer: '/sku' }] } });
    expect(await countProducts()).toBe(1);
  });

  test('repeated with its key returns the same bytes, also with its members in another order, and adds nothing', async () => {
    const { sku, name, price } = product();
    const key = { 'Idempotency-Key': 'k-1' };
    const first = await create({ sku, name, price }, key);
    const again = await create(
      { price: { currency: price.currency, amount: price.amount }, name, sku, active: true },
      key,
    );
    expect([again.status, again.text]).toEqual([201, first.text]);
    expect(again.headers).toMatchObject({
      'idempotency-replayed': 'true',
      location: first.headers.location,
      etag: first.headers.etag,
    });
    expect(first.headers['idempotency-replayed']).toBeUndefined();
    expect(await countProducts()).toBe(1);
  });

  test('with the key of another request returns 422', async () => {
    const key = { 'Idempotency-Key': 'k-2' };
    await create(product(), key);
    expect(await create(product(), key)).toMatchObject({ status: 422, body: { code: 'idempotency-key-reused' } });
    expect(await countProducts()).toBe(1);
  });

  test('a refusal is not stored: the same request succeeds once the reason is gone', async () => {
    const key = { 'Idempotency-Key': 'k-3' };
    const taken = (await create(product({ sku: 'A-1' }))).body;
    const wanted = product({ sku: 'A-1' });
    expect((await create(wanted, key)).status).toBe(409);
    await update(taken.id, { sku: 'A-2' });
    expect((await create(wanted, key)).status).toBe(201);
  });

  test('two at once with one key add one product', async () => {
    const body = product();
    const answers = await Promise.all([1, 2, 3, 4].map(() => create(body, { 'Idempotency-Key': 'k-4' })));
    expect(await countProducts()).toBe(1);
    for (const answer of answers) {
      if (answer.status === 409) {
        expect(answer).toMatchObject({ body: { code: 'request-in-flight' }, headers: { 'retry-after': '1' } });
      } else expect(answer.status).toBe(201);
    }
  });

  test.each([
    ['no credentials', undefined, 401, 'unauthenticated'],
    ['a made-up key', `cfk_${'A'.repeat(64)}`, 401, 'unauthenticated'],
    ['not even a token', 'x y', 401, 'unauthenticated'],
  ])('with %s is refused', async (_, credentials, status, code) => {
    const answer = await handlers.call('create-product', {
      body: product(),
      ...(credentials === undefined ? {} : { token: credentials }),
    });
    expect(answer).toMatchObject({ status, body: { code }, headers: { 'www-authenticate': 'Bearer' } });
    expect(await countProducts()).toBe(0);
  });

  test('with a key that lacks the scope is refused, naming the scope', async () => {
    const other = await handlers.appKey('stock:write', 'customers:write');
    const answer = await handlers.call('create-product', { token: other, body: product() });
    expect(answer).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    expect(answer.body.detail).toContain('catalog:write');
    expect(await countProducts()).toBe(0);
  });
});

describe('what a product costs the shop', () => {
  test('is for applications with a key and catalog:write or reports:read', async () => {
    const costPrice = { amount: 700, currency: 'EUR' };
    const { body } = await create(product({ costPrice, brand: 'Kettle & Co', weight: 850 }));
    expect(body).toMatchObject({ costPrice, brand: 'Kettle & Co', weight: 850 });
    const reports = await handlers.appKey('catalog:read', 'reports:read');
    const others = await handlers.appKey('catalog:read', 'stock:read');
    const seen = async (call: Call) => [
      (await read(body.id, call)).body,
      (await handlers.call('list-products', call)).body.data[0],
    ];
    const keeper = await handlers.appKey('catalog:read', 'catalog:write');
    const availability = 'out_of_stock';
    const { variants, ...listed } = body;
    for (const key of [keeper, reports]) {
      expect(await seen({ token: key })).toEqual([body, { ...listed, availability }]);
    }
    const { costPrice: _, ...rest } = listed;
    const { costPrice: ofVariant, ...variant } = variants[0];
    expect(ofVariant).toEqual(costPrice);
    // Again, when the others could have left it in the cache.
    for (const call of [{}, { token: others }, {}]) {
      expect(await seen(call)).toEqual([
        { ...rest, variants: [variant] },
        { ...rest, availability },
      ]);
    }
    expect((await update(body.id, { costPrice: null })).body).toEqual({
      ...rest,
      version: 2,
      updatedAt: expect.any(String),
      variants: [{ ...variant, version: 2 }],
    });
  });

  test('who reads reports sees what is on sale alone', async () => {
    const reports = await handlers.appKey('catalog:read', 'reports:read');
    const { body } = await create(product({ active: false }));
    expect((await read(body.id, { token: reports })).status).toBe(404);
    expect((await handlers.call('list-products', { token: reports })).body.data).toEqual([]);
    const offSale = { token: reports, query: { active: 'false' } };
    expect(await handlers.call('list-products', offSale)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
  });
});

describe('GET /products/{productId}', () => {
  test('is cached by its version, by anybody who asks each time', async () => {
    const { body } = await create();
    const first = await read(body.id);
    expect(first).toMatchObject({ status: 200, headers: { etag: '"1"', 'cache-control': 'public, no-cache' } });
    const again = await read(body.id, { headers: { 'If-None-Match': first.headers.etag! } });
    expect([again.status, again.text, again.headers.etag]).toEqual([304, '', '"1"']);
    await update(body.id, { name: 'New' });
    const changed = await read(body.id, { headers: { 'If-None-Match': first.headers.etag! } });
    expect(changed).toMatchObject({ status: 200, headers: { etag: '"2"' }, body: { name: 'New' } });
  });

  test('knows weak tags, several of them, and the asterisk', async () => {
    const { body } = await create();
    for (const tags of ['W/"1"', '"7", "1"', '*']) {
      expect((await read(body.id, { headers: { 'If-None-Match': tags } })).status).toBe(304);
    }
    expect((await read(body.id, { headers: { 'If-None-Match': '"7"' } })).status).toBe(200);
  });

  test('off sale, unknown and malformed ids are the same 404', async () => {
    const { body } = await create(product({ active: false }));
    for (const id of [body.id, `prd_${'0'.repeat(32)}`, 'x', `ord_${'0'.repeat(32)}`, "prd_' or 1=1"]) {
      expect(await read(id)).toMatchObject({ status: 404, body: { code: 'not-found' } });
    }
  });
});

describe('GET /products', () => {
  test('pages from the newest to the oldest', async () => {
    for (const sku of ['A-1', 'A-2', 'A-3']) await create(product({ sku }));
    const first = await list({ limit: '2' });
    expect(first.status).toBe(200);
    expect(z.parse(listProducts.responses[200], first.body)).toEqual(first.body);
    expect(first.body.data.map(({ sku }: { sku: string }) => sku)).toEqual(['A-3', 'A-2']);
    const second = await list({ limit: '2', cursor: first.body.nextCursor });
    expect(second.body).toMatchObject({ data: [{ sku: 'A-1' }], hasMore: false, nextCursor: null });
  });

  test('returns 20 by default', async () => {
    for (let n = 0; n < 21; n++) await create();
    const { body } = await list();
    expect([body.data.length, body.hasMore]).toEqual([20, true]);
    expect((await list({ limit: '100' })).body.data).toHaveLength(21);
  });

  test('takes attributes as parameters of their own, and binds the cursor to all that was asked for', async () => {
    const attributes = { colour: 'blue', litres: 1.2 };
    for (const name of ['Blue teapot', 'Small teapot']) await create(product({ name, attributes }));
    await create(product({ name: 'Teapot', attributes: { colour: 'red', litres: 1.2 } }));
    const query = { q: 'teapot', 'attribute[colour]': 'blue', 'attribute[litres]': '1.2', limit: '1' };
    const first = await list(query);
    expect(first).toMatchObject({ status: 200, body: { data: [{ availability: 'out_of_stock' }], hasMore: true } });
    const cursor = first.body.nextCursor;
    expect((await list({ ...query, cursor })).body.data).toHaveLength(1);
    const { q: _, ...others } = query;
    for (const other of [others, { ...query, q: 'teapots' }, { ...query, 'attribute[litres]': '1.20' }]) {
      expect(await list({ ...other, cursor })).toMatchObject({ status: 400, body: { code: 'invalid-cursor' } });
    }
  });

  test('of a category follows its products and its tree at once, though it is cached', async () => {
    const newCategory = async (body: object) =>
      (await handlers.call('create-category', { token, body: { name: 'C', ...body } })).body.id;
    const above = await newCategory({ slug: 'above' });
    const below = await newCategory({ slug: 'below' });
    const { body } = await create(product({ categoryId: below }));
    const found = async () => (await list({ category: above })).body.data.map(({ id }: { id: string }) => id);
    expect(await found()).toEqual([]);
    const parameters = { categoryId: below };
    await handlers.call('update-category', { token, parameters, body: { parentId: above } });
    expect(await found()).toEqual([body.id]);
    await update(body.id, { categoryId: null });
    expect(await found()).toEqual([]);
  });

  test('its ETag changes only when its content changes', async () => {
    const { body } = await create();
    const { headers } = await list();
    const tag = { 'If-None-Match': headers.etag! };
    expect((await list(undefined, tag)).status).toBe(304);
    await create(product({ active: false }));
    expect((await list(undefined, tag)).status).toBe(304);
    await update(body.id, { price: { amount: 1, currency: 'EUR' } });
    expect((await list(undefined, tag)).status).toBe(200);
  });
});

describe('PATCH /products/{productId}', () => {
  test('for the current version changes the given fields; the new ETag is valid for the next change', async () => {
    const { body } = await create();
    const { headers } = await read(body.id);
    const first = await update(body.id, { name: 'One' }, { 'If-Match': headers.etag! });
    expect(first).toMatchObject({
      status: 200,
      body: { name: 'One', sku: body.sku, version: 2 },
      headers: { etag: '"2"' },
    });
    const second = await update(body.id, { active: false }, { 'If-Match': first.headers.etag! });
    expect(second).toMatchObject({ status: 200, body: { name: 'One', active: false, version: 3 } });
  });

  test.each(['"7"', 'W/"1"', '1', 'x', '"7", "8"'])('for If-Match %s answers 412 and changes nothing', async (tag) => {
    const { body } = await create();
    const answer = await update(body.id, { name: 'One' }, { 'If-Match': tag });
    expect(answer).toMatchObject({ status: 412, body: { code: 'version-stale' } });
    expect((await read(body.id)).body).toEqual(body);
  });

  test('for every version when If-Match is an asterisk', async () => {
    const { body } = await create();
    await update(body.id, { name: 'One' });
    expect((await update(body.id, { name: 'Two' }, { 'If-Match': '*' })).status).toBe(200);
  });

  test('an unknown one is 404, whatever the version', async () => {
    const id = `prd_${'0'.repeat(32)}`;
    for (const headers of [{}, { 'If-Match': '"1"' }]) {
      expect(await update(id, { name: 'x' }, headers)).toMatchObject({ status: 404, body: { code: 'not-found' } });
    }
  });

  test("another one's SKU is 409", async () => {
    const [one, other] = [(await create()).body, (await create()).body];
    expect(await update(one.id, { sku: other.sku })).toMatchObject({ status: 409, body: { code: 'sku-taken' } });
    expect((await read(one.id)).body).toEqual(one);
  });
});
