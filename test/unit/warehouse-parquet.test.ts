import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import { expect, test } from 'vitest';
import { type Row, toParquet } from '../../lib/analytics/warehouse/parquet.ts';

const day = (n: number): Row => ({ product_id: `prd_${n}`, date: '2026-11-30', on_hand: `${n}`, available: n });
const bufferOf = (content: Uint8Array) =>
  content.buffer.slice(content.byteOffset, content.byteOffset + content.byteLength) as ArrayBuffer;
const write = async (batches: Row[][], groups?: number[]) => {
  const { rows, content } = await toParquet('fact_stock', batches, groups);
  const file = bufferOf(content);
  return { rows, file, groups: parquetMetadata(file).row_groups.map(({ num_rows }) => Number(num_rows)) };
};
const ids = async (file: ArrayBuffer) => (await parquetReadObjects({ file })).map(({ product_id }) => product_id);

test('groups of rows have the sizes that are asked for, however the rows come', async () => {
  const rows = Array.from({ length: 12 }, (_, n) => day(n));
  const all = rows.map(({ product_id }) => product_id);
  for (const batches of [[rows], rows.map((row) => [row]), [rows.slice(0, 4), [], rows.slice(4)]]) {
    const written = await write(batches, [2, 3]);
    expect(written).toMatchObject({ rows: 12, groups: [2, 3, 3, 3, 1] });
    expect(await ids(written.file)).toEqual(all);
  }
  expect(await write([rows])).toMatchObject({ groups: [12] });
  expect(await write([rows], [4, 8])).toMatchObject({ groups: [4, 8] });
});

test('values get the types of their columns, and what is missing is null', async () => {
  const at = new Date('2026-11-30T12:00:00.001Z');
  const refund = { refund_key: 're_1', date: '2026-11-30', amount: '9007199254740993', refunded_at: at };
  const { content } = await toParquet('fact_refunds', [[refund]]);
  expect(await parquetReadObjects({ file: bufferOf(content) })).toMatchObject([
    { ...refund, date: new Date('2026-11-30'), amount: 9007199254740993n, country: null },
  ]);
  expect(await parquetReadObjects({ file: (await write([[day(7)]])).file })).toEqual([
    { product_id: 'prd_7', date: new Date('2026-11-30'), on_hand: 7, reserved: null, available: 7 },
  ]);
});

test('a table without rows is a file that can be read', async () => {
  for (const batches of [[], [[]]]) {
    const { rows, file } = await write(batches);
    expect([rows, await ids(file)]).toEqual([0, []]);
  }
});
