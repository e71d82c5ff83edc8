import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { databaseSources } from '../../infra/move-in/databases.ts';
import { type Mapping, readMapping } from '../../infra/move-in/mapping.ts';
import { findSources, type Kind, kinds, type Source } from '../../infra/move-in/read-rows.ts';
import { readRecords } from '../../infra/move-in/records.ts';
import { hasMariaDb, type MariaDb, startMariaDb } from '../support/mariadb.ts';
import { asMigrator, moveInto } from '../support/move-in.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';

/* The database of a made-up WooCommerce shop, on a real MariaDB or MySQL where there is one. */
describe.skipIf(!hasMariaDb)('a WooCommerce shop in its database', () => {
  let folder: string;
  let database: TestDatabase;
  let server: MariaDb;
  let mapping: Mapping;
  const run = moveInto(() => database, { sourcePassword: 'reads' });
  const addressOf = (name: string) => `mysql://reader@127.0.0.1:${server.port}/${name}`;
  const sizes = ['--products', '30', '--customers', '25', '--orders', '2500'];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'move-in-wordpress-'));
    database = await createDatabase();
    server = await startMariaDb();
    mapping = await readMapping(undefined);
    await run('test-shop', join(folder, 'files'), ...sizes);
    for (const kind of ['wordpress', 'wordpress-posts']) {
      await run('test-shop', join(folder, kind), '--kind', kind, ...sizes);
      const name = kind.replace('-', '_');
      await server.query(`create database ${name} character set utf8mb4`);
      await server.query(await readFile(join(folder, kind, 'shop.sql'), 'utf8'), name);
      if (kind === 'wordpress') await server.query("create user reader@'127.0.0.1' identified by 'reads'");
      await server.query(`grant select on ${name}.* to reader@'127.0.0.1'`);
    }
  });
  afterAll(async () => {
    await server?.stop();
    await database?.drop();
    await rm(folder, { recursive: true, force: true });
  });

  test.each(['wordpress', 'wordpress_posts'])('%s says the same as the files of the shop', async (name) => {
    const files = await findSources(join(folder, 'files'));
    const tables = await databaseSources(addressOf(name), mapping, 'reads');
    for (const kind of kinds) {
      const [want, have] = [await readAll(files, kind), await readAll(tables, kind)];
      if (kind === 'orders') {
        // With fees, of which one and some of the shipping were given back.
        const { record } = have.pop()!;
        expect(record).toMatchObject({
          notes: [],
          lines: [expect.objectContaining({}), { name: 'Wrapping & card', sku: 'fee', total: 300 }],
          refunds: [
            {
              ...{ amount: 500, reason: 'No wrapping', shipping: 200, at: new Date('2025-02-03T10:11:12Z') },
              // What the wrapping cost with its share of what came off for paying in advance.
              lines: [{ line: 1, quantity: 1, amount: 281 }],
            },
          ],
        });
      }
      expect(have.length).toBe(want.length);
      expect(have).toEqual(want);
    }
  });

  /** Without what names a row in its source. */
  async function readAll(sources: readonly Source[], kind: Kind) {
    const found: { reason: string | undefined; record: Record<string, unknown> | undefined }[] = [];
    const source = sources.find((one) => one.kind === kind)!;
    for await (const { record, reason } of readRecords(source, mapping)) {
      const { id, oldId, parent, lines, refunds, ...own } = (record ?? {}) as Record<string, unknown>;
      const items = (lines as Record<string, unknown>[] | undefined)?.map(({ sku, ...line }) =>
        sku === 'fee' ? { sku, ...line } : line,
      );
      found.push({
        // By file the status is "pending".
        reason: reason?.replace('wc-', ''),
        record: record && {
          ...{ ...own, isVariant: parent !== undefined, ...(items && { lines: items }) },
          refunds: (refunds as Record<string, unknown>[] | undefined)?.map((refund) => ({ ...refund, id: undefined })),
        },
      });
    }
    // Variants come last from tables.
    return kind === 'products' ? found.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)) : found;
  }

  const keyOf = (one: object) => JSON.stringify(one);

  test('moves in, is verified and follows the old shop, whose user may only read', async () => {
    const options = ['--out', join(folder, 'report')];
    const { out, err } = await run('load', addressOf('wordpress'), ...options);
    expect({ err, out: out.slice(-5, -1) }).toEqual({
      err: [],
      out: [
        'products: 34 rows, 33 added, 0 changed, 0 as before, 1 rejected',
        'customers: 27 rows, 25 added, 0 changed, 0 as before, 2 rejected',
        'coupons: 5 rows, 2 added, 0 changed, 0 as before, 3 rejected',
        'orders: 2504 rows, 2501 added, 0 changed, 0 as before, 3 rejected',
      ],
    });
    expect((await run('verify', addressOf('wordpress'), ...options)).out).toEqual([
      '33 products, 25 customers, 3 coupons, 2501 orders compared, 0 differences.',
    ]);
    const owner = asMigrator(database);
    try {
      // A product that the order names by its id in the old shop alone.
      const [line] = await owner`
        select p.sku, c.name as category from archive.order_keys k
        join catalog.products p on p.id = 'prd_' || replace(k.products[1]::text, '-', '') join catalog.categories c on c.id = p.category_id
        where k.number = 'WC-1007'`;
      expect(line).toEqual({ sku: 'OLD-8', category: 'Kitchen' });
    } finally {
      await owner.end();
    }
    await server.query("update wp_wc_orders set status = 'wc-cancelled' where id = 10000007", 'wordpress');
    expect((await run('verify', addressOf('wordpress'), ...options)).err).toContain(
      'orders 10000007: is confirmed and not cancelled',
    );
    expect((await run('load', addressOf('wordpress'), ...options)).out).toContain(
      'orders: 2504 rows, 0 added, 1 changed, 2500 as before, 3 rejected',
    );
  });

  test('a database without such a shop, or with several, is refused in one sentence', async () => {
    await server.query('create database empty', undefined);
    await server.query("grant select on empty.* to reader@'127.0.0.1'");
    const options = ['--out', join(folder, 'refused')];
    const refusal = async (address: string) => (await run('assess', address, ...options)).err[0];
    expect(await refusal(addressOf('empty'))).toMatch(/^The database has no tables of WooCommerce/);
    expect(await refusal(addressOf('nothing'))).toMatch(/^The database did not give its tables: Access denied/);
    await server.query('create table wordpress_posts.wp_2_woocommerce_order_items (id int)');
    expect(await refusal(addressOf('wordpress_posts'))).toMatch(
      /has 2 shops: say which by \?prefix= in the address, one of wp_, wp_2_\.$/,
    );
    expect((await run('assess', `${addressOf('wordpress_posts')}?prefix=wp_`, ...options)).code).toBe(0);
  });
});
