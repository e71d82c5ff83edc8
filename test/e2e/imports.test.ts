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

test('files add products and variants, and stock to them; a wrong row changes nothing', async ({ expect }) => {
  const sku = unique('FILE');
  const rows = [
    { sku, name: 'Shirt', price: { amount: 2000, currency: 'EUR' }, options: [{ name: 'Size', values: ['S', 'M'] }] },
    { sku: `${sku}-S`, parentSku: sku, optionValues: { Size: 'S' }, price: { amount: 1500, currency: 'EUR' } },
    { sku: `${sku}-M`, parentSku: sku, optionValues: { Size: 'M' }, price: { amount: 2500, currency: 'EUR' } },
  ];
  const raw = rows.map((row) => JSON.stringify(row)).join('\n');
  const headers = { 'content-type': 'application/x-ndjson' };
  const key = unique('import');
  const { body: begun } = await succeed('import-products', 202, { token, raw, headers, key });
  const again = await succeed('import-products', 202, { token, raw, headers, key });
  expect(again.body.id).toBe(begun.id);
  expect(await ended(begun.id)).toMatchObject({ status: 'completed', rows: { total: 3, applied: 3, failed: 0 } });
  const { body: found } = await succeed('list-products', 200, { query: { q: `${sku}-M` } });
  const [shirt] = found.data;
  const { body: read } = await succeed('get-product', 200, { path: { productId: shirt!.id } });
  const [small, medium] = read.variants.map(({ id }) => id);

  const counts = (...lines: string[]) => ['sku,productId,quantity,reason', ...lines].join('\n');
  const stock = async (text: string) => {
    const { body } = await succeed('import-stock-movements', 202, {
      token,
      raw: text,
      headers: csv,
      key: unique('import'),
    });
    return ended(body.id);
  };
  const wrong = await stock(counts(`${sku}-S,,5,count`, `,${small},7,count`, `${sku},,1,count`));
  expect(wrong).toMatchObject({
    status: 'rejected',
    errors: [
      { row: 2, code: 'sku-repeated' },
      { row: 3, code: 'product-has-options' },
    ],
  });
  expect((await ledgerOf(small!)).level.onHand).toBe(0);
  expect(await stock(counts(`${sku}-S,,5,count`, `,${medium},7,count`))).toMatchObject({ status: 'completed' });
  expect((await ledgerOf(small!)).level.onHand).toBe(5);
  expect((await ledgerOf(medium!)).level.onHand).toBe(7);
  await refused('import-products', 415, 'unsupported-media-type', { token, body: [], key: unique('import') });
});
