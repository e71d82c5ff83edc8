import { describe, expect, test } from 'vitest';
import { productRow, stockRow } from '../../lib/contract/api/imports.ts';
import { readFile } from '../../lib/shop/imports/read-file.ts';

const eur = { amount: 1250, currency: 'EUR' };

describe('a file of products', () => {
  const lines = (...rows: unknown[]) =>
    readFile(rows.map((row) => JSON.stringify(row)).join('\n'), 'ndjson', productRow);

  test('has a product in each line or row, the same in both forms', () => {
    const table = readFile(
      '\ufeffsku,name,price.amount,price.currency,attributes.colour,attributes.litres,attributes.code,active,images,brand\r\n' +
        'MUG,"Mug, ""blue""\nand round",1250,EUR,blue,0.3,007,false,"[{""url"":""https://x.example/1.jpg"",""alt"":""A mug""}]",\r\n\r\n',
      'csv',
      productRow,
    );
    const value = {
      sku: 'MUG',
      name: 'Mug, "blue" and round',
      price: eur,
      attributes: { colour: 'blue', litres: 0.3, code: '007' },
      active: false,
      images: [{ url: 'https://x.example/1.jpg', alt: 'A mug' }],
    };
    expect(table.errors).toEqual([{ row: 1, code: 'invalid-input', pointer: '/name', detail: expect.any(String) }]);
    const right = readFile(
      'sku,name,price.amount,price.currency,attributes.colour,attributes.litres,attributes.code,active,images\n' +
        'MUG,"Mug, ""blue"" and round",1250,EUR,blue,0.3,007,false,"[{""url"":""https://x.example/1.jpg"",""alt"":""A mug""}]"',
      'csv',
      productRow,
    );
    expect(right).toEqual({ rows: [{ row: 1, value }], total: 1, errors: [] });
    expect(lines(value)).toEqual(right);
  });

  test('says of each wrong row what is wrong with it, and takes the others', () => {
    const content = [
      '{"sku":"A","price":{"amount":1.5,"currency":"EUR"}}',
      'no JSON',
      '{"sku":"B","colour":"red"}',
      '',
      '{"sku":"C"}',
    ].join('\n');
    const { rows, total, errors } = readFile(content, 'ndjson', productRow);
    expect(total).toBe(4);
    expect(rows).toEqual([{ row: 4, value: { sku: 'C' } }]);
    expect(errors).toEqual([
      { row: 1, code: 'invalid-input', pointer: '/price/amount', detail: expect.stringContaining('minor units') },
      { row: 2, code: 'malformed', detail: expect.any(String) },
      { row: 3, code: 'invalid-input', pointer: '/colour', detail: 'is unknown' },
    ]);
  });

  test.each([
    ['without a row', '', 'csv', 'no-rows'],
    ['with a heading alone', 'sku,name\n', 'csv', 'no-rows'],
    ['with two equal headings', 'sku,sku\nA,B', 'csv', 'malformed'],
    ['with a heading that names no field', 'sku,__proto__.x\nA,B', 'csv', 'malformed'],
    ['with an open quote', 'sku,name\nA,"B', 'csv', 'malformed'],
    ['of too many rows', `${'{"sku":"A"}\n'.repeat(10_001)}`, 'ndjson', 'too-many-rows'],
  ] as const)('%s is refused whole', (_, content, format, code) => {
    expect(readFile(content, format, productRow)).toMatchObject({ rows: [], errors: [{ row: 0, code }] });
  });

  test('has as many cells in each row as in its heading', () => {
    const { errors } = readFile('sku,name\nA\nB,C,D', 'csv', productRow);
    expect(errors.map(({ row, code }) => [row, code])).toEqual([
      [1, 'malformed'],
      [2, 'malformed'],
    ]);
  });
});

test('a movement of stock names a product by its id or by its SKU, and not by both', () => {
  const id = `prd_${'0'.repeat(32)}`;
  const { rows, errors } = readFile(
    `productId,sku,quantity,reason\n${id},,5,x\n,A,-5,x\n${id},A,5,x\n,,5,x\n,A,0,x`,
    'csv',
    stockRow,
  );
  expect(rows.map(({ row }) => row)).toEqual([1, 2]);
  expect(errors.map(({ row, pointer }) => [row, pointer])).toEqual([
    [3, '/productId'],
    [4, '/productId'],
    [5, '/quantity'],
  ]);
});
