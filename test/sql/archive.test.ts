import type { Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readFeed } from '../../lib/events/feed.sql.ts';
import { replayEvents } from '../../lib/events/webhooks/replay.sql.ts';
import { stopwatch, systemClock } from '../../lib/kernel/clock.ts';
import { type ArchiveDeps, archiveRecords } from '../../lib/operations/archive/archive.ts';
import { moveOrders } from '../../lib/operations/archive/move.sql.ts';
import { checkInvariants } from '../../lib/operations/monitoring/invariants.ts';
import { readOrderBalances } from '../../lib/operations/reconciliation/balances.sql.ts';
import { exportOrders } from '../../lib/shop/orders/export.sql.ts';
import { listOrders } from '../../lib/shop/orders/read.sql.ts';
import { readLedger } from '../../lib/shop/stock/ledger.sql.ts';
import { documentsThat } from '../support/dynamo.ts';
import { fillOldShop } from '../support/old-shop.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { poolOptions } from '../support/saga.ts';
import { ids } from '../support/shop-of-100k.ts';

const size = { customers: 10, products: 20, orders: 1200 };
let database: TestDatabase;
const sql = {} as Record<
  | 'owner'
  | 'admin'
  | 'jobs'
  | 'monitor'
  | 'orders'
  | 'events'
  | 'catalog'
  | 'export'
  | 'reconciler'
  | 'review'
  | 'other',
  Sql
>;
const now = () => new Date();

beforeAll(async () => {
  database = await createDatabase();
  await fillOldShop(database, size);
  const roles = {
    owner: 'migrator',
    admin: 'rdsadmin',
    jobs: 'jobs',
    monitor: 'monitor',
    orders: 'orders_api',
    events: 'events_api',
    catalog: 'catalog_api',
    export: 'customer_export',
    reconciler: 'reconciler',
    review: 'manual_review',
    other: 'migrator',
  } as const;
  for (const [name, role] of Object.entries(roles)) {
    sql[name as keyof typeof sql] = database.connect(role, { ...poolOptions, max: 1 }) as unknown as Sql;
  }
});
afterAll(async () => {
  await Promise.all(Object.values(sql).map((each) => each.end()));
  await database?.drop();
});

const archive = (over: Partial<ArchiveDeps> = {}) =>
  archiveRecords({
    sql: sql.jobs,
    clock: { now: Date.now },
    stopwatch,
    sleep: () => Promise.resolve(),
    afterMonths: 24,
    eventDays: 30,
    limitMs: 60_000,
    ...over,
  });

/** Everything that the shop shows, as its roles read it. */
async function shown() {
  const page = { status: undefined, before: undefined, limit: 1000 };
  const customers = Array.from({ length: size.customers }, (_, n) => ids.customer(n + 1));
  const products = Array.from({ length: size.products }, (_, n) => ids.product(n + 1));
  const feed = [];
  for (let after = 0, more = true; more; ) {
    const { data, next, hasMore } = await readFeed(sql.events, { after, limit: 170 });
    feed.push(...data);
    [after, more] = [next, hasMore];
  }
  const sequential = async <T>(of: string[], read: (id: string) => Promise<T>) => {
    const all: T[] = [];
    for (const id of of) all.push(await read(id));
    return all;
  };
  return {
    feed,
    orders: await sequential(customers, async (customerId) =>
      (await listOrders(sql.orders, { customerId, ...page })).map(({ archived, ...order }) => order),
    ),
    exported: await sequential(customers, async (customerId) =>
      (await exportOrders(sql.export, { customerId, before: undefined, limit: 1000 })).map(
        ({ archived, ...order }) => order,
      ),
    ),
    ledgers: await sequential(products, async (productId) => {
      const pages = [];
      for (let cursor: string | undefined; ; ) {
        const page: Awaited<ReturnType<typeof readLedger>> = await readLedger(sql.catalog, productId, {
          limit: 33,
          cursor,
        });
        pages.push(...page.data, page.level);
        if (page.nextCursor === null) return pages;
        cursor = page.nextCursor;
      }
    }),
    replayed: await replayed(),
    balances: [
      ...(await readOrderBalances(
        sql.reconciler,
        Array.from({ length: size.orders }, (_, n) => ids.order(n + 1)),
      )),
    ]
      .map(([, { changedAt, ...balance }]) => balance)
      .toSorted((a, b) => (a.orderId < b.orderId ? -1 : 1)),
    sales: await sql.owner`select * from reports.get_sales_report('2000-01-01', '2100-01-01', 'Europe/Berlin')`,
  };
}

