import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasMariaDb, type MariaDb, startMariaDb } from '../support/mariadb.ts';
import { asMigrator, moveInto } from '../support/move-in.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';

/* On a real MariaDB or MySQL, where there is one. */
describe.skipIf(!hasMariaDb)('a shop in MySQL', () => {
  let folder: string;
  let database: TestDatabase;
  let server: MariaDb;
  const run = moveInto(() => database);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'move-in-mysql-'));
    database = await createDatabase();
    server = await startMariaDb();
    const { query } = server;
    await query('create database shop character set utf8mb4');
    await query(`create table shop.clients (
      id bigint unsigned primary key, email varchar(100), name varchar(100), created datetime, home json)`);
    const rows = (count: number, row: (n: number) => string) =>
      Array.from({ length: count }, (_, at) => row(at + 1)).join(', ');
    await query(
      `insert into shop.clients
      values ${rows(1200, (n) => `(${n}, 'client-${n}@my.example', 'Zoë', '2022-03-04 05:06:07', json_object('city', 'Bern'))`)}`,
    );
    await query(
      `create table shop.sales (id int primary key, client bigint unsigned, total decimal(10, 2), at timestamp)`,
    );
    await query(
      `set time_zone = '+00:00'; insert into shop.sales values ${rows(50, (n) => `(${n}, ${n}, 12.5, '2023-03-04 05:06:07')`)}`,
    );
    await query(
      "create user reader@'127.0.0.1' identified by 'let me ?&/in'; grant select on shop.* to reader@'127.0.0.1'",
    );
  });
  afterAll(async () => {
    await server?.stop();
    await database?.drop();
    await rm(folder, { recursive: true, force: true });
  });

  test('is read in batches without writing, verified, and seen to change', async () => {
    const mapping = join(folder, 'mapping.json');
    const readBy = (customers: string) =>
      writeFile(
        mapping,
        JSON.stringify({
          basedOn: 'nothing',
          ...{ source: 'my', currency: 'CHF', prefix: 'MY' },
          queries: {
            customers,
            orders: `select *, 'done' as status, json_array(json_object('name', 'Thing', 'quantity', 1, 'total', total)) as items from sales`,
          },
          customers: { id: 'id', email: 'email', firstName: 'name', registered: 'created' },
          orders: {
            ...{ id: 'id', status: 'status', date: 'at', customerId: 'client', total: 'total', lines: 'items' },
            line: { name: 'name', quantity: 'quantity', total: 'total' },
            statuses: { done: 'delivered' },
          },
        }),
      );
    await readBy('select * from clients order by id');
    const address = `mysql://reader@127.0.0.1:${server.port}/shop`;
    const options = ['--mapping', mapping, '--out', join(folder, 'report')];
    const mysql = moveInto(() => database, { sourcePassword: 'let me ?&/in' });
    const { out, err } = await mysql('load', address, ...options);
    expect({ err, out: out.slice(-2) }).toEqual({
      err: [],
      out: [
        'customers: 1200 rows, 1200 added, 0 changed, 0 as before, 0 rejected',
        'orders: 50 rows, 50 added, 0 changed, 0 as before, 0 rejected',
      ],
    });
    const owner = asMigrator(database);
    try {
      const [row] = await owner`
        select c.name, d.value #>> '{order,created_at}' as at, k.total::integer as total
        from archive.order_keys k join archive.pages p on p.id = k.page_id join customers.customers c on c.id = k.customer_id,
          jsonb_each(p.documents) d
        where d.key = k.id::text and k.number = 'MY-7'`;
      expect(row).toEqual({ name: 'Zoë', at: '2023-03-04T05:06:07.000Z', total: 1250 });
    } finally {
      await owner.end();
    }
    expect((await mysql('verify', address, ...options)).out).toEqual([
      '1200 customers, 50 orders compared, 0 differences.',
    ]);
    await server.query(`update shop.clients set name = 'Zoe' where id = 3`);
    expect((await mysql('verify', address, ...options)).err).toEqual(['customers 3: has another name']);
    expect((await run('assess', address, ...options)).err[0]).toMatch(
      /^The database did not give customers: Access denied/,
    );
    await readBy('select * from nothing');
    expect((await mysql('assess', address, ...options)).err[0]).toMatch(
      /customers: Table 'shop.nothing' doesn't exist/,
    );
  });

  test('a mapping with queries is drafted from the names of its tables and columns, and its rows fit', async () => {
    await server.query('create database drafted character set utf8mb4');
    await server.query(
      `create table shop_customers (id int primary key, email varchar(100), full_name varchar(100), created_at datetime);
      insert into shop_customers select seq, concat('draft-', seq, '@my.example'), 'Zoë', '2022-03-04 05:06:07' from seq_1_to_10;
      create table shop_orders (id int primary key, customer_id int, order_date datetime, status varchar(20), total decimal(10, 2));
      insert into shop_orders select seq, seq, '2023-03-04 05:06:07', 'shipped', 12.5 from seq_1_to_10;
      create table order_items (id int auto_increment primary key, order_id int, sku varchar(10), product_name varchar(50), quantity int, price decimal(10, 2));
      insert into order_items (order_id, sku, product_name, quantity, price) select seq, 'X', 'Thing', 5, 2.5 from seq_1_to_10;
      create table sessions (id int); grant select on drafted.* to reader@'127.0.0.1'`,
      'drafted',
    );
    const address = `mysql://reader@127.0.0.1:${server.port}/drafted`;
    const mysql = moveInto(() => database, { sourcePassword: 'let me ?&/in' });
    const draft = await mysql('map', address, '--out', join(folder, 'draft'));
    expect(draft.out).toContain('Tables not used: sessions');
    const mapping = ['--mapping', join(folder, 'draft', 'mapping.json'), '--out', join(folder, 'draft')];
    const { out, err } = await mysql('assess', address, ...mapping);
    expect({ err, out: out.slice(0, 2) }).toEqual({
      err: [],
      out: ['customers: 10 rows, 0 of them do not fit', 'orders: 10 rows, 0 of them do not fit'],
    });
  });
});
