import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { freePort } from '../e2e/checkout.ts';
import { asMigrator, moveInto } from '../support/move-in.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';

/* On a real MariaDB, where there is one: `apt install mariadb-server-core`, as the nightly workflow does. */
const there = spawnSync('mariadbd', ['--version']).status === 0;

describe.skipIf(!there)('a shop in MySQL', () => {
  let folder: string;
  let database: TestDatabase;
  let server: ChildProcess;
  let port: number;
  const run = moveInto(() => database);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'move-in-mysql-'));
    database = await createDatabase();
    const data = join(folder, 'data');
    const user = process.getuid?.() === 0 ? ['--user=root'] : [];
    execFileSync('mariadb-install-db', [`--datadir=${data}`, '--auth-root-authentication-method=normal', ...user], {
      stdio: 'ignore',
    });
    port = await freePort();
    const where = [
      `--datadir=${data}`,
      `--port=${port}`,
      `--socket=${join(folder, 'socket')}`,
      '--bind-address=127.0.0.1',
    ];
    server = spawn('mariadbd', ['--no-defaults', ...where, ...user], { stdio: 'ignore' });
    await vi.waitFor(() => query('select 1'), { timeout: 120_000, interval: 100 });
    await query('create database shop character set utf8mb4');
    await query(`create table shop.clients (
      id bigint unsigned primary key, email varchar(100), name varchar(100), created datetime, home json)`);
    await query(
      `insert into shop.clients
      select seq, concat('client-', seq, '@my.example'), 'Zoë', '2022-03-04 05:06:07', json_object('city', 'Bern') from seq_1_to_1200`,
      'shop',
    );
    await query(
      `create table shop.sales (id int primary key, client bigint unsigned, total decimal(10, 2), at timestamp)`,
    );
    await query(
      `set time_zone = '+00:00'; insert into shop.sales select seq, seq, 12.5, '2023-03-04 05:06:07' from seq_1_to_50`,
      'shop',
    );
    await query(
      "create user reader@'127.0.0.1' identified by 'let me ?&/in'; grant select on shop.* to reader@'127.0.0.1'",
    );
  });
  afterAll(async () => {
    if (server?.exitCode === null) {
      server.kill();
      await once(server, 'exit');
    }
    await database?.drop();
    await rm(folder, { recursive: true, force: true });
  });

  async function query(text: string, name?: string): Promise<void> {
    const { createConnection } = await import('mysql2/promise');
    const connection = await createConnection({
      ...{ host: '127.0.0.1', port, user: 'root', multipleStatements: true },
      ...(name === undefined ? {} : { database: name }),
    });
    try {
      await connection.query(text);
    } finally {
      await connection.end();
    }
  }

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
    const address = `mysql://reader@127.0.0.1:${port}/shop`;
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
    await query(`update shop.clients set name = 'Zoe' where id = 3`);
    expect((await mysql('verify', address, ...options)).err).toEqual(['customers 3: has another name']);
    expect((await run('assess', address, ...options)).err[0]).toMatch(
      /^The database did not give customers: Access denied/,
    );
    await readBy('select * from nothing');
    expect((await mysql('assess', address, ...options)).err[0]).toMatch(
      /customers: Table 'shop.nothing' doesn't exist/,
    );
  });
});
