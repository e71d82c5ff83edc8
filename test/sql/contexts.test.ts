import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Sql } from '../../lib/platform/sql.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { poolOptions } from '../support/saga.ts';

let database: TestDatabase;
let owner: Sql;

beforeAll(async () => {
  database = await createDatabase();
  owner = database.connect('migrator', { ...poolOptions, max: 1 }) as unknown as Sql;
});
afterAll(async () => {
  await owner?.end();
  await database?.drop();
});

/*
 * What has to be cut before a context can move to a database of its own: docs/scale.md has the same table. Types of the schema
 * kernel do not count, because every database can have them.
 */
const dependencies = {
  // test/http/two-databases.test.ts moves accesses and usage. Actions of operators are written with what they tell of.
  audit: [],
  catalog: ['view of stock'],
  customers: ['function reads archive', 'function reads orders', 'function reads outbox'],
  outbox: [],
  pricing: [],
  stock: ['foreign key to catalog', 'function reads outbox', 'view of orders'],
  orders: [
    'foreign key to customers',
    'view of catalog',
    'view of customers',
    'view of payments',
    'function reads archive',
    'function reads customers',
    'function reads outbox',
    'function reads payments',
    'function reads pricing',
    'function reads stock',
  ],
  payments: ['foreign key to orders', 'view of orders'],
  monitor: [
    'function reads catalog',
    'function reads customers',
    'function reads outbox',
    'function reads reports',
    'view of archive',
    'view of orders',
    'view of payments',
    'view of pricing',
    'view of stock',
  ],
  // It moves rows of all of these in one transaction.
  archive: [
    'foreign key to catalog',
    'foreign key to customers',
    'function reads monitor',
    'function reads orders',
    'function reads outbox',
    'function reads payments',
    'function reads stock',
    'view of monitor',
    'view of orders',
    'view of payments',
    'view of stock',
  ],
  reporting: [
    'function reads archive',
    'function reads customers',
    'function reads orders',
    'function reads payments',
    'view of archive',
    'view of catalog',
    'view of customers',
    'view of orders',
    'view of payments',
    'view of stock',
  ],
  reports: ['function reads archive', 'function reads orders', 'function reads payments'],
};

test('contexts depend on each other in the database only as the table says', async () => {
  const rows = await owner`
    select c.connamespace::regnamespace::text as from, 'foreign key to ' || t.relnamespace::regnamespace::text as what
    from pg_constraint c join pg_class t on t.oid = c.confrelid
    where c.contype = 'f' and c.connamespace <> t.relnamespace
    union
    select v.relnamespace::regnamespace::text, 'view of ' || t.relnamespace::regnamespace::text
    from pg_depend d join pg_rewrite r on r.oid = d.objid join pg_class v on v.oid = r.ev_class
      join pg_class t on t.oid = d.refobjid
    where d.classid = 'pg_rewrite'::regclass and d.refclassid = 'pg_class'::regclass
      and v.relnamespace <> t.relnamespace and v.relnamespace >= 16384
    union
    select p.pronamespace::regnamespace::text, 'function reads ' || other.nspname
    from pg_proc p, pg_namespace other
    where p.pronamespace >= 16384 and other.oid >= 16384 and other.oid <> p.pronamespace
      and other.nspname <> 'kernel' and p.prosrc ~ ('\\m' || other.nspname || '\\.[a-z]')
    order by 1, 2`;
  const found: Record<string, string[]> = Object.fromEntries(Object.keys(dependencies).map((name) => [name, []]));
  for (const { from, what } of rows) found[from]?.push(what);
  for (const [name, list] of Object.entries(dependencies)) expect(found[name], name).toEqual(list.toSorted());
});