/** Which events a replay of the past sends, the oldest first. */
async function replayed() {
  const sent: string[] = [];
  const client = documentsThat(async ({ input }) => {
    sent.push(...(JSON.stringify(input).match(/evt_[0-9a-f]{32}/g) ?? []));
    return {};
  });
  const store = { client, endpoints: '', deliveries: '', queue: '', clock: systemClock };
  const endpoint = { endpointId: 'whe_1', events: ['order.*'] } as never;
  const { events, next } = await replayEvents(sql.events, store, endpoint, { from: 0, to: 1, personalData: true });
  return { events, next, ids: [...new Set(sent)].toSorted() };
}

const rowsOf = async (...orderIds: string[]) => {
  const tables = [
    'orders.lines',
    'orders.timeline',
    'orders.manual_reviews',
    'payments.payments',
    'payments.refunds',
    'stock.reservations',
  ];
  const wanted = JSON.stringify(orderIds);
  const parts = tables.map(
    (table) => sql.owner`
      select ${table}::text as table, to_jsonb(t) as row from ${sql.owner(table)} t
      where order_id in (select jsonb_array_elements_text(${wanted}::text::jsonb)) order by to_jsonb(t)::text`,
  );
  const orders = sql.owner`
    select 'orders' as table, to_jsonb(o) as row from orders.orders o
    where id in (select jsonb_array_elements_text(${wanted}::text::jsonb)) order by id`;
  const found = [];
  for (const part of [orders, ...parts]) found.push(...(await part));
  return found;
};
const count = async (table: string) => Number((await sql.owner`select count(*) from ${sql.owner(table)}`)[0]!.count);
const breaks = async () => {
  const { violations } = await checkInvariants({
    sql: sql.monitor,
    clock: { now: Date.now },
    stopwatch,
    limitMs: 60_000,
    runsPerPass: 1,
  });
  return violations.filter(({ count, invariant }) => count > 0 && invariant !== 'every-order-ends');
};

