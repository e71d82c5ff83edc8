import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { OperationId } from '../../lib/contract/operations.ts';
import type { Call } from '../support/doors.ts';
import { type LiveDoors, openLiveDoors } from '../support/live-doors.ts';

let doors: LiveDoors;
let keys: { catalog: string; stock: string };
let productId: string;
let otherId: string;

beforeAll(async () => {
  doors = await openLiveDoors({ RATE_LIMIT_PER_MINUTE: '100000' });
  keys = { catalog: await doors.appKey('catalog:write'), stock: await doors.appKey('stock:write') };
  productId = await addProduct('A-1');
  otherId = await addProduct('A-2');
  for (const quantity of [1, 2, 3]) await call('create-stock-movement', { body: { quantity, reason: 'x' } });
});
afterAll(() => doors?.close());

const addProduct = async (sku: string): Promise<string> =>
  (await call('create-product', { body: { ...product, sku } })).body.id;

const product = { sku: 'NEW', name: 'Mug', price: { amount: 1999, currency: 'EUR' } };
const movement = { quantity: 5, reason: 'delivery' };

/** Whoever may call an operation, and a product in its path. */
function call(operation: OperationId, options: Call = {}) {
  const token = /stock/.test(operation) ? keys.stock : /create-product|update-product/.test(operation) && keys.catalog;
  return doors.call(operation, { ...(token ? { token } : {}), parameters: { productId }, ...options });
}

/** Everything that a request could have left behind. */
const everything = () => doors.owner`
  select
    (select jsonb_agg(p order by id) from catalog.products p) as products,
    (select jsonb_agg(l order by product_id) from stock.levels l) as levels,
    (select count(*) from stock.movements) as movements,
    (select count(*) from catalog.idempotency_keys) as keys,
    (select count(*) from customers.customers) as customers`;

type Case = [title: string, operation: OperationId, call: () => Call, status: number, code: string, pointer?: string];

/** Each must be refused with this problem, point there, and change nothing. */
function refused(cases: Case[]) {
  test.each(cases)('%s (%s)', async (_, operation, options, status, code, pointer) => {
    const before = await everything();
    const answer = await call(operation, { headers: { 'Idempotency-Key': 'validation' }, ...options() });
    expect(answer).toMatchObject({
      status,
      headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store' },
      body: {
        status,
        code,
        type: expect.stringContaining(code),
        title: expect.any(String),
        requestId: expect.any(String),
      },
    });
    expect(answer.body.detail).toMatch(/^[^\n]{1,300}[.]$/);
    const pointers = answer.body.errors?.map((error: { pointer: string }) => error.pointer);
    expect(pointers).toEqual(pointer === undefined ? undefined : expect.arrayContaining([pointer]));
    expect(await everything()).toEqual(before);
  });
}

/** A body of `create-product` with something else in it. */
const creating = (title: string, more: object, pointer: string): Case => [
  title,
  'create-product',
  () => ({ body: { ...product, ...more } }),
  400,
  'invalid-input',
  pointer,
];
const moving = (title: string, more: object, pointer: string): Case => [
  title,
  'create-stock-movement',
  () => ({ body: { ...movement, ...more } }),
  400,
  'invalid-input',
  pointer,
];
const quoting = (title: string, lines: unknown, pointer: string): Case => [
  title,
  'create-quote',
  () => ({ body: { lines } }),
  400,
  'invalid-input',
  pointer,
];
const id = `prd_${'0'.repeat(32)}`;

describe('a value of the wrong type', () => {
  refused([
    creating('a number for text', { name: 5 }, '/name'),
    creating('null for text', { name: null }, '/name'),
    creating('text for a number', { price: { amount: '1999', currency: 'EUR' } }, '/price/amount'),
    creating('text for an object', { price: '19.99 EUR' }, '/price'),
    creating('an array for an object', { price: [1999, 'EUR'] }, '/price'),
    creating('text for true or false', { active: 'true' }, '/active'),
    creating('a number for true or false', { active: 1 }, '/active'),
    moving('an array for a number', { quantity: [5] }, '/quantity'),
    moving('true for a number', { quantity: true }, '/quantity'),
    quoting('an object for an array', { 0: { productId: id, quantity: 1 } }, '/lines'),
    quoting('text for a line', ['x'], '/lines/0'),
    quoting('null for a line', [{ productId: id, quantity: 1 }, null], '/lines/1'),
  ]);
});

describe('a value that is missing', () => {
  refused([
    creating('the name', { name: undefined }, '/name'),
    creating('the amount', { price: { currency: 'EUR' } }, '/price/amount'),
    moving('the reason', { reason: undefined }, '/reason'),
    quoting('the quantity', [{ productId: id }], '/lines/0/quantity'),
    ['everything', 'create-product', () => ({ body: {} }), 400, 'invalid-input', '/sku'],
    ['anything to change', 'update-product', () => ({ body: {} }), 400, 'invalid-input', ''],
  ]);
});

