import { describe, expect, test } from 'vitest';
import { type Case, call, id, movement, product, raw, refused } from '../support/refusals.ts';

/** A body of `create-product` with other values. */
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
const protoIn = (value: string): Record<string, string> => JSON.parse(`{"__proto__":${JSON.stringify(value)}}`);

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

describe('a detail of a product', () => {
  const image = { url: 'https://images.example.com/a.jpg', alt: 'A mug' };
  const at = (url: string) => [{ ...image, url }];
  const numbered = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`a${n}`, n]));
  refused([
    creating('a picture over HTTP', { images: at('http://images.example.com/a.jpg') }, '/images/0/url'),
    creating('a picture in a script', { images: at('javascript:alert(1)') }, '/images/0/url'),
    creating('a picture with a password', { images: at('https://a:b@images.example.com/') }, '/images/0/url'),
    creating('a picture at a path', { images: at('/a.jpg') }, '/images/0/url'),
    creating('a picture with a line break', { images: at('https://images.example.com/\na') }, '/images/0/url'),
    creating('a picture without words', { images: [{ ...image, alt: ' ' }] }, '/images/0/alt'),
    creating('too many pictures', { images: Array(21).fill(image) }, '/images'),
    creating('pictures too large together', { images: Array(20).fill({ ...image, alt: '☕'.repeat(300) }) }, '/images'),
    creating('too many attributes', { attributes: numbered(51) }, '/attributes'),
    creating('an attribute without a value', { attributes: { colour: null } }, '/attributes/colour'),
    creating('an attribute that is a list', { attributes: { colour: ['red'] } }, '/attributes/colour'),
    creating('a long attribute', { attributes: { colour: 'x'.repeat(201) } }, '/attributes/colour'),
    creating(
      'an attribute with a space in its name',
      { attributes: { 'the colour': 'red' } },
      '/attributes/the colour',
    ),
    creating('metadata that is a list', { metadata: [1] }, '/metadata'),
    creating('metadata too large', { metadata: { note: 'x'.repeat(4086) } }, '/metadata'),
    creating('metadata too large in bytes', { metadata: { note: '☕'.repeat(1400) } }, '/metadata'),
    creating('metadata with a NUL', { metadata: { note: ['\0'] } }, '/metadata'),
    creating('metadata with a lone surrogate', { metadata: { '\ud800': 1 } }, '/metadata'),
    creating('a cost below nothing', { costPrice: { amount: -1, currency: 'EUR' } }, '/costPrice/amount'),
    creating('a cost without a currency', { costPrice: { amount: 1 } }, '/costPrice/currency'),
    creating('a tax class in capitals', { taxClass: 'Reduced' }, '/taxClass'),
    creating('half a gram', { weight: 0.5 }, '/weight'),
    creating('less than no weight', { weight: -1 }, '/weight'),
    creating('a brand of two lines', { brand: 'a\nb' }, '/brand'),
    ['a number too large', 'create-product', () => raw('{"metadata":{"n":1e999}}'), 400, 'invalid-input', '/metadata'],
    ['null for pictures', 'update-product', () => ({ body: { images: null } }), 400, 'invalid-input', '/images'],
  ]);
});

describe('a missing value', () => {
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
    creating('a currency that does not exist', { price: { amount: 1, currency: 'ZZZ' } }, '/price/currency'),
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
      () => raw('{"quantity":1e999,"reason":"x"}'),
      400,
      'invalid-input',
      '/quantity',
    ],
  ]);
});

describe('unusual text', () => {
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

describe('an unknown member', () => {
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

  test('the prototype of objects is unchanged', () => {
    expect(Object.keys(Object.prototype)).toEqual([]);
    expect(({} as { active?: unknown }).active).toBeUndefined();
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

test('each pointer is named once, in a sentence', async () => {
  const body = { ...product, name: '', price: { amount: 2 ** 60, currency: 'eur' } };
  const several = await call('create-product', { body });
  expect(several.body.errors).toEqual([
    { pointer: '/name', detail: 'must have at least 1 character' },
    { pointer: '/price/amount', detail: 'must be at most 100000000' },
    { pointer: '/price/currency', detail: 'is not an ISO 4217 currency' },
  ]);
  expect(several.body.detail).toBe('/name must have at least 1 character.');
  expect((await call('create-quote', { body: { lines: [] } })).body.detail).toBe('/lines must have at least 1 item.');
  expect((await call('update-product', { body: {} })).body.detail).toBe('The body has nothing to change.');
});

test('a message contains no text from the client except names', async () => {
  const secret = 'hunter2-hunter2';
  for (const body of [
    { ...product, name: { secret } },
    { ...product, sku: `${secret} ${secret}` },
  ]) {
    expect((await call('create-product', { body })).text).not.toContain(secret);
  }
  expect((await call('create-product', raw(`{"${secret}`))).text).not.toContain(secret);
});
