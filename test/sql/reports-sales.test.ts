import fc from 'fast-check';
import type { Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Stretch } from '../../lib/analytics/groups.sql.ts';
import { answerOf } from '../../lib/analytics/parts.ts';
import { salesAmounts } from '../../lib/analytics/reports.ts';
import { readSales, readStretch } from '../../lib/analytics/sales.sql.ts';
import type { Grouping, SalesRow } from '../../lib/contract/api/reports.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { poolOptions } from '../support/saga.ts';
import { fillShop } from '../support/shop-of-100k.ts';

let database: TestDatabase;
let owner: Sql;
let reporting: Sql;

/** A year of orders, every 13 hours and 7 minutes; with money given back, foreign currencies, taxes, and an archive. */
beforeAll(async () => {
  database = await createDatabase();
  await fillShop(database, { customers: 10, products: 20, orders: 900 });
  [owner, reporting] = ['migrator', 'reporting'].map((role) => database.connect(role, poolOptions)) as [Sql, Sql];
  const admin = database.connect('rdsadmin', { max: 1 });
  await admin.unsafe(`
    set session_replication_role = 'replica';
    create temporary table moments as
      select id, row_number() over (order by id) as n,
        timestamptz '2025-11-15Z' + row_number() over (order by id) * interval '13 hours 7 minutes' as at
      from orders.orders where status = 'confirmed';
    update orders.lines l set discount = 5, tax = 7, brand = case when m.n % 3 = 0 then 'Brown' end, unit_cost = 60
      from moments m where m.id = l.order_id;
    update orders.orders o set confirmed_at = m.at, created_at = m.at, updated_at = m.at,
      discount_amount = s.discount, discount_reason = 'large-order', tax_amount = s.tax, tax_included = m.n % 2 = 0,
      total = s.gross - s.discount + case when m.n % 2 = 0 then 0 else s.tax end,
      shipping_address = case when m.n % 4 > 0 then jsonb_build_object('country', (array['DE', 'FR', 'CH'])[m.n % 4]) end,
      currency = case when m.n % 5 = 0 then 'USD' else 'EUR' end
      from moments m, (select order_id, sum(discount) as discount, sum(tax) as tax, sum(total) as gross
        from orders.lines group by 1) s
      where m.id = o.id and s.order_id = o.id;
    update payments.payments p set amount = o.total, currency = o.currency, status = 'captured', refunded_at = null,
      refunded_amount = 0, refund_claimed = 0 from orders.orders o where o.id = p.order_id and o.status = 'confirmed';
    update payments.payments p set status = 'refunded', refunded_at = m.at + interval '40 hours' from moments m
      where m.id = p.order_id and m.n % 11 = 0;
    update orders.orders o set status = 'cancelled' from moments m where m.id = o.id and m.n % 11 = 0;
    update stock.reservations r set state = 'returned' from moments m where m.id = r.order_id and m.n % 11 = 0;
    delete from payments.refunds;
    insert into payments.refunds (id, payment_id, order_id, status, currency, amount, reason, requested_by, reference,
        created_at, updated_at)
      select 'rfd_' || right(p.order_id, 32), p.id, p.order_id, 'succeeded', p.currency, 30, 'broken', 'app', 're_' || m.n,
        m.at + interval '30 hours', m.at + interval '31 hours'
      from payments.payments p join moments m on m.id = p.order_id where m.n % 7 = 0 and m.n % 11 <> 0;
    update payments.payments p set refunded_amount = 30, refund_claimed = 30 from payments.refunds r where r.payment_id = p.id;
    update orders.orders o set updated_at = m.at + interval '41 hours' from moments m where m.id = o.id;`);
  await admin.end();
});
afterAll(async () => {
  await Promise.all([owner.end(), reporting.end()]);
  await database.drop();
});

const between = (stretch: Stretch, groupBy: Grouping, zone = 'UTC'): Promise<SalesRow[]> =>
  reporting.begin('read only', (sql) =>
    readSales(sql, { stretch, zone, groupBy, currency: undefined }, 20_000),
  ) as never;

const byGroup = (rows: readonly SalesRow[]) => rows.toSorted((a, b) => keyOf(a).localeCompare(keyOf(b)));
const keyOf = ({ key, currency }: SalesRow) => `${key} ${currency}`;
const age = { source: 'reader', asOf: '2026-11-29T00:00:00.000Z', lagSeconds: 0, stale: false } as const;

/** Summer time begins or ends at midnight, by half an hour, twice, or a day is left out. */
const zones = [
  'UTC',
  'Europe/Berlin',
  'America/Sao_Paulo',
  'America/Havana',
  'Africa/Cairo',
  'Asia/Beirut',
  'Australia/Lord_Howe',
  'Pacific/Apia',
  'Antarctica/Troll',
  'Asia/Kathmandu',
];
const groupings: Grouping[] = ['day', 'week', 'month', 'product', 'brand', 'country'];

