import { describe, expect, test } from 'vitest';
import type { OperationId } from '../../lib/contract/api/operations.ts';
import type { Call } from '../support/handlers.ts';
import { type Case, call, id, movement, otherId, product, raw, refused } from '../support/refusals.ts';

describe('a body that is not an object', () => {
  refused([
    ['an array', 'create-product', () => ({ body: [product] }), 400, 'invalid-input', ''],
    ['text', 'create-product', () => raw('"x"'), 400, 'invalid-input', ''],
    ['a number', 'create-product', () => raw('5'), 400, 'invalid-input', ''],
    ['null', 'create-product', () => raw('null'), 400, 'invalid-input', ''],
    ['an array', 'create-quote', () => ({ body: [] }), 400, 'invalid-input', ''],
    ['an array', 'update-product', () => ({ body: [] }), 400, 'invalid-input', ''],
  ]);
});

describe('a body that is not JSON', () => {
  refused([
    ['cut off', 'create-product', () => raw('{"sku":'), 400, 'invalid-json'],
    ['empty', 'create-product', () => raw(''), 400, 'invalid-json'],
    ['spaces', 'create-product', () => raw('  \n'), 400, 'invalid-json'],
    ['not there', 'create-product', () => ({ headers: { 'Content-Type': 'application/json' } }), 400, 'invalid-json'],
    ['with a trailing comma', 'create-quote', () => raw('{"lines":[],}'), 400, 'invalid-json'],
    ['with something after it', 'create-quote', () => raw('{"lines":[]}x'), 400, 'invalid-json'],
    ['a form', 'create-stock-movement', () => raw('quantity=5&reason=x'), 400, 'invalid-json'],
    ['NaN', 'create-stock-movement', () => raw('{"quantity":NaN,"reason":"x"}'), 400, 'invalid-json'],
    ['nested without end', 'create-product', () => raw('['.repeat(60_000)), 400, 'invalid-json'],
    ['base64 of no JSON', 'create-product', () => ({ ...raw('{"sku"'), base64: true }), 400, 'invalid-json'],
  ]);
});

describe('a body that is nested too deep', () => {
  /** Levels below the body itself. */
  const deep = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
  refused([
    ['10', 'create-product', () => raw(`{"name":${deep(10)}}`), 400, 'invalid-input', '/name'],
    ['31', 'create-product', () => raw(`{"name":${deep(31)}}`), 400, 'invalid-input', '/name'],
    ['32', 'create-product', () => raw(`{"name":${deep(32)}}`), 400, 'invalid-json'],
    ['32, in base64', 'create-product', () => ({ ...raw(`{"name":${deep(32)}}`), base64: true }), 400, 'invalid-json'],
    ['30,000', 'create-product', () => raw(`{"name":${deep(30_000)}}`), 400, 'invalid-json'],
  ]);
});

describe('a body that is too large', () => {
  refused([
    ['text', 'create-product', () => ({ body: { ...product, name: 'x'.repeat(70_000) } }), 413, 'body-too-large'],
    [
      'in bytes, not letters',
      'create-product',
      () => ({ body: { ...product, name: '☕'.repeat(22_000) } }),
      413,
      'body-too-large',
    ],
    ['spaces', 'create-quote', () => raw(' '.repeat(65_537)), 413, 'body-too-large'],
    ['six megabytes', 'create-stock-movement', () => raw('['.repeat(6_000_000)), 413, 'body-too-large'],
    ['base64', 'create-product', () => ({ ...raw(`"${'x'.repeat(66_000)}"`), base64: true }), 413, 'body-too-large'],
    ['where none is taken', 'get-product', () => raw(' '.repeat(70_000)), 413, 'body-too-large'],
  ]);

  test('one of 65,536 bytes is accepted', async () => {
    const body = JSON.stringify({ lines: [] });
    expect((await call('create-quote', raw(body.padEnd(65_536)))).body.code).toBe('invalid-input');
  });
});

describe('a body of another type', () => {
  const typed = (type: string): Call => ({ body: JSON.stringify(product), headers: { 'Content-Type': type } });
  refused([
    ['none', 'create-product', () => ({ body: JSON.stringify(product) }), 415, 'unsupported-media-type'],
    ['text', 'create-product', () => typed('text/plain'), 415, 'unsupported-media-type'],
    ['a form', 'create-product', () => typed('application/x-www-form-urlencoded'), 415, 'unsupported-media-type'],
    ['nearly', 'create-product', () => typed('application/jsonp'), 415, 'unsupported-media-type'],
    ['text', 'create-quote', () => ({ ...typed('text/json') }), 415, 'unsupported-media-type'],
    ['nonsense', 'create-stock-movement', () => typed(';;'), 415, 'unsupported-media-type'],
  ]);

  test.each(['application/json; charset=utf-8', 'APPLICATION/JSON'])('%s is JSON', async (type) => {
    const answer = await call('create-quote', { body: '{"lines":[]}', headers: { 'Content-Type': type } });
    expect(answer.body.code).toBe('invalid-input');
  });
});

