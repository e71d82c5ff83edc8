import fc from 'fast-check';
import type { Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Stretch } from '../../lib/analytics/groups.sql.ts';
import { answerOf } from '../../lib/analytics/parts.ts';
import { salesAmounts } from '../../lib/analytics/reports.ts';
import { readSales, readStretch } from '../../lib/analytics/sales.sql.ts';
import type { Grouping, SalesRow } from '../../lib/contract/api/reports.ts';
import type { TestDatabase } from '../support/postgres.ts';
import { poolOptions } from '../support/saga.ts';
import { createYearOfSales, zones } from '../support/year-of-sales.ts';

let database: TestDatabase;
let owner: Sql;
let reporting: Sql;

beforeAll(async () => {
  database = await createYearOfSales();
  [owner, reporting] = ['migrator', 'reporting'].map((role) => database.connect(role, poolOptions)) as [Sql, Sql];
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
          const {
            stretch: { begins },
          } = await readStretch(reporting, { from: day, to: '2031-01-01', zone });
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