describe('the parts of a report', () => {
  test('add up to the whole at any boundary, in any zone and grouping', async () => {
    const hour = 3600_000;
    const [begins, ends] = [Date.parse('2025-11-14'), Date.parse('2026-12-10')];
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...zones),
        fc.constantFrom(...groupings),
        fc.array(fc.integer({ min: begins, max: ends }), { minLength: 1, maxLength: 4 }),
        async (zone, groupBy, cuts) => {
          const whole = await between({ begins: new Date(begins), ends: new Date(ends) }, groupBy, zone);
          // Also at the very moments of orders.
          const edges = [begins, ...cuts.map((cut, n) => (n % 2 ? cut : cut - (cut % hour))), ends].toSorted(
            (a, b) => a - b,
          );
          const parts = [];
          for (const [index, end] of edges.slice(1).entries()) {
            const stretch = { begins: new Date(edges[index]!), ends: new Date(end) };
            parts.push({ stretch, age, rows: await between(stretch, groupBy, zone) });
          }
          expect(byGroup(answerOf(parts, salesAmounts).data)).toEqual(byGroup(whole));
        },
      ),
      { numRuns: 40 },
    );
  });

  test('of every grouping have the same sums as one query over all orders', async () => {
    const all = { begins: new Date('2025-01-01'), ends: new Date('2027-06-01') };
    const truth = await owner`
      select currency, count(*)::bigint as orders, sum(total)::bigint as sales, sum(tax_amount)::bigint as tax
      from orders.orders where confirmed_at is not null group by 1 order by 1`;
    const given = await owner`
      select currency, sum(amount)::bigint as refunds from (
        select currency, amount from payments.refunds
        union all select currency, amount - refunded_amount from payments.payments where status = 'refunded') r
      group by 1 order by 1`;
    const sumOf = (rows: SalesRow[], currency: string, name: 'orders' | 'sales' | 'tax' | 'refunds') =>
      rows.filter((row) => row.currency === currency).reduce((sum, row) => sum + (row[name] ?? 0), 0);
    for (const groupBy of groupings) {
      const rows = await between(all, groupBy, 'America/Havana');
      for (const { currency, orders, sales, tax } of truth) {
        expect(sumOf(rows, currency, 'sales'), groupBy).toBe(sales);
        expect(sumOf(rows, currency, 'tax'), groupBy).toBe(tax);
        if (!['product', 'brand'].includes(groupBy)) expect(sumOf(rows, currency, 'orders'), groupBy).toBe(orders);
      }
      for (const { currency, refunds } of given) {
        if (!['product', 'brand'].includes(groupBy)) expect(sumOf(rows, currency, 'refunds'), groupBy).toBe(refunds);
      }
    }
  });

  test('are not changed by the archive', async () => {
    const all = { begins: new Date('2025-01-01'), ends: new Date('2027-06-01') };
    const before = await Promise.all(groupings.map((groupBy) => between(all, groupBy)));
    for (let n = 0; n < 30; n++) await owner`select archive.move_orders('2029-01-01', '2029-01-01', 40)`;
    const [row] = await owner`select count(*)::int as archived from archive.order_keys`;
    expect(row!.archived).toBeGreaterThan(100);
    for (const [index, groupBy] of groupings.entries()) expect(await between(all, groupBy)).toEqual(before[index]);
  });
});

describe('a day', () => {
  test('begins where its date begins in the zone, whatever the clocks do', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...zones),
        fc.integer({ min: Date.parse('2005-01-01'), max: Date.parse('2030-01-01') }),
        async (zone, moment) => {
          const day = new Date(moment).toISOString().slice(0, 10);
          const { begins } = await readStretch(reporting, { from: day, to: '2031-01-01', zone });
          const [dates] = await owner`
            select (${begins} at time zone ${zone}::text)::date::text as here,
              ((${begins} - interval '1 second') at time zone ${zone}::text)::date::text as before`;
          // Samoa had no 30 December 2011: then the next day begins here.
          expect(dates!.here >= day).toBe(true);
          expect(dates!.before < day).toBe(true);
        },
      ),
      {
        numRuns: 300,
        examples: [
          ['America/Havana', Date.parse('2026-11-01')],
          ['America/Sao_Paulo', Date.parse('2018-11-04')],
          ['Pacific/Apia', Date.parse('2011-12-30')],
          ['Asia/Beirut', Date.parse('2026-03-29')],
        ],
      },
    );
  });
});
