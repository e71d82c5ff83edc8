import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { run as checkInvariants } from '../../functions/jobs/check-invariants.ts';
import { run as watchOrders } from '../../functions/jobs/watch-orders.ts';
import type { OrderStatus } from '../../lib/contract/api/orders.ts';
import { stopwatch } from '../../lib/kernel/clock.ts';
import type { Sql } from '../../lib/platform/sql.ts';
import { poolOptions } from '../support/saga.ts';
import { openShop, type Shop } from '../support/shop-by-hand.ts';

const minute = 60;
const start = Date.UTC(2031, 0, 1);
let shop: Shop;
let monitor: Sql;
let admin: Sql;
/** Seconds that have passed since the orders were last touched. */
let passed = 0;
const clock = { now: () => start + passed * 1000 };
const counted: string[] = [];
const logged: object[] = [];
const meter = {
  count: (name: string, value = 1, label = '') => void counted.push(`${name}${label} ${value}`),
  flush: () => {},
};
const log = { error: (_: unknown, line: object) => void logged.push(line) } as never;
const sql = () => monitor;

beforeAll(async () => {
  shop = await openShop();
  monitor = shop.database.connect('monitor', { ...poolOptions, max: 1 }) as unknown as Sql;
  admin = shop.database.connect('rdsadmin', { max: 1 }) as unknown as Sql;
  await shop.restock();
});
afterAll(async () => {
  await Promise.all([monitor?.end(), admin?.end()]);
  await shop?.close();
});
beforeEach(async () => {
  passed = 0;
  counted.length = 0;
  logged.length = 0;
  // The audit of an order refuses to be emptied, even by its owner.
  await admin.begin(async (tx) => {
    await tx`set local session_replication_role = 'replica'`;
    await tx`truncate orders.orders cascade`;
  });
});

/** An order that was last touched at the start. */
async function leave(status: OrderStatus): Promise<string> {
  const { id } = await shop.order();
  await admin.begin(async (tx) => {
    await tx`set local session_replication_role = 'replica'`;
    const failure = status === 'needs_attention' ? 'x' : null;
    const action = status === 'pending_payment' ? '{}' : null;
    await tx`
      update orders.orders
      set status = ${status}, updated_at = ${new Date(start)}, failure_code = ${failure}, failure_detail = ${failure},
        payment_action = ${action}::text::jsonb
      where id = ${id}`;
  });
  return id;
}

describe('watch-orders', () => {
  const watch = () => watchOrders({ sql, clock, meter });

  test('an open order is counted when nothing has happened to it for five minutes of the clock', async () => {
    for (const status of ['pending', 'reserved', 'cancelling'] as const) await leave(status);
    passed = 5 * minute;
    expect(await watch()).toEqual({
      unended: 0,
      oldestUnended: 0,
      inManualReview: 0,
      oldestManualReview: 0,
      oldestOpenCapture: 0,
    });
    passed += 1;
    expect(await watch()).toMatchObject({ unended: 3, oldestUnended: 301 });
    expect(counted.slice(-5)).toEqual([
      'OrdersStuck 3',
      'OldestStuckOrder 301',
      'OrdersInManualReview 0',
      'OldestManualReview 0',
      'OldestOpenCapture 0',
    ]);
  });

  test('an order whose customer must act is counted after an hour', async () => {
    await leave('pending_payment');
    passed = 60 * minute;
    expect(await watch()).toMatchObject({ unended: 0, oldestUnended: 0 });
    passed += 1;
    expect(await watch()).toMatchObject({ unended: 1, oldestUnended: 3601 });
  });

  test('an order in manual review is counted at once, with its age by the clock', async () => {
    await leave('needs_attention');
    expect(await watch()).toMatchObject({ unended: 0, inManualReview: 1, oldestManualReview: 0 });
    passed = 3 * 3600;
    expect(await watch()).toMatchObject({ inManualReview: 1, oldestManualReview: 3 * 3600 });
    passed = -minute;
    expect(await watch(), 'a clock that is behind').toMatchObject({ inManualReview: 1, oldestManualReview: 0 });
  });

  test('an order whose compensation failed again counts from the first time that it was put into manual review', async () => {
    const id = await leave('needs_attention');
    for (const [attempt, minutes] of [-240, -225].entries())
      await shop.sql`
        insert into orders.manual_reviews (order_id, attempt, opened_at, from_status, reason, steps, error, message,
          money_at_stake, money_certain, stock_at_stake, execution, settled_at, settled_how)
        values (${id}, ${attempt}, ${new Date(start + minutes * minute * 1000)}, 'reserved', 'compensation-failed', '[]', 'Error',
          'x', 0, true, '[]', ${id}, ${new Date(start)}, 'retried')`;
    expect(await watch()).toMatchObject({ inManualReview: 1, oldestManualReview: 240 * minute });
  });

  test('ages are right even after the fifty years that a test clock can move', async () => {
    await leave('needs_attention');
    passed = 50 * 365 * 24 * 3600;
    expect(await watch()).toMatchObject({ oldestManualReview: passed });
  });
});

describe('check-invariants', () => {
  test('an order that is open after an hour of the clock breaks invariant 4, in every open status', async () => {
    const statuses = ['pending', 'reserved', 'pending_payment', 'cancelling'] as const;
    const ids = [];
    for (const status of statuses) ids.push(await leave(status));
    await leave('needs_attention');
    passed = 60 * minute;
    expect(await checkInvariants({ sql, clock, stopwatch, meter, log })).toMatchObject({ violations: 0 });
    expect(logged).toEqual([]);
    passed += 1;
    expect(await checkInvariants({ sql, clock, stopwatch, meter, log })).toMatchObject({ violations: 4 });
    expect(logged).toEqual([{ invariant: 'every-order-ends', count: 4, ids: expect.arrayContaining(ids) }]);
  });
});
