import type { Sql } from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Import, ImportKind } from '../../lib/contract/api/imports.ts';
import { inTransaction } from '../../lib/database/transaction.sql.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { insertProduct } from '../../lib/shop/catalog/change.sql.ts';
import { findImport, insertImport, purgeImports } from '../../lib/shop/imports/imports.sql.ts';
import { type ImportDeps, runImports } from '../../lib/shop/imports/run.ts';
import { poolOptions } from '../support/handlers.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';

let database: TestDatabase;
let sql: Sql;
let owner: Sql;
let time = Date.parse('2026-01-01T00:00:00Z');
const clock = { now: () => ++time };
const applicationId = newId('application', clock);
const superseded: string[] = [];
const pointers = {
  mark: async (pointer: string) => {
    superseded.push(pointer);
    return 'mark';
  },
  settle: async () => {},
  versionOf: async () => undefined,
  supersede: async () => {},
};
const deps = (more: Partial<ImportDeps> = {}): ImportDeps => ({
  sql,
  clock,
  stopwatch: { elapsed: () => 0 },
  pointers,
  untilMs: 1,
  ...more,
});

beforeAll(async () => {
  database = await createDatabase();
  sql = database.connect('catalog_api', poolOptions);
  owner = database.connect('migrator', poolOptions);
});
afterAll(async () => {
  await Promise.all([sql?.end(), owner?.end()]);
  await database?.drop();
});
beforeEach(async () => {
  superseded.length = 0;
  await owner`truncate catalog.products, catalog.imports, outbox.events cascade`;
});

const lines = (rows: readonly unknown[]) => rows.map((row) => JSON.stringify(row)).join('\n');
const begin = (rows: readonly unknown[], kind: ImportKind = 'products'): Promise<Import> =>
  inTransaction(sql, (tx) =>
    insertImport(tx, { kind, format: 'ndjson', content: lines(rows), applicationId, requestId: 'req_1' }, clock),
  );
const read = ({ id }: Pick<Import, 'id'>) => findImport(sql, id, applicationId);
const importAll = async (rows: readonly unknown[], kind: ImportKind = 'products') => {
  const begun = await begin(rows, kind);
  await runImports(deps());
  return read(begun);
};
const eur = (amount: number) => ({ amount, currency: 'EUR' });
const thing = (sku: string, more: object = {}) => ({ sku, name: sku, price: eur(1000), ...more });
const skus = async () =>
  (await owner<{ sku: string }[]>`select sku from catalog.products order by sku`).map(({ sku }) => sku);
const stockOf = async (sku: string) =>
  (
    await owner<{ onHand: number }[]>`
      select on_hand from stock.levels l join catalog.products p on p.id = l.product_id where sku = ${sku}`
  )[0]?.onHand;

