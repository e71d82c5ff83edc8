import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createViews, withEngine } from '../../infra/warehouse/engine.ts';
import { createDatabase } from '../support/postgres.ts';
import { fillShop, ids } from '../support/shop-of-100k.ts';
import { check, load, readManifest } from '../support/warehouse.ts';

const writers = 4;
const transactions = 150;
/** Over how many loads the transactions are spread, as each night. By default they come as they come. */
const leastLoads = Number(process.env.WAREHOUSE_LOADS ?? 0);

/** Each order has a month of its own, so that a load that misses one is not mended by the next. */
const monthOf = (n: number) => new Date(Date.UTC(1960, n, 10));

const idOf = (n: number) => ids.order(n + 10_000);

test(
  'loads beside long and rolled-back transactions lose no row and double none',
  async () => {
    const database = await createDatabase();
    await fillShop(database, { customers: 5, products: 5, orders: 200 });
    const root = await mkdtemp(join(tmpdir(), 'warehouse-'));
    const [admin, analyst] = [
      database.connect('rdsadmin', { max: writers + 1 }),
      database.connect('analyst', { max: 1 }),
    ];
    try {
      await load(analyst, root, { patienceMs: 0 });
      let loads = 0;
      const places = async (writer: number) => {
        for (let i = 0; i < transactions; i++) {
          const n = writer * transactions + i;
          while (loads < Math.floor(((i + 1) * leastLoads) / transactions)) await sleep(5);
          await admin
            .begin(async (sql) => {
              await sql`set local session_replication_role = 'replica'`;
              const [at, pause] = [monthOf(n), (n * 37) % 11 === 0 ? 1500 : (n * 13) % 60];
              await sql`insert into orders.orders (id, customer_id, status, currency, subtotal, discount_amount, total, payment_method,
                confirmed_at, created_at, updated_at)
              values (${idOf(n)}, ${ids.customer(1 + (n % 5))}, 'confirmed', 'EUR', 200, 0, 200, 'card', ${at}, ${at}, ${at})`;
              await sql.savepoint(
                (inner) => inner`
              insert into orders.lines (order_id, position, product_id, sku, name, quantity, unit_price, total, unit_cost)
              values (${idOf(n)}, 1, ${ids.product(1 + (n % 5))}, 'S', 'N', 2, 100, 200, 10)`,
              );
              // A late change of what an earlier load has.
              await sql`update orders.lines set unit_cost = 11 where order_id = ${idOf(n - 20)}`;
              await sleep(pause);
              if (n % 4 === 3) throw new Error('rolled back');
            })
            .catch((error: Error) => {
              if (error.message !== 'rolled back') throw error;
            });
        }
      };
      const writing = { over: false };
      const all = Promise.all(Array.from({ length: writers }, (_, writer) => places(writer))).finally(() => {
        writing.over = true;
      });
      for (; !writing.over; loads++) await load(analyst, root, { patienceMs: 0 });
      await all;
      await load(analyst, root, { patienceMs: 0 });

      const truth = await admin`
      select o.id, l.unit_cost * 2 as cost from orders.orders o join orders.lines l on l.order_id = o.id
      where o.confirmed_at < '2020-01-01' order by 1`;
      const manifest = await readManifest(root);
      const { rows } = await withEngine(root, async (query) => {
        await createViews(query, root, manifest);
        return query(
          "select order_id as id, cost::varchar as cost from fact_sales where date < date '2020-01-01' order by 1",
        );
      });
      expect(rows).toEqual([...truth].map((row) => ({ ...row })));
      expect(rows.length).toBe((writers * transactions * 3) / 4);
      expect(rows.filter(({ cost }) => cost === '22').length).toBeGreaterThan(100);
      expect(await check(analyst, root, manifest)).toMatchObject({ findings: [] });
      expect(loads).toBeGreaterThanOrEqual(Math.max(leastLoads, 5));
    } finally {
      await Promise.all([admin.end(), analyst.end()]);
      await database.drop();
      await rm(root, { recursive: true });
    }
  },
  60 * 60_000,
);