describe('a value out of its range', () => {
  refused([
    creating('a fraction of a cent', { price: { amount: 19.99, currency: 'EUR' } }, '/price/amount'),
    creating('a negative price', { price: { amount: -1, currency: 'EUR' } }, '/price/amount'),
    creating('a price above the most', { price: { amount: 100_000_001, currency: 'EUR' } }, '/price/amount'),
    creating('a price beyond safe integers', { price: { amount: 2 ** 60, currency: 'EUR' } }, '/price/amount'),
    creating('a currency in small letters', { price: { amount: 1, currency: 'eur' } }, '/price/currency'),
    creating('a currency that there is not', { price: { amount: 1, currency: 'ZZZ' } }, '/price/currency'),
    creating('an empty name', { name: '' }, '/name'),
    creating('a name of spaces', { name: '   ' }, '/name'),
    creating('a name that is too long', { name: 'x'.repeat(201) }, '/name'),
    creating('a description that is too long', { description: 'x'.repeat(5001) }, '/description'),
    creating('an SKU that is too long', { sku: 'x'.repeat(65) }, '/sku'),
    creating('an SKU with a space', { sku: 'A 1' }, '/sku'),
    creating('an SKU with a line break after it', { sku: 'A-1\n' }, '/sku'),
    moving('a movement of nothing', { quantity: 0 }, '/quantity'),
    moving('a movement of minus nothing', { quantity: -0 }, '/quantity'),
    moving('half a unit', { quantity: 0.5 }, '/quantity'),
    moving('too many units', { quantity: 1_000_001 }, '/quantity'),
    moving('too many units out', { quantity: -1_000_001 }, '/quantity'),
    quoting('no lines', [], '/lines'),
    quoting(
      'too many lines',
      Array.from({ length: 51 }, () => ({ productId: id, quantity: 1 })),
      '/lines',
    ),
    quoting('no units', [{ productId: id, quantity: 0 }], '/lines/0/quantity'),
    quoting('too many units', [{ productId: id, quantity: 1000 }], '/lines/0/quantity'),
    quoting("another thing's id", [{ productId: `ord_${'0'.repeat(32)}`, quantity: 1 }], '/lines/0/productId'),
    quoting('an id with something after it', [{ productId: `${id}\n`, quantity: 1 }], '/lines/0/productId'),
    [
      'a number too large for any computer',
      'create-stock-movement',
      () => ({ body: '{"quantity":1e999,"reason":"x"}', headers: json }),
      400,
      'invalid-input',
      '/quantity',
    ],
  ]);
});

describe('text that no one writes', () => {
  refused([
    creating('a NUL', { name: 'a\u0000b' }, '/name'),
    creating('an escape character', { name: 'a\u001bb' }, '/name'),
    creating('a line break in a name', { name: 'a\nb' }, '/name'),
    creating('a control character in prose', { description: 'a\u0007b' }, '/description'),
    creating('half of a surrogate pair', { name: 'a\ud800' }, '/name'),
    creating('the other half', { description: '\udc00a' }, '/description'),
    moving('a NUL', { reason: '\u0000' }, '/reason'),
    moving('half of a surrogate pair', { reason: 'x\udfff' }, '/reason'),
  ]);
});

describe('a member that is not known', () => {
  refused([
    creating('at the top', { colour: 'red' }, '/colour'),
    creating('within', { price: { amount: 1, currency: 'EUR', vat: 19 } }, '/price/vat'),
    creating('with a name that a pointer must escape', { 'a/b~c': 1 }, '/a~1b~0c'),
    creating('that only the server sets', { id }, '/id'),
    creating('constructor', { constructor: {} }, '/constructor'),
    creating('toString', { toString: 1 }, '/toString'),
    quoting('in a line', [{ productId: id, quantity: 1, unitPrice: 1 }], '/lines/0/unitPrice'),
    ['in a query', 'list-products', () => ({ query: { colour: 'red' } }), 400, 'invalid-input', '?colour'],
    ['__proto__ in a query', 'list-products', () => ({ query: protoIn('x') }), 400, 'invalid-input', '?__proto__'],
  ]);

  refused([
    ['__proto__', 'create-product', () => raw('{"__proto__":{"active":false}}'), 400, 'invalid-json'],
    ['__proto__ within', 'create-product', () => raw('{"price":{"__proto__":1}}'), 400, 'invalid-json'],
    ['constructor.prototype', 'create-product', () => raw('{"constructor":{"prototype":1}}'), 400, 'invalid-json'],
  ]);

  test('nothing of it got into the prototype of objects', () => {
    expect(Object.keys(Object.prototype)).toEqual([]);
    expect(({} as { active?: unknown }).active).toBeUndefined();
  });
});