describe('an import of products', () => {
  test('adds what is new, changes what exists, and adds variants to products of the same file', async () => {
    const mug = await insertProduct(sql, { ...thing('MUG', { description: 'old' }), active: true } as never, clock);
    const ended = await importAll([
      { sku: 'MUG', price: eur(900) },
      thing('SHIRT', { options: [{ name: 'Size', values: ['S', 'M'] }] }),
      { sku: 'SHIRT-S', parentSku: 'SHIRT', optionValues: { Size: 'S' }, price: eur(1500) },
      thing('PLATE', { active: false }),
    ]);
    expect(ended).toMatchObject({ status: 'completed', rows: { total: 4, applied: 4, failed: 0 }, errors: [] });
    expect(ended.endedAt).not.toBeNull();
    expect(
      await owner`select sku, name, description, price_amount, active, version from catalog.products order by sku`,
    ).toEqual([
      { sku: 'MUG', name: 'MUG', description: 'old', priceAmount: 900, active: true, version: 2 },
      { sku: 'PLATE', name: 'PLATE', description: null, priceAmount: 1000, active: false, version: 1 },
      { sku: 'SHIRT', name: 'SHIRT', description: null, priceAmount: 1500, active: true, version: 2 },
      { sku: 'SHIRT-S', name: 'SHIRT, S', description: null, priceAmount: 1500, active: true, version: 1 },
    ]);
    expect(superseded).toEqual(['products', `product/${mug.id}`]);
    const events =
      await owner`select type, correlation_id from outbox.events where aggregate_id = ${mug.id} order by id`;
    expect(events.at(-1)).toEqual({ type: 'product.updated', correlationId: 'req_1' });
    expect(await owner`select content from catalog.imports`).toEqual([{ content: null }]);
  });

  test('with wrong rows changes nothing, and names each', async () => {
    await insertProduct(sql, { ...thing('MUG'), active: true } as never, clock);
    const category = newId('category', clock);
    const ended = await importAll([
      thing('A'),
      thing('A'),
      { sku: 'B', name: 'B' },
      { sku: 'C', price: eur(1) },
      thing('D', { categoryId: category }),
      { sku: 'E', parentSku: 'NONE', optionValues: {}, price: eur(1) },
      { sku: 'F', parentSku: 'MUG', optionValues: {}, price: eur(1) },
      thing('G', { options: [{ name: 'Size', values: ['S', 's'] }] }),
      thing('H', { options: [{ name: 'Size', values: ['S'] }] }),
      { sku: 'I', parentSku: 'H', optionValues: { Size: 'L' }, price: eur(1) },
      { sku: 'J', parentSku: 'H', optionValues: { Size: 'S' }, price: eur(1), brand: 'X' },
      { sku: 'K', parentSku: 'H', optionValues: { Size: 'S' }, price: { amount: 1, currency: 'USD' } },
    ]);
    expect(ended).toMatchObject({ status: 'rejected', rows: { total: 12, applied: 0, failed: 10 } });
    expect(ended.errors.map(({ row, code, pointer }) => [row, code, pointer])).toEqual([
      [2, 'sku-repeated', '/sku'],
      [3, 'invalid-input', '/price'],
      [4, 'invalid-input', '/name'],
      [5, 'category-unknown', '/categoryId'],
      [6, 'not-found', '/parentSku'],
      [7, 'product-without-options', '/parentSku'],
      [8, 'option-repeated', '/options/0/values/1'],
      [10, 'options-not-met', '/optionValues/Size'],
      [11, 'product-is-variant', '/brand'],
      [12, 'currencies-mixed', '/price/currency'],
    ]);
    expect(ended.errors[0]?.detail).toContain('row 1');
    expect(await skus()).toEqual(['MUG']);
  });

  test('goes on after the check when one row can no longer be applied, and says which', async () => {
    const begun = await begin([thing('A'), thing('B', { options: [{ name: 'Size', values: ['S'] }] }), thing('C')]);
    // What the check cannot see: a product with options got a variant, so that it has no price of its own any more.
    await importAll([
      thing('B', { options: [{ name: 'Size', values: ['S'] }] }),
      { sku: 'B-S', parentSku: 'B', optionValues: { Size: 'S' }, price: eur(1) },
    ]);
    expect(await read(begun)).toMatchObject({
      status: 'completed',
      rows: { total: 3, applied: 3, failed: 0 },
    });
    const again = await importAll([thing('A', { name: 'New' }), { sku: 'B', price: eur(5) }, thing('C')]);
    expect(again).toMatchObject({
      status: 'completed',
      rows: { total: 3, applied: 2, failed: 1 },
      errors: [{ row: 2, code: 'product-has-options', pointer: '/price' }],
    });
  });

  test('that is killed goes on after its last rows, and applies each once', async () => {
    const begun = await begin(Array.from({ length: 120 }, (_, n) => thing(`S${String(n).padStart(3, '0')}`)));
    let calls = 0;
    const killed = deps({
      pointers: {
        ...pointers,
        // The second batch is committed, and the process dies before it can do anything else.
        settle: async () => {
          if (++calls > 1) throw new Error('killed');
        },
        mark: async () => {
          if (calls > 1) throw new Error('killed');
          return 'mark';
        },
      },
    });
    await expect(runImports(killed)).rejects.toThrow('killed');
    const half = await read(begun);
    expect(half).toMatchObject({ status: 'running', rows: { total: 120, failed: 0 } });
    expect(half.rows.applied).toBe((await skus()).length);
    expect(half.rows.applied).toBeGreaterThan(0);
    expect(half.rows.applied).toBeLessThan(120);
    // Two runs at once: neither applies what the other does.
    await Promise.all([runImports(deps()), runImports(deps())]);
    await runImports(deps());
    expect(await read(begun)).toMatchObject({ status: 'completed', rows: { applied: 120, failed: 0 } });
    const versions = await owner`select distinct version from catalog.products`;
    expect(versions).toEqual([{ version: 1 }]);
  });

  test('waits for the next run when the time is over', async () => {
    const begun = await begin([thing('A')]);
    expect(await runImports(deps({ untilMs: 0 }))).toEqual({ imports: 0, applied: 0, failed: 0, left: true });
    expect(await read(begun)).toMatchObject({ status: 'pending', rows: { total: null } });
    expect(await runImports(deps())).toEqual({ imports: 1, applied: 1, failed: 0, left: false });
  });

  test('is seen by its own application alone, and goes 30 days after it ended', async () => {
    const ended = await importAll([thing('A')]);
    await expect(findImport(sql, ended.id, newId('application', clock))).rejects.toMatchObject({ code: 'not-found' });
    const open = await begin([thing('B')]);
    const jobs = database.connect('jobs', poolOptions);
    const at = Date.parse(ended.endedAt!);
    expect(await purgeImports(jobs, { before: new Date(at - 1), limit: 10 })).toBe(0);
    expect(await purgeImports(jobs, { before: new Date(at + 1000), limit: 10 })).toBe(1);
    await jobs.end();
    expect(await read(open)).toMatchObject({ status: 'pending' });
  });
});