describe('old records', () => {
  let before: Awaited<ReturnType<typeof shown>>;
  let rows: Awaited<ReturnType<typeof rowsOf>>;
  const some = [ids.order(20), ids.order(25), ids.order(51), ids.order(48)];

  test('nothing moves that somebody works on, and nobody is waited for', async () => {
    before = await shown();
    expect(before.replayed.ids).toHaveLength(1000);
    expect(await breaks()).toEqual([]);
    rows = await rowsOf(...some);
    await sql.other.begin(async (tx) => {
      await tx`select from orders.orders where id = ${ids.order(1)} for update`;
      await tx`select from payments.payments where order_id = ${ids.order(2)} for update`;
      expect(await moveOrders(sql.jobs, { before: now(), now: now(), limit: 5 })).toBe(3);
      const left = await sql.owner`select id from orders.orders where id <= ${ids.order(5)} order by id`;
      expect(left.map(({ id }) => id)).toEqual([ids.order(1), ids.order(2)]);
    });
  });

  test('what has ended moves, in batches, and what has not stays', async () => {
    const { orders, movements, events, done, longestMs } = await archive();
    expect(orders).toBeGreaterThan(900);
    expect(movements).toBeGreaterThan(1000);
    // The last event stays, and so do those that are not published.
    expect(events).toBeGreaterThan(1000);
    expect(done).toBe(true);
    expect(longestMs).toBeGreaterThanOrEqual(0);
    const left = await sql.owner`select status, count(*)::integer as count from orders.orders group by 1 order by 1`;
    // The confirmed one has a refund that is still requested.
    expect(Object.fromEntries(left.map((row) => [row.status, row.count]))).toEqual({
      cancelling: 50,
      needs_attention: 1,
      pending: 50,
      reserved: 50,
      confirmed: 1,
    });
    expect(await archive()).toMatchObject({ orders: 0, movements: 0, events: 0, done: true });
  });

  test('everything reads as before, from every side', async () => {
    const after = await shown();
    for (const part of Object.keys(before) as (keyof typeof before)[]) expect(after[part], part).toEqual(before[part]);
    const [first] = await listOrders(sql.orders, {
      customerId: ids.customer(1),
      status: 'failed',
      before: undefined,
      limit: 1,
    });
    expect(first).toMatchObject({ archived: true, status: 'failed' });
  });

  test('archived rows take their time in months, and far less room', async () => {
    const [{ bytes, raw, pages, orders }] = (await sql.owner`
      select sum(pg_column_size(documents))::integer as bytes, sum(length(documents::text))::integer as raw,
        count(*)::integer as pages, sum(orders)::integer as orders, min(orders) from archive.pages`) as never as [
      { bytes: number; raw: number; pages: number; orders: number },
    ];
    expect(raw / bytes).toBeGreaterThan(3);
    expect(orders / pages).toBeGreaterThan(60);
  });

  test('the ledger balances without its movements, whatever checks have forgotten', async () => {
    expect(await count('stock.movements')).toBeLessThan(500);
    expect(await breaks()).toEqual([]);
    await sql.owner`delete from monitor.opening_balances`;
    expect(await breaks()).toEqual([]);
    const [sums] = await sql.owner`
      select (select sum(on_hand) from stock.levels) = (
        select sum(on_hand) from (select distinct on (product_id) on_hand from archive.ledger_pages order by product_id, last_id desc) p
      ) + (select coalesce(sum(quantity), 0) from stock.movements) as agree`;
    expect(sums!.agree).toBe(true);
  });

  test('an archived order comes back as it was, and stays', async () => {
    for (const orderId of some) {
      await sql.review.begin(async (tx) => {
        const [row] = await tx`select archive.unarchive_order(${orderId}, ${new Date(Date.now() + 1000_000)}) as done`;
        expect(row!.done).toBe(true);
      });
    }
    expect(await rowsOf(...some)).toEqual(rows);
    expect(await breaks()).toEqual([]);
    const [again] = await sql.review`select archive.unarchive_order(${some[0]!}, now()) as done`;
    expect(again!.done).toBe(false);
    expect(await archive()).toMatchObject({ orders: 0, movements: 0 });
    const later = { now: () => Date.now() + 1001_000 };
    expect(await archive({ clock: later })).toMatchObject({ orders: some.length });
    expect(await shown()).toEqual(before);
  });

  test('a page that does not add up is found, and no longer once it does', async () => {
    const change = (by: number) => sql.owner`
      update archive.ledger_pages set on_hand = on_hand + ${by} where product_id = ${ids.product(3)} and last_id = (
        select min(last_id) from archive.ledger_pages where product_id = ${ids.product(3)}
      )`;
    await change(1);
    expect(await breaks()).toMatchObject([{ invariant: 'stock-never-oversold', ids: [ids.product(3)] }]);
    await change(-1);
    expect(await breaks()).toEqual([]);
  });

  test('orders that nobody archived cannot be inserted as ended, and only jobs move', async () => {
    await expect(sql.orders`select archive.move_orders(now(), now(), 1)`).rejects.toMatchObject({ code: '42501' });
    await expect(sql.jobs`select archive.unarchive_order('x', now())`).rejects.toMatchObject({ code: '42501' });
    await expect(sql.orders`
      insert into orders.orders (id, customer_id, status, currency, subtotal, discount_amount, total, payment_method, created_at, updated_at)
      values (${ids.order(20)}, ${ids.customer(1)}, 'failed', 'EUR', 0, 0, 0, 'pm_x', now(), now())`).rejects.toMatchObject(
      { constraint_name: 'order_begins_pending' },
    );
  });
});
