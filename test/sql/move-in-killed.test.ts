import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { asMigrator, moveInto } from '../support/move-in.ts';
import { createDatabase, type TestDatabase, testPostgres } from '../support/postgres.ts';

let folder: string;
let database: TestDatabase;
const run = moveInto(() => database);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'move-in-killed-'));
  database = await createDatabase();
});
afterAll(async () => {
  await database?.drop();
  await rm(folder, { recursive: true, force: true });
});

/** Loads in a process of its own. @returns what it printed, or undefined when it was killed before its end */
async function load(shop: string, killAfter: (out: string) => boolean, pause: number): Promise<string | undefined> {
  const args = [join(import.meta.dirname, '../support/move-in-process.ts'), testPostgres().socketDir, database.name];
  const child = spawn(process.execPath, [...args, 'load', shop], { stdio: ['ignore', 'pipe', 'inherit'] });
  let [out, doomed] = ['', false];
  child.stdout.on('data', (chunk) => {
    out += chunk;
    if (doomed || !killAfter(out)) return;
    doomed = true;
    void sleep(pause).then(() => child.kill('SIGKILL'));
  });
  const [code] = await once(child, 'exit');
  return code === null ? undefined : out;
}

test('a load that is killed at any point goes on, and in the end everything is there once', async () => {
  const shop = join(folder, 'shop');
  await run('test-shop', shop, '--products', '200', '--customers', '1500', '--orders', '17000');
  // Some time after its first products, customers and orders, and then once more in between.
  const points = ['products:', 'customers: 500', 'customers: 1000', 'orders: 4000', 'orders: 8000', 'orders: 12000'];
  let kills = 0;
  for (const point of points)
    if ((await load(shop, (out) => out.includes(point), Math.random() * 400)) === undefined) kills++;
  expect(kills).toBeGreaterThan(2);
  const last = await load(shop, () => false, 0);
  expect(last).toMatch(/^orders: 17003 rows, \d+ added, 0 changed, \d+ as before, 3 rejected$/m);
  expect((await run('verify', shop)).out).toEqual([
    '203 products, 1500 customers, 3 coupons, 17000 orders compared, 0 differences.',
  ]);
  const owner = asMigrator(database);
  try {
    const [sums] = await owner`
      select (select sum(orders)::integer from archive.pages) as paged, (select count(*)::integer from archive.order_keys) as keys,
        (select count(*)::integer from catalog.products) as products,
        (select count(*)::integer from stock.levels l
          where on_hand <> (select sum(quantity) from stock.movements m where m.product_id = l.product_id)) as unequal`;
    expect(sums).toEqual({ paged: 17000, keys: 17000, products: 203, unequal: 0 });
  } finally {
    await owner.end();
  }
});