describe('an import of stock movements', () => {
  test('moves the stock of each product once', async () => {
    const mug = await insertProduct(sql, { ...thing('MUG'), active: true } as never, clock);
    await insertProduct(sql, { ...thing('PLATE'), active: true } as never, clock);
    const rows = [
      { productId: mug.id, quantity: 5, reason: 'delivery' },
      { sku: 'PLATE', quantity: 7, reason: 'delivery' },
    ];
    expect(await importAll(rows, 'stock-movements')).toMatchObject({ status: 'completed', rows: { applied: 2 } });
    expect([await stockOf('MUG'), await stockOf('PLATE')]).toEqual([5, 7]);
    expect(superseded).toEqual([]);
  });

  test('with wrong rows moves nothing', async () => {
    const mug = await insertProduct(sql, { ...thing('MUG'), active: true } as never, clock);
    await insertProduct(
      sql,
      { ...thing('SHIRT'), options: [{ name: 'Size', values: ['S'] }], active: true } as never,
      clock,
    );
    const ended = await importAll(
      [
        { sku: 'MUG', quantity: 5, reason: 'x' },
        { productId: mug.id, quantity: 5, reason: 'x' },
        { sku: 'SHIRT', quantity: 5, reason: 'x' },
        { sku: 'NONE', quantity: 5, reason: 'x' },
        { sku: 'MUG', quantity: -5, reason: 'x' },
      ],
      'stock-movements',
    );
    expect(ended.status).toBe('rejected');
    expect(ended.errors.map(({ row, code }) => [row, code])).toEqual([
      [2, 'sku-repeated'],
      [3, 'product-has-options'],
      [4, 'not-found'],
      [5, 'sku-repeated'],
      [5, 'stock-reserved'],
    ]);
    expect(await stockOf('MUG')).toBeUndefined();
  });
});
