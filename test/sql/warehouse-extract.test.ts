import type { Sql, TransactionSql } from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ahead } from '../../lib/analytics/warehouse/extract.sql.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';

let database: TestDatabase;
let sql: Sql;

beforeAll(async () => {
  database = await createDatabase();
  sql = database.connect('analyst', { max: 1 });
});
afterAll(async () => {
  await sql.end();
  await database.drop();
});

const numbers = (tx: TransactionSql, most: number) => ahead(tx`select n from generate_series(1, ${most}) n`.cursor(10));

test('batches that are asked for in advance come whole, in their order', async () => {
  const sizes: number[] = [];
  const found: number[] = [];
  await sql.begin(async (tx) => {
    for await (const batch of numbers(tx, 95)) {
      sizes.push(batch.length);
      found.push(...batch.map(({ n }) => n as number));
    }
  });
  expect(sizes).toEqual([...Array(9).fill(10), 5]);
  expect(found).toEqual(Array.from({ length: 95 }, (_, n) => n + 1));
});

test('a transaction goes on when nobody wants the rest', async () => {
  const seen = await sql.begin(async (tx) => {
    for await (const batch of numbers(tx, 1000)) if (batch[0]!.n === 11) break;
    await expect(
      (async () => {
        for await (const batch of numbers(tx, 1000)) throw new Error(`stops at ${batch[0]!.n}`);
      })(),
    ).rejects.toThrow('stops at 1');
    return tx`select 'on' as goes`;
  });
  expect([...seen]).toEqual([{ goes: 'on' }]);
});

test('an error of a later batch comes after the rows before it', async () => {
  const found: number[] = [];
  const reading = sql.begin(async (tx) => {
    const rows = tx`select 100 / (25 - n) as n from generate_series(1, 100) n`.cursor(10);
    for await (const batch of ahead(rows)) found.push(batch.length);
  });
  await expect(reading).rejects.toMatchObject({ code: '22012' });
  expect(found).toEqual([10, 10]);
});
