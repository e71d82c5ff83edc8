import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '../../functions/jobs/check-restored-copy.ts';
import { stopwatch } from '../../lib/kernel/clock.ts';
import { readRestoreTestAge } from '../../lib/operations/monitoring/restore-tests.sql.ts';
import type { Sql } from '../../lib/platform/sql.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { fillShop } from '../support/shop-of-100k.ts';

let shop: TestDatabase;
let copy: TestDatabase;
const transform = { column: { from: postgres.toCamel } };
const pools: Sql[] = [];
const connect = (database: TestDatabase, user = 'monitor'): Sql => {
  const sql = database.connect(user, { transform, max: 1 }) as unknown as Sql;
  pools.push(sql);
  return sql;
};
const day = 24 * 3600_000;
const now = Date.UTC(2040, 0, 1);

beforeAll(async () => {
  [shop, copy] = [await createDatabase(), await createDatabase()];
});

afterAll(async () => {
  await Promise.all(pools.map((sql) => sql.end()));
  await Promise.all([shop.drop(), copy.drop()]);
});

const check = (payload: unknown, at = now) => {
  const errors: object[] = [];
  const result = run(
    {
      copyAt: () => connect(copy),
      sql: () => connect(shop),
      clock: { now: () => at },
      stopwatch,
      log: { error: (_: string, about: object) => void errors.push(about) } as never,
    },
    payload,
  );
  return { result, errors };
};
const age = (at: number) => readRestoreTestAge(connect(shop), new Date(at));

test('a stage whose backups were never tested is as old as the stage', async () => {
  expect(await age(Date.now() + day)).toBeGreaterThan(0.9 * (day / 1000));
});

test('a copy without orders is no proof, and neither is one that could not be made', async () => {
  const before = await age(now);
  const { result, errors } = check({ host: 'copy' });
  expect(await result).toEqual({ status: 'FAILED', detail: 'the copy has no orders' });
  expect(errors).toHaveLength(1);
  expect(await check({ failure: 'It had no instance.' }, now + 1).result).toEqual({
    status: 'FAILED',
    detail: 'It had no instance.',
  });
  expect(await age(now)).toBe(before);
  await expect(check({ nothing: true }).result).rejects.toThrow();
});

test('a sound copy is reported with what it holds, one that breaks an invariant with its name, however long ago it was checked', async () => {
  await fillShop(copy, { customers: 5, products: 10, orders: 60 });
  const owner = connect(copy, 'rdsadmin');
  // The shop of this helper has orders that wait for longer than they may.
  await owner`set session_replication_role = 'replica'`;
  await owner`update orders.orders set updated_at = now()`;
  const { result } = check({ host: 'copy' }, now + 2 * day);
  expect(await result).toEqual({
    status: 'SUCCESSFUL',
    detail: expect.stringMatching(/^The copy is sound: 60 orders, \d+ of them under way, and 10 products as of /),
  });
  expect(await age(now + 3 * day)).toBe(day / 1000);

  // What the backup says was checked long ago, and until when, must not matter.
  await owner`update monitor.checks set reached = 'ord_z', changed_until = now() + interval '100 years'`;
  await owner`
    update orders.orders set status = 'confirmed', confirmed_at = now()
    where id = (select min(id) from orders.orders where status = 'reserved')`;
  await owner`delete from payments.payments where order_id = (select min(id) from orders.orders where status = 'confirmed')`;
  expect((await check({ host: 'copy' }, now + 4 * day).result).detail).toMatch(/^confirmed-is-complete: 1 \(ord_/);
  expect(await age(now + 3 * day)).toBe(day / 1000);
});
