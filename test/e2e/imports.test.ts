import { setTimeout as sleep } from 'node:timers/promises';
import { inject, test } from 'vitest';
import type { Import } from '../../lib/contract/api/imports.ts';
import { refused, succeed } from './client.ts';
import { ledgerOf, unique } from './shop.ts';

const { appKey: token } = inject('target');
const csv = { 'content-type': 'text/csv' };

/** The import when it has ended. Its job runs each minute. */
async function ended(id: string): Promise<Import> {
  for (;;) {
    const { body } = await succeed('get-import', 200, { token, path: { importId: id } });
    if (body.endedAt !== null) return body;
    await sleep(500);
  }
}

/** A request with a file of stock. */
const sendStock = async (...lines: string[]): Promise<string> => {
  const raw = ['sku,productId,quantity,reason', ...lines].join('\n');
  const { body } = await succeed('import-stock-movements', 202, { token, raw, headers: csv, key: unique('import') });
  return body.id;
};

const shirt = (sku: string) => ({
  sku,
  name: 'Shirt',
  price: { amount: 2000, currency: 'EUR' },
  options: [{ name: 'Size', values: ['S', 'M'] }],
});
const size = (sku: string, value: 'S' | 'M') => ({
  sku: `${sku}-${value}`,
  optionValues: { Size: value },
  price: { amount: value === 'S' ? 1500 : 2500, currency: 'EUR' },
});

test('a file adds products and their variants, once for each key', async ({ expect }) => {
  const sku = unique('FILE');
  const rows = [shirt(sku), ...(['S', 'M'] as const).map((value) => ({ parentSku: sku, ...size(sku, value) }))];
  const raw = rows.map((row) => JSON.stringify(row)).join('\n');
  const headers = { 'content-type': 'application/x-ndjson' };
  const key = unique('import');
  const { body: begun } = await succeed('import-products', 202, { token, raw, headers, key });
  const again = await succeed('import-products', 202, { token, raw, headers, key });
  expect(again.body.id).toBe(begun.id);
  expect(await ended(begun.id)).toMatchObject({ status: 'completed', rows: { total: 3, applied: 3, failed: 0 } });
  const { body: found } = await succeed('list-products', 200, { query: { q: `${sku}-M` } });
  const { body: read } = await succeed('get-product', 200, { path: { productId: found.data[0]!.id } });
  expect(read.variants.map((variant) => variant.sku)).toEqual([`${sku}-S`, `${sku}-M`]);
  await refused('import-products', 415, 'unsupported-media-type', { token, body: [], key: unique('import') });
});

test('a file counts the stock of variants; one with a wrong row changes nothing', async ({ expect }) => {
  const sku = unique('FILE');
  const { body: parent } = await succeed('create-product', 201, { token, body: shirt(sku) });
  const path = { productId: parent.id };
  const { body: small } = await succeed('create-variant', 201, { token, path, body: size(sku, 'S') });
  const { body: medium } = await succeed('create-variant', 201, { token, path, body: size(sku, 'M') });

  const wrong = await sendStock(`${sku}-S,,6,count`, `,${small.id},7,count`, `${sku},,1,count`);
  const right = await sendStock(`${sku}-S,,5,count`, `,${medium.id},7,count`);
  expect(await ended(wrong)).toMatchObject({
    status: 'rejected',
    errors: [
      { row: 2, code: 'sku-repeated' },
      { row: 3, code: 'product-has-options' },
    ],
  });
  expect(await ended(right)).toMatchObject({ status: 'completed' });
  for (const [variant, onHand] of [
    [small, 5],
    [medium, 7],
  ] as const) {
    const { level, movements } = await ledgerOf(variant.id);
    expect(level.onHand).toBe(onHand);
    expect(movements).toHaveLength(1);
  }
});

test('a feed of contacts names whom nobody knows, and loads the rest', async ({ expect }) => {
  const row = { id: unique('contact'), kind: 'interaction', emailHash: '0'.repeat(64), at: new Date().toISOString() };
  const feed = { token, path: { source: 'support' }, headers: { 'content-type': 'application/x-ndjson' } };
  const { body } = await succeed('load-customer-feed', 200, { ...feed, raw: JSON.stringify(row) });
  expect(body).toMatchObject({ rows: { total: 1, loaded: 0, failed: 1 }, errors: [{ code: 'unknown-customer' }] });
});