describe('an invalid cursor', () => {
  const limits = ['0', '101', '-1', 'abc', '', ' ', '1.5', 'Infinity', '5,5', '٣'];
  refused([
    ...limits.map(
      (limit): Case => [
        `limit=${limit}`,
        'list-products',
        () => ({ query: { limit } }),
        400,
        'invalid-input',
        '?limit',
      ],
    ),
    ['limit=0', 'list-stock-movements', () => ({ query: { limit: '0' } }), 400, 'invalid-input', '?limit'],
    ...(
      [
        [{ q: '' }, '?q'],
        [{ q: 'x'.repeat(1000) }, '?q'],
        [{ q: 'a\u0000b' }, '?q'],
        [{ category: 'tea' }, '?category'],
        [{ brand: ' ' }, '?brand'],
        [{ attribute: 'red' }, '?attribute'],
        [{ 'attribute[]': 'red' }, '?attribute[]'],
        [{ 'attribute[__proto__]': 'red' }, '?attribute[__proto__]'],
        [{ 'attribute[colour': 'red' }, '?attribute[colour'],
        [{ 'attribute[colour]': '' }, '?attribute[colour]'],
        [{ 'sku[a]': 'red' }, '?sku[a]'],
        [Object.fromEntries(Array.from({ length: 11 }, (_, n) => [`attribute[a${n}]`, 'x'])), '?attribute'],
        [{ priceFrom: '-1' }, '?priceFrom'],
        [{ priceTo: '1e3' }, '?priceTo'],
        [{ priceTo: '100000001' }, '?priceTo'],
        [{ priceFrom: '2', priceTo: '1' }, '?priceTo'],
        [{ currency: 'eur' }, '?currency'],
        [{ inStock: 'false' }, '?inStock'],
        [{ sort: 'name' }, '?sort'],
        [{ sort: 'relevance' }, '?sort'],
      ] as [Record<string, string>, string][]
    ).map(
      ([query, pointer]): Case => [
        JSON.stringify(query).slice(0, 60),
        'list-products',
        () => ({ query }),
        400,
        'invalid-input',
        pointer,
      ],
    ),
    ['an empty cursor', 'list-products', () => ({ query: { cursor: '' } }), 400, 'invalid-input', '?cursor'],
    [
      'a cursor too long',
      'list-products',
      () => ({ query: { cursor: 'x'.repeat(501) } }),
      400,
      'invalid-input',
      '?cursor',
    ],
    ['a made-up cursor', 'list-products', () => ({ query: { cursor: 'abc' } }), 400, 'invalid-cursor', '?cursor'],
    ['a made-up cursor', 'list-stock-movements', () => ({ query: { cursor: id } }), 400, 'invalid-cursor', '?cursor'],
  ]);

  test('an altered cursor, one of another list and one of another product', async () => {
    const products = (await call('list-products', { query: { limit: '1' } })).body.nextCursor as string;
    const movements = (await call('list-stock-movements', { query: { limit: '1' } })).body.nextCursor as string;
    const altered = `${products.slice(0, 8)}${products[8] === 'A' ? 'B' : 'A'}${products.slice(9)}`;
    const attempts: [OperationId, Call][] = [
      ['list-products', { query: { cursor: altered } }],
      ['list-products', { query: { cursor: movements } }],
      ['list-stock-movements', { query: { cursor: products } }],
      ['list-stock-movements', { query: { cursor: movements }, parameters: { productId: otherId } }],
    ];
    for (const [operation, options] of attempts) {
      const answer = await call(operation, options);
      expect(answer).toMatchObject({ status: 400, body: { code: 'invalid-cursor', errors: [{ pointer: '?cursor' }] } });
    }
    expect((await call('list-stock-movements', { query: { cursor: movements } })).status).toBe(200);
  });
});

describe('an unknown path', () => {
  const ids = [
    'x',
    'prd_',
    `prd_${'0'.repeat(31)}`,
    `prd_${'A'.repeat(32)}`,
    `cus_${'0'.repeat(32)}`,
    '../customers',
    id,
  ];
  refused(
    ids.flatMap((nobody): Case[] => [
      [nobody, 'get-product', () => ({ parameters: { productId: nobody } }), 404, 'not-found'],
      [nobody, 'update-product', () => ({ parameters: { productId: nobody }, body: { name: 'x' } }), 404, 'not-found'],
      [nobody, 'list-stock-movements', () => ({ parameters: { productId: nobody } }), 404, 'not-found'],
      [
        nobody,
        'create-stock-movement',
        () => ({ parameters: { productId: nobody }, body: movement }),
        404,
        'not-found',
      ],
    ]),
  );
});

describe('an invalid idempotency key', () => {
  refused(
    ['', 'with spaces', 'x'.repeat(256), 'käse', 'a\tb'].map(
      (key): Case => [
        key.slice(0, 20),
        'create-product',
        () => ({ body: product, headers: { 'Idempotency-Key': key } }),
        400,
        'idempotency-key-invalid',
      ],
    ),
  );

  test('one of 255 characters is accepted', async () => {
    const answer = await call('create-stock-movement', {
      body: movement,
      headers: { 'Idempotency-Key': 'x'.repeat(255) },
    });
    expect(answer.status).toBe(201);
  });
});

describe('a body where none is taken', () => {
  refused([['an object', 'get-product', () => ({ body: { a: 1 } }), 400, 'invalid-input', '']]);

  test('an empty one, or an empty object, is accepted', async () => {
    for (const body of ['', '{}', ' { } ']) expect((await call('get-product', raw(body))).status).toBe(200);
  });
});
