import type { Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newId } from '../../lib/kernel/ids.ts';
import { listAccesses, listReaders } from '../../lib/operations/audit/read.sql.ts';
import { addMonth, recordAccesses } from '../../lib/operations/audit/record.sql.ts';
import { readUsage } from '../../lib/operations/usage/usage.sql.ts';
import { complaints, type Mode, plansOf, tablesAbove, tablesIn, tellPlans } from '../support/explain.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { poolOptions } from '../support/saga.ts';

const perMonth = 30_000;
const months = ['2026-01', '2026-02', '2026-03', '2026-04'];
const hex = (n: number): string => n.toString(16).padStart(32, '0');
/** Accesses of 100 applications, 3,000 customers and their orders; the first customer has a tenth of all. */
const application = `app_${hex(3)}`;
const customer = `cus_${hex(77)}`;
const order = `ord_${hex(77)}`;

let database: TestDatabase;
let big: Set<string>;

beforeAll(async () => {
  database = await createDatabase();
  const owner = database.connect('migrator', { max: 1 }) as unknown as Sql;
  for (const month of months) {
    await addMonth(owner, new Date(`${month}-01T00:00:00Z`));
    await owner.unsafe(`
      insert into audit.accesses
      select at, 'acc_' || lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || lpad(to_hex(n), 20, '0'),
        'get-order', n % 7 = 0, 200, null, 5, 'r', 'app_' || lpad(to_hex(n % 100), 32, '0'), c, null, '192.0.2.0/24', array[c, o]
      from generate_series(1, ${perMonth}) n,
        lateral (select timestamptz '${month}-01T00:00:00Z' + n * interval '80 seconds') t (at),
        lateral (select case when n % 10 = 0 then 1 else n % 3000 end) w (who),
        lateral (select 'cus_' || lpad(to_hex(who), 32, '0'), 'ord_' || lpad(to_hex(n % 3000), 32, '0')) i (c, o)`);
  }
  await owner.unsafe(`
    insert into audit.touched
    select unnest(resources), at, id, application_id, write, true from audit.accesses;
    insert into audit.usage
    select 'app_' || lpad(to_hex(a), 32, '0'), h, 'operation-' || o, 10, 0, 0, array[1, 2, 3]
    from generate_series(1, 10) a, generate_series(1, 10) o,
      generate_series(timestamptz '2026-01-01Z', timestamptz '2026-04-28Z', '1 hour') h`);
  await owner.unsafe('analyze audit.accesses, audit.touched, audit.usage');
  await tellPlans(database);
  big = await tablesAbove(owner, 1000);
  await owner.end();
});
afterAll(() => database?.drop());

const march = { from: new Date('2026-03-01T00:00:00Z'), to: new Date('2026-04-01T00:00:00Z') };
const all = { from: new Date('2026-01-01T00:00:00Z'), to: new Date('2026-05-01T00:00:00Z') };
const someTime = { now: () => Date.parse('2026-02-20T12:00:00Z') };

const calls: [string, 'audit_reader' | 'audit_writer', (sql: Sql) => Promise<unknown>, number][] = [
  ['the accesses of an order', 'audit_reader', (sql) => listAccesses(sql, { ...all, resource: order, limit: 20 }), 100],
  ['what a customer did', 'audit_reader', (sql) => listAccesses(sql, { ...all, customer, limit: 20 }), 100],
  ['what an application did', 'audit_reader', (sql) => listAccesses(sql, { ...all, application, limit: 20 }), 100],
  [
    'a page from the middle, by application',
    'audit_reader',
    async (sql) => {
      const { nextCursor } = await listAccesses(sql, { ...march, application, limit: 20 });
      return listAccesses(sql, { ...march, application, limit: 20, cursor: nextCursor! });
    },
    100,
  ],
  [
    'a page from the middle, by resource',
    'audit_reader',
    async (sql) => {
      const resource = `cus_${hex(1)}`;
      const { nextCursor } = await listAccesses(sql, { ...march, resource, limit: 20 });
      return listAccesses(sql, { ...march, resource, limit: 20, cursor: nextCursor! });
    },
    100,
  ],
  ['who read a customer’s data in a month', 'audit_reader', (sql) => listReaders(sql, { customer, ...march }), 50],
  [
    'what an application used in a day',
    'audit_reader',
    (sql) =>
      readUsage(sql, {
        applicationId: application,
        from: new Date('2026-03-10T00:00:00Z'),
        to: new Date('2026-03-11T00:00:00Z'),
      }),
    240,
  ],
  [
    'recording a batch',
    'audit_writer',
    (sql) =>
      recordAccesses(
        sql,
        Array.from({ length: 20 }, () => ({
          accessId: newId('access', someTime),
          at: new Date(someTime.now()).toISOString(),
          operation: 'operation-1',
          write: false,
          status: 200,
          problem: null,
          milliseconds: 3,
          requestId: 'r',
          applicationId: application,
          keyId: null,
          customerId: null,
          network: null,
          resources: [order],
        })),
      ),
    50,
  ],
];

describe.each<Mode>(['custom', 'generic'])('with 120,000 accesses in four months, planned %s', (mode) => {
  test.each(calls)('%s reads through indexes, and no more rows than it needs', async (_, role, call, atMost) => {
    const plans = await plansOf(database, { role, mode, options: poolOptions }, call);
    expect(plans.length).toBeGreaterThan(0);
    expect(complaints(plans, big, atMost)).toEqual([]);
  });
});

test('a query about one month reads only that month', async () => {
  const plans = await plansOf(database, { role: 'audit_reader', mode: 'custom', options: poolOptions }, (sql) =>
    listReaders(sql, { customer, ...march }),
  );
  expect([...tablesIn(plans)]).toEqual(['audit.touched_2026_03']);
  expect(big).toContain('audit.touched_2026_03');
});
