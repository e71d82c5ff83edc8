import type { TransactionSql } from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { stopwatch } from '../../lib/kernel/clock.ts';
import { checkInvariants } from '../../lib/operations/monitoring/invariants.ts';
import type { Sql } from '../../lib/platform/sql.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { poolOptions } from '../support/saga.ts';
import { fillShop, ids } from '../support/shop-of-100k.ts';

const orders = 400;
const products = 40;
const minute = 60_000;
const day = 24 * 60 * minute;
const start = Date.now();
let database: TestDatabase;
let monitor: Sql;
let owner: Sql;
let passed = 0;
const clock = { now: () => start + passed };

/** A run in a shop whose history takes seven runs of 60 orders, in pages of 20 rows. */
const check = (over: Partial<Parameters<typeof checkInvariants>[0]> = {}) =>
  checkInvariants({
    sql: monitor,
    clock,
    stopwatch,
    limitMs: 60_000,
    runsPerPass: 7,
    atLeast: 20,
    pageSize: 20,
    ...over,
  });

/** What breaks which invariant; the shop's open orders are older than they may be. */
const broken = ({ violations }: Awaited<ReturnType<typeof check>>) =>
  Object.fromEntries(
    violations
      .filter(({ invariant, count }) => count > 0 && invariant !== 'every-order-ends')
      .map(({ invariant, ids: found }) => [invariant, found]),
  );

async function pastGuards(change: (tx: TransactionSql) => Promise<unknown>) {
  await owner.begin(async (tx) => {
    await tx`set local session_replication_role = 'replica'`;
    await change(tx);
  });
}

beforeAll(async () => {
  database = await createDatabase();
  await fillShop(database, { customers: 10, products, orders });
  monitor = database.connect('monitor', { ...poolOptions, max: 1 }) as unknown as Sql;
  owner = database.connect('rdsadmin', { ...poolOptions, max: 1 }) as unknown as Sql;
  await pastGuards((tx) => tx`update orders.orders set updated_at = ${new Date(start - 300 * day)}`);
  await owner.unsafe('analyze');
});
afterAll(async () => {
  await Promise.all([monitor?.end(), owner?.end()]);
  await database?.drop();
});
beforeEach(async () => {
  passed = 0;
  await pastGuards((tx) => tx`update orders.orders set updated_at = ${new Date(start - 300 * day)}`);
  await owner`truncate monitor.checks, monitor.violations, monitor.opening_balances`;
});

const confirmed = ids.order(101);
const old = ids.order(233);

describe('an order', () => {
  test('that changed lately is checked by the next run, and counted until it is in order', async () => {
    await check();
    passed = 15 * minute;
    await pastGuards(async (tx) => {
      await tx`update orders.orders set updated_at = ${new Date(clock.now() - minute)} where id = ${confirmed}`;
      await tx`update payments.payments set amount = amount + 1 where order_id = ${confirmed}`;
    });
    expect(broken(await check())).toEqual({ 'confirmed-is-complete': [confirmed] });
    passed = 3 * day;
    for (let run = 0; run < 7; run++) expect(broken(await check())).toEqual({ 'confirmed-is-complete': [confirmed] });
    await pastGuards(async (tx) => {
      await tx`update payments.payments set amount = amount - 1 where order_id = ${confirmed}`;
    });
    expect(broken(await check())).toEqual({});
  });

  test('that committed after a run with an earlier time is checked by the next run', async () => {
    await check();
    passed = 15 * minute;
    await check();
    await pastGuards(async (tx) => {
      await tx`update orders.orders set updated_at = ${new Date(clock.now() - 2 * minute)} where id = ${confirmed}`;
      await tx`update payments.payments set amount = amount + 1 where order_id = ${confirmed}`;
    });
    passed = 30 * minute;
    expect(broken(await check())).toEqual({ 'confirmed-is-complete': [confirmed] });
    await pastGuards(async (tx) => {
      await tx`update payments.payments set amount = amount - 1 where order_id = ${confirmed}`;
    });
  });

  test('of long ago is checked within one pass, and the age says how long nobody looked', async () => {
    await pastGuards((tx) => tx`update payments.payments set amount = amount + 1 where order_id = ${old}`);
    const found: number[] = [];
    const ages: number[] = [];
    for (let run = 0; run < 8; run++) {
      const result = await check();
      found.push(Object.keys(broken(result)).length);
      ages.push(result.age);
      passed += day;
    }
    await pastGuards((tx) => tx`update payments.payments set amount = amount - 1 where order_id = ${old}`);
    expect(found[0], 'the first slice does not reach it').toBe(0);
    expect(found.at(-1)).toBe(1);
    const seconds = day / 1000;
    expect(Math.max(...ages)).toBeLessThanOrEqual(7 * seconds);
    expect(Math.max(...ages)).toBeGreaterThanOrEqual(5 * seconds);
  });

  test('is checked later when a run is out of time, and the lag says how much later', async () => {
    await check();
    passed = day;
    await pastGuards(async (tx) => {
      await tx`
        update orders.orders set updated_at = ${new Date(start)}::timestamptz + right(id, 3)::integer * interval '1 second'
        where right(id, 3) ~ '^[0-9]+$' and status = 'confirmed'`;
    });
    const lags: number[] = [];
    do lags.push((await check({ limitMs: 0 })).lag);
    while (lags.at(-1)! > 0 && lags.length < 100);
    expect(lags.length).toBeGreaterThan(2);
    expect(lags[0]).toBeGreaterThan(day / 2000);
    expect(lags).toEqual(lags.toSorted((a, b) => b - a));
    expect(lags.at(-1)).toBe(0);
  });
});

