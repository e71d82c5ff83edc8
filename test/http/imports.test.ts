import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { run as runJob } from '../../functions/jobs/run-imports.ts';
import { importProducts, maxImportBytes } from '../../lib/contract/api/imports.ts';
import { stopwatch, systemClock } from '../../lib/kernel/clock.ts';
import { cachePointers } from '../../lib/platform/cache.ts';
import { sqlAs } from '../../lib/platform/sql.ts';
import { type LiveHandlers, openLiveHandlers } from '../support/live-handlers.ts';

let handlers: LiveHandlers;
let token: string;
let count = 0;

beforeAll(async () => {
  handlers = await openLiveHandlers({ RATE_LIMIT_PER_MINUTE: '100000' });
  token = await handlers.appKey('catalog:write', 'stock:write');
});
afterAll(() => handlers?.close());
beforeEach(async () => {
  await handlers.owner`truncate catalog.products, catalog.imports cascade`;
});

const csv = 'sku,name,price.amount,price.currency\nMUG,Mug,1250,EUR\nPLATE,Plate,900,EUR\n';
const send = (body: unknown = csv, headers: Record<string, string> = {}, call: object = {}) =>
  handlers.call('import-products', {
    token,
    body,
    headers: { 'content-type': 'text/csv; charset=utf-8', 'idempotency-key': `import-${++count}`, ...headers },
    ...call,
  });
const read = (importId: string, key = token) => handlers.call('get-import', { token: key, parameters: { importId } });
const work = () =>
  runJob({
    sql: () => sqlAs('catalog_api'),
    clock: systemClock,
    stopwatch,
    pointers: cachePointers(),
    limitMs: 60_000,
  });

describe('POST /products/import', () => {
  test('keeps the file, and the job applies it', async () => {
    const { status, headers, body } = await send();
    expect(status).toBe(202);
    expect(headers.location).toBe(`/imports/${body.id}`);
    expect(body).toMatchObject({ kind: 'products', status: 'pending', rows: { total: null, applied: 0, failed: 0 } });
    expect(z.parse(importProducts.responses[202], body)).toEqual(body);
    expect(await work()).toMatchObject({ imports: 1, applied: 2, failed: 0 });
    expect((await read(body.id)).body).toMatchObject({
      status: 'completed',
      rows: { total: 2, applied: 2, failed: 0 },
    });
    const { body: products } = await handlers.call('list-products', { query: { sku: 'MUG' } });
    expect(products.data).toMatchObject([{ name: 'Mug', price: { amount: 1250, currency: 'EUR' } }]);
  });

  test('as NDJSON in base64, as API Gateway sends what it does not know as text', async () => {
    const line = '{"sku":"MUG","name":"Täßchen","price":{"amount":1,"currency":"EUR"}}';
    const { status } = await send(line, { 'content-type': 'application/x-ndjson' }, { base64: true });
    expect(status).toBe(202);
    expect(await work()).toMatchObject({ applied: 1 });
    expect(await handlers.owner`select name from catalog.products`).toEqual([{ name: 'Täßchen' }]);
  });

  test('repeated with its key is one import, and with another file refused', async () => {
    const key = { 'idempotency-key': 'once' };
    const first = await send(csv, key);
    const again = await send(csv, key);
    expect([again.status, again.text, again.headers['idempotency-replayed']]).toEqual([202, first.text, 'true']);
    expect(await send(`${csv}CUP,Cup,1,EUR\n`, key)).toMatchObject({
      status: 422,
      body: { code: 'idempotency-key-reused' },
    });
    expect(await handlers.owner`select count(*)::integer as n from catalog.imports`).toEqual([{ n: 1 }]);
  });

  test.each([
    ['as JSON', '[]', { 'content-type': 'application/json' }, 415, 'unsupported-media-type'],
    ['without a media type', csv, { 'content-type': '' }, 415, 'unsupported-media-type'],
    ['compressed', csv, { 'content-encoding': 'gzip' }, 415, 'unsupported-media-type'],
    ['of more than 4 MiB', 'x'.repeat(maxImportBytes + 1), {}, 413, 'body-too-large'],
    ['that is not UTF-8', Buffer.from([0x73, 0xff]), {}, 400, 'invalid-json'],
    ['with a NUL', 'sku\n\0', {}, 400, 'invalid-input'],
    ['without a key', csv, { 'idempotency-key': '' }, 400, 'idempotency-key-missing'],
  ])('%s is refused, and nothing is kept', async (_, body, headers, status, code) => {
    expect(await send(body, headers as Record<string, string>)).toMatchObject({ status, body: { code } });
    expect(await handlers.owner`select from catalog.imports`).toHaveLength(0);
  });

  test('needs the scope of what it changes', async () => {
    const stock = await handlers.appKey('stock:write');
    expect(await send(csv, {}, { token: stock })).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    const movement = {
      token: stock,
      body: 'sku,quantity,reason\nMUG,1,x',
      headers: { 'content-type': 'text/csv', 'idempotency-key': 'k' },
    };
    const { status, body } = await handlers.call('import-stock-movements', movement);
    expect(status).toBe(202);
    expect(await read(body.id)).toMatchObject({ status: 404, body: { code: 'not-found' } });
    await work();
    expect((await read(body.id, stock)).body).toMatchObject({
      status: 'rejected',
      errors: [{ row: 1, code: 'not-found', pointer: '/sku' }],
    });
  });
});