const json = { 'Content-Type': 'application/json' };
const raw = (body: string): Call => ({ body, headers: json });
const protoIn = (value: string): Record<string, string> => JSON.parse(`{"__proto__":${JSON.stringify(value)}}`);

describe('a body that is no object', () => {
  refused([
    ['an array', 'create-product', () => ({ body: [product] }), 400, 'invalid-input', ''],
    ['text', 'create-product', () => raw('"x"'), 400, 'invalid-input', ''],
    ['a number', 'create-product', () => raw('5'), 400, 'invalid-input', ''],
    ['null', 'create-product', () => raw('null'), 400, 'invalid-input', ''],
    ['an array', 'create-quote', () => ({ body: [] }), 400, 'invalid-input', ''],
    ['an array', 'update-product', () => ({ body: [] }), 400, 'invalid-input', ''],
  ]);
});

describe('a body that is no JSON', () => {
  refused([
    ['cut off', 'create-product', () => raw('{"sku":'), 400, 'invalid-json'],
    ['empty', 'create-product', () => raw(''), 400, 'invalid-json'],
    ['spaces', 'create-product', () => raw('  \n'), 400, 'invalid-json'],
    ['not there', 'create-product', () => ({ headers: json }), 400, 'invalid-json'],
    ['with a trailing comma', 'create-quote', () => raw('{"lines":[],}'), 400, 'invalid-json'],
    ['with something after it', 'create-quote', () => raw('{"lines":[]}x'), 400, 'invalid-json'],
    ['a form', 'create-stock-movement', () => raw('quantity=5&reason=x'), 400, 'invalid-json'],
    ['NaN', 'create-stock-movement', () => raw('{"quantity":NaN,"reason":"x"}'), 400, 'invalid-json'],
    ['nested without end', 'create-product', () => raw('['.repeat(60_000)), 400, 'invalid-json'],
    ['base64 of no JSON', 'create-product', () => ({ ...raw('{"sku"'), base64: true }), 400, 'invalid-json'],
  ]);
});

describe('a body that is nested deep', () => {
  const deep = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
  refused([
    ['10', 'create-product', () => raw(`{"name":${deep(10)}}`), 400, 'invalid-input', '/name'],
    ['1,000', 'create-product', () => raw(`{"name":${deep(1000)}}`), 400, 'invalid-input', '/name'],
  ]);

  test('30,000 levels get an answer of the same kind', async () => {
    const answer = await call('create-product', raw(`{"name":${deep(30_000)}}`));
    expect([answer.status, ['invalid-json', 'invalid-input'].includes(answer.body.code)]).toEqual([400, true]);
  });
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

  test('one of 65,536 bytes is still read', async () => {
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

describe('a page that there is not', () => {
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

describe('an address under which there is nothing', () => {
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

describe('an idempotency key that is none', () => {
  refused(
    ['with spaces', 'x'.repeat(256), 'käse', 'a\tb'].map(
      (key): Case => [
        key.slice(0, 20),
        'create-product',
        () => ({ body: product, headers: { 'Idempotency-Key': key } }),
        400,
        'idempotency-key-invalid',
      ],
    ),
  );

  test('one of 255 characters is taken', async () => {
    const answer = await call('create-stock-movement', {
      body: movement,
      headers: { 'Idempotency-Key': 'x'.repeat(255) },
    });
    expect(answer.status).toBe(201);
  });
});

describe('a body where none is taken', () => {
  refused([['an object', 'get-product', () => ({ body: { a: 1 } }), 400, 'invalid-input', '']]);

  test('an empty one, or an empty object, does no harm', async () => {
    for (const body of ['', '{}', ' { } ']) expect((await call('get-product', raw(body))).status).toBe(200);
  });
});

test('every error is listed, up to twenty', async () => {
  const { body } = await call('create-product', { body: { sku: '', name: 5, price: { amount: -1 }, more: 1 } });
  expect(body.errors.map(({ pointer }: { pointer: string }) => pointer).sort()).toEqual([
    '/more',
    '/name',
    '/price/amount',
    '/price/currency',
    '/sku',
  ]);
  const many = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`m${n}`, n]));
  expect((await call('create-product', { body: { ...product, ...many } })).body.errors).toHaveLength(20);
});

test('what a client sent is never in a message unless it is a name', async () => {
  const secret = 'hunter2-hunter2';
  for (const body of [
    { ...product, name: { secret } },
    { ...product, sku: `${secret} ${secret}` },
  ]) {
    expect((await call('create-product', { body })).text).not.toContain(secret);
  }
  expect((await call('create-product', raw(`{"${secret}`))).text).not.toContain(secret);
});