describe('a ledger', () => {
  const product = ids.product(17);
  const rows = () =>
    owner`select product_id, month, before, on_hand, reserved from monitor.opening_balances order by product_id, month`;
  /** A run that looks at everything. */
  const whole = () => check({ runsPerPass: 1, atLeast: 10_000 });

  test('is summed from its opening balance, which follows an hour behind', async () => {
    expect(broken(await whole())).toEqual({});
    const opened = await rows();
    expect(opened).toHaveLength(products);
    await owner`
      insert into stock.movements (id, product_id, kind, quantity, reserved, reason, created_at)
      values (${`mov_${start.toString(16).padStart(12, '0')}${'7'.repeat(20)}`}, ${product}, 'adjustment', 5, 0, 'delivery', ${new Date(start)})`;
    passed = minute;
    expect(broken(await whole())).toEqual({});
    expect(await rows(), 'a movement of the last hour is not in it').toEqual(opened);
    passed = 40 * day;
    expect(broken(await whole())).toEqual({});
    const later = await rows();
    expect(later).toHaveLength(products + 1);
    const [first, second] = later.filter((row) => row.productId === product);
    expect(Number(second!.onHand)).toBe(Number(first!.onHand) + 5);
  });

  test('whose level was written past it is found, and so is one without a level', async () => {
    await whole();
    const missing = ids.product(18);
    const [level] = await owner`select product_id, on_hand, reserved from stock.levels where product_id = ${missing}`;
    await pastGuards(async (tx) => {
      await tx`update stock.levels set on_hand = on_hand + 1 where product_id = ${product}`;
      await tx`delete from stock.levels where product_id = ${missing}`;
    });
    for (let run = 0; run < 2; run++)
      expect(broken(await whole())).toEqual({ 'stock-never-oversold': [product, missing] });
    await pastGuards(async (tx) => {
      await tx`update stock.levels set on_hand = on_hand - 1 where product_id = ${product}`;
      await tx`insert into stock.levels (product_id, on_hand, reserved) values (${missing}, ${level!.onHand}, ${level!.reserved})`;
    });
    expect(broken(await whole())).toEqual({});
  });

  test('from which an old movement was deleted is found, though its opening balance hides that from the level', async () => {
    await whole();
    const [movement] =
      await owner`select to_jsonb(m)::text as row, id from stock.movements m where product_id = ${product} order by id limit 1`;
    await pastGuards((tx) => tx`delete from stock.movements where id = ${movement!.id}`);
    for (let run = 0; run < 2; run++) expect(broken(await whole())).toEqual({ 'stock-never-oversold': [product] });
    await pastGuards(
      (tx) =>
        tx`insert into stock.movements select (jsonb_populate_record(null::stock.movements, ${movement!.row as string}::text::jsonb)).*`,
    );
    expect(broken(await whole())).toEqual({});
  });

  test('with a wrong opening balance is no violation: the balance is made anew', async () => {
    await whole();
    const before = await rows();
    await owner`update monitor.opening_balances set on_hand = on_hand + 1 where product_id = ${product}`;
    expect(broken(await whole())).toEqual({});
    expect(await rows()).toEqual(before);
  });
});

test('a coupon that counts an order too many is found, and counted until it is in order', async () => {
  await owner`
    insert into pricing.coupons (code, kind, percent, created_at, updated_at) values ('COUNTED', 'percent', 5, now(), now())
    on conflict do nothing`;
  expect(broken(await check())).toEqual({});
  await owner`update pricing.coupons set used = 1 where code = 'COUNTED'`;
  for (let run = 0; run < 2; run++) expect(broken(await check())).toEqual({ 'coupons-within-limits': ['COUNTED'] });
  await owner`update pricing.coupons set used = 0 where code = 'COUNTED'`;
  expect(broken(await check())).toEqual({});
});
