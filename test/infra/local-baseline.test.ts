import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startPostgres } from '../../infra/local/postgres/start.ts';
import { type Checkout, makeCheckout, removeCheckout } from '../e2e/checkout.ts';

let checkout: Checkout;
beforeAll(async () => {
  checkout = await makeCheckout();
});
afterAll(() => removeCheckout(checkout));

/** Opens the checkout's database while nothing else runs on it. */
async function withDatabase<T>(work: (sql: postgres.Sql) => Promise<T>): Promise<T> {
  const server = await startPostgres({ dataDir: join(checkout.folder, '.local/postgres') });
  const sql = postgres({ host: server.socketDir, user: 'migrator', database: 'counterfoil', max: 1 });
  try {
    return await work(sql);
  } finally {
    await sql.end();
    await server.stop();
  }
}

async function npmStart(): Promise<{ code: number | null; printed: string; problem: string }> {
  const { folder, port, identityPort } = checkout;
  const child = spawn(process.execPath, ['infra/local/main.ts'], {
    cwd: folder,
    env: { ...process.env, PORT: String(port), IDENTITY_PORT: String(identityPort) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'exit') as Promise<[number | null]>;
  const [printed, problem, [code]] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { code, printed, problem };
}

test('npm start over data from before the first release says how to start over, and changes nothing', async () => {
  const read = (sql: postgres.Sql) => sql`
    select table_schema, table_name, (select json_agg(a order by version) from migrations.applied a) as applied
    from information_schema.tables where table_schema not in ('pg_catalog', 'information_schema') order by 1, 2`;
  const before = await withDatabase(async (sql) => {
    await sql`create schema orders`;
    await sql`create table orders.attention (order_id text)`;
    await sql`create schema migrations`;
    await sql`create table migrations.applied (
      version integer primary key, name text, checksum text, applied_at timestamptz, execution_ms integer)`;
    await sql`
      insert into migrations.applied
      values (1, '0001_foundation', repeat('0', 64), now(), 1), (2, '0002_customers', repeat('1', 64), now(), 1)`;
    return [...(await read(sql))];
  });
  const { code, printed, problem } = await npmStart();
  expect(problem).toBe(
    '.local/ holds a database from before the first release, which cannot be migrated: run npm start -- --reset to delete it and start over\n',
  );
  expect(code).toBe(1);
  expect(printed).not.toContain('applying migrations');
  expect(await withDatabase(async (sql) => [...(await read(sql))])).toEqual(before);
  const kept = await readdir(join(checkout.folder, '.local'));
  expect(kept.filter((name) => name.startsWith('states'))).toEqual([]);
  expect(kept).not.toContain('demo.json');
});
