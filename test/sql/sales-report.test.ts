import type { Sql } from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stopwatch } from '../../lib/kernel/clock.ts';
import { archiveRecords } from '../../lib/operations/archive/archive.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { poolOptions } from '../support/saga.ts';
import { fillShop } from '../support/shop-of-100k.ts';

let database: TestDatabase;
let owner: Sql;
let jobs: Sql;
const zone = 'Europe/Berlin';

/** The shop's orders stand at times around the end of summer time in Berlin, 25 October 2026; some are given back. */
beforeAll(async () => {
  database = await createDatabase();
  await fillShop(database, { customers: 10, products: 20, orders: 1000 });
  [owner, jobs] = ['migrator', 'jobs'].map((role) => database.connect(role, poolOptions)) as unknown as [Sql, Sql];
  const admin = database.connect('rdsadmin', { max: 1 });
  await admin.unsafe(`
    set session_replication_role = 'replica';
    create temporary table moments as
      select id, timestamptz '2026-10-23 20:00Z' + row_number() over (order by id) * interval '7 minutes' as at from orders.orders;
    update orders.orders o set confirmed_at = m.at, created_at = m.at, updated_at = m.at, discount_amount = 10,
      discount_reason = 'large-order', total = subtotal - 10, currency = case when o.id like '%3' then 'USD' else 'EUR' end
      from moments m where m.id = o.id and o.status = 'confirmed';
    update payments.payments p set amount = o.total, currency = o.currency from orders.orders o where o.id = p.order_id;
    update payments.refunds r set updated_at = m.at + interval '3 days', currency = o.currency
      from moments m, orders.orders o where m.id = r.order_id and o.id = r.order_id;
    update orders.orders o set status = 'cancelled', updated_at = m.at + interval '1 day' from moments m
      where m.id = o.id and o.id like '%7' and o.status = 'confirmed';
    update payments.payments p set status = 'refunded', refunded_at = o.updated_at from orders.orders o
      where o.id = p.order_id and o.status = 'cancelled';
    update payments.payments p set status = 'voided', voided_at = refunded_at, refunded_at = null, captured_at = null,
      authorized_at = captured_at, expires_at = captured_at + interval '7 days'
      where status = 'refunded' and order_id ~ '[02468]7$' and refund_claimed = 0;
    update stock.reservations r set state = 'returned' from orders.orders o where o.id = r.order_id and o.status = 'cancelled';
    update orders.orders o set updated_at = greatest(o.updated_at, r.updated_at) from payments.refunds r where r.order_id = o.id`);
  await admin.end();
});
afterAll(async () => {
  await Promise.all([owner.end(), jobs.end()]);
  await database.drop();
});

type Row = {
  day: string;
  currency: string;
  orders: number;
  units: number;
  subtotal: number;
  discounts: number;
  sales: number;
  refunds: number;
  net: number;
};

const report = async (from: string, to: string, of = zone) =>
  (await owner`
    select day::text as day, currency, orders, units, subtotal, discounts, sales, refunds, net
    from reports.get_sales_report(${from}::date, ${to}::date, ${of})`) as unknown as Row[];

/** The same figures, added up here from plain rows. */
async function byHand(from: string, to: string): Promise<Row[]> {
  const dayOf = (at: Date) => at.toLocaleDateString('sv', { timeZone: zone });
  const rows = new Map<string, Row>();
  const on = (at: Date, currency: string): Row | undefined => {
    const day = dayOf(at);
    if (day < from || day >= to) return undefined;
    const key = `${day} ${currency}`;
    const row = rows.get(key) ?? {
      day,
      currency,
      orders: 0,
      units: 0,
      subtotal: 0,
      discounts: 0,
      sales: 0,
      refunds: 0,
      net: 0,
    };
    rows.set(key, row);
    return row;
  };
  const lines = await owner`select order_id, quantity from orders.lines`;
  for (const o of await owner`select * from orders.orders where confirmed_at is not null`) {
    const row = on(o.confirmedAt, o.currency);
    if (row === undefined) continue;
    row.orders += 1;
    row.units += lines.filter(({ orderId }) => orderId === o.id).reduce((sum, { quantity }) => sum + quantity, 0);
    row.subtotal += o.subtotal;
    row.discounts += o.discountAmount;
    row.sales += o.total;
  }
  const giveBack = (at: Date, currency: string, amount: number) => {
    const row = on(at, currency);
    if (row !== undefined) row.refunds += amount;
  };
  for (const r of await owner`select * from payments.refunds where status = 'succeeded'`)
    giveBack(r.updatedAt, r.currency, r.amount);
  for (const p of await owner`select * from payments.payments where status = 'refunded'`)
    giveBack(p.refundedAt, p.currency, p.amount - p.refundedAmount);
  const voided = await owner`select * from payments.payments where status = 'voided'`;
  expect(voided.length).toBeGreaterThan(10);
  for (const p of voided) giveBack(p.voidedAt, p.currency, p.amount);
  return [...rows.values()]
    .map((row) => ({ ...row, net: row.sales - row.refunds }))
    .toSorted((a, b) => `${a.day} ${a.currency}`.localeCompare(`${b.day} ${b.currency}`));
}

const periods: [string, string][] = [
  ['2026-10-24', '2026-10-25'],
  // 25 hours long.
  ['2026-10-25', '2026-10-26'],
  ['2026-10-01', '2026-12-01'],
];

let expected: Row[][];

test('a report says what was sold and given back on each day of the zone, by currency', async () => {
  expected = await Promise.all(periods.map(([from, to]) => byHand(from, to)));
  for (const [index, [from, to]] of periods.entries()) expect(await report(from, to)).toEqual(expected[index]);
  expect(expected[2]!.length).toBeGreaterThan(8);
  expect(expected[2]!.some(({ refunds }) => refunds > 0)).toBe(true);
  expect(await report('2020-01-01', '2021-01-01')).toEqual([]);
});

test('days are those of the zone, and one that does not exist is refused', async () => {
  expect(await report('2026-10-25', '2026-10-26', 'UTC')).not.toEqual(await report('2026-10-25', '2026-10-26'));
  await expect(report('2026-10-25', '2026-10-26', 'Europe/Nowhere')).rejects.toMatchObject({ code: '22023' });
});

test('the archive changes no figure, whole or half full', async () => {
  const clock = { now: () => Date.parse('2029-01-01') };
  const archive = (limitMs: number) =>
    archiveRecords({
      sql: jobs,
      clock,
      stopwatch,
      sleep: () => Promise.resolve(),
      afterMonths: 24,
      eventDays: 30,
      limitMs,
    });
  await owner`select archive.move_orders('2029-01-01', '2029-01-01', 40)`;
  for (const [index, [from, to]] of periods.entries()) expect(await report(from, to)).toEqual(expected[index]);
  expect((await archive(60_000)).orders).toBeGreaterThan(500);
  for (const [index, [from, to]] of periods.entries()) expect(await report(from, to)).toEqual(expected[index]);
});
