import { appendFile, cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { listTables, measure } from '../../infra/data/schema.ts';
import { runData } from '../../infra/tools/data.ts';
import type { Sql } from '../../lib/platform/sql.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { fillShop } from '../support/shop-of-100k.ts';

let folder: string;
let shop: TestDatabase;
const databases: TestDatabase[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'data-transfer-'));
  shop = await newStage();
  await fillShop(shop, { customers: 20, products: 30, orders: 1500 });
  await asOwner(shop, async (sql) => {
    // The helper makes tokens of customers that a shop of this size does not have.
    await sql`delete from customers.email_tokens where customer_id not in (select id from customers.customers)`;
    await sql`select audit.add_month('2031-05-05T00:00:00Z')`;
  });
  expect(await transfer(shop, 'export', join(folder, 'export'))).toMatchObject({ code: 0 });
});

afterAll(async () => {
  await Promise.all(databases.map((database) => database.drop()));
  await rm(folder, { recursive: true });
});

test('an empty stage gets every row, byte for byte, and works on: its triggers guard again', async () => {
  const stage = await newStage();
  const { code, out } = await transfer(stage, 'import', join(folder, 'export'));
  expect({ code, last: out.at(-1) }).toEqual({
    code: 0,
    last: expect.stringMatching(/^imported \d{4,} rows of \d+ tables\.$/),
  });
  const again = join(folder, 'again');
  await transfer(stage, 'export', again);
  for (const name of (await readdir(again)).filter((file) => file.endsWith('.ndjson')))
    expect((await sorted(join(again, name))).length, name).toBe((await sorted(join(folder, 'export', name))).length);
  for (const name of ['orders.orders', 'orders.lines', 'customers.customers', 'stock.movements', 'outbox.events'])
    expect(await sorted(join(again, `${name}.ndjson`)), name).toEqual(
      await sorted(join(folder, 'export', `${name}.ndjson`)),
    );
  await asOwner(stage, async (sql) => {
    await expect(sql`update orders.orders set total = total + 1`).rejects.toThrow();
    const [row] =
      await sql`select count(*)::integer as count from pg_trigger where not tgisinternal and tgenabled = 'D'`;
    expect(row!.count).toBe(0);
    const [next] = await sql`select orders.next_number('CF') as number`;
    expect(await sql`select from orders.orders where number = ${next!.number}`).toEqual([]);
  });
});

test('a newer schema takes it: what is new has its default', async () => {
  const stage = await newStage();
  await asOwner(stage, async (sql) => {
    await sql`alter table catalog.products add column shelf integer not null default 7`;
    await sql`insert into migrations.applied select max(version) + 1, '9999_shelf', 'x', now(), 1 from migrations.applied`;
  });
  expect(await transfer(stage, 'import', join(folder, 'export'))).toMatchObject({ code: 0 });
  await asOwner(stage, async (sql) => {
    expect(await sql`select distinct shelf from catalog.products`).toEqual([{ shelf: 7 }]);
  });
});

test('bad input is refused in one sentence, and the stage stays empty', async () => {
  const stage = await newStage();
  const broken = async (change: (copy: string) => Promise<unknown>): Promise<string> => {
    const copy = await mkdtemp(join(folder, 'broken-'));
    await cp(join(folder, 'export'), copy, { recursive: true });
    await change(copy);
    return copy;
  };
  const inManifest = (from: string | RegExp, to: string) => async (copy: string) => {
    const file = join(copy, 'manifest.json');
    await writeFile(file, (await readFile(file, 'utf8')).replace(from, to));
  };
  const cases: [string, RegExp][] = [
    [
      await broken((copy) => appendFile(join(copy, 'orders.lines.ndjson'), '{}\n')),
      /orders\.lines\.ndjson does not match its checksum/,
    ],
    [await broken((copy) => rm(join(copy, 'orders.lines.ndjson'))), /orders\.lines\.ndjson cannot be read/],
    [await broken((copy) => rm(join(copy, 'manifest.json'))), /holds no export, or one that did not finish/],
    [await broken(inManifest(/"format": 1/, '"format": 2')), /is damaged, or of a later version/],
    [await broken(inManifest(/"total": "(\d+)"/, '"total": "1$1"')), /has other counts or sums than its manifest says/],
    [await broken(inManifest('"0001_', '"0000_')), /their schemas are different ones/],
    [
      await broken(inManifest(/\n {2}\],\n {2}"tables"/, ',"9999_later"\n],"tables"')),
      /This stage lacks migration 9999_later/,
    ],
    [join(folder, 'nowhere'), /holds no export/],
  ];
  for (const [from, sentence] of cases) {
    const { code, err } = await transfer(stage, 'import', from);
    expect({ code, err }).toEqual({ code: 1, err: [expect.stringMatching(sentence)] });
  }
  await asOwner(stage, async (sql) => {
    for (const table of await listTables(sql)) expect((await measure(sql, table)).rows, table.name).toBe(0);
  });
  expect((await transfer(shop, 'import', join(folder, 'export'))).err[0]).toMatch(
    /^This stage is not empty: \S+ has rows/,
  );
  expect((await transfer(shop, 'export', join(folder, 'export'))).err[0]).toMatch(
    /is not empty, so nothing was exported/,
  );
  expect((await transfer(shop, 'carry', folder)).code).toBe(2);
});

async function newStage(): Promise<TestDatabase> {
  const database = await createDatabase();
  databases.push(database);
  return database;
}

async function asOwner<T>(database: TestDatabase, work: (sql: Sql) => Promise<T>): Promise<T> {
  const sql = database.connect('migrator', { max: 1 }) as unknown as Sql;
  try {
    return await work(sql);
  } finally {
    await sql.end();
  }
}

async function transfer(database: TestDatabase, command: string, to: string) {
  const [out, err]: [string[], string[]] = [[], []];
  const open = () => database.connect('migrator', { max: 1 }) as unknown as Sql;
  const code = await runData([command, to], open, { out: (line) => out.push(line), err: (line) => err.push(line) });
  return { code, out, err };
}

const sorted = async (file: string): Promise<string[]> => (await readFile(file, 'utf8')).split('\n').toSorted();
