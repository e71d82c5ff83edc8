import type { Sql } from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dropPool, poolOf } from '../../lib/platform/pools.ts';
import { logPayload } from '../support/access-lines.ts';
import { type LiveHandlers, openLiveHandlers } from '../support/live-handlers.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { poolOptions } from '../support/saga.ts';

/*
 * A context with a database of its own: accesses and usage. On AWS the functions with the roles below get another
 * DATABASE_HOST; docs/scale.md has the steps.
 */

const moved = ['audit_writer', 'audit_reader'] as const;
let handlers: LiveHandlers;
let second: TestDatabase;
let owner: Sql;

beforeAll(async () => {
  handlers = await openLiveHandlers();
  second = await createDatabase();
  owner = second.connect('rdsadmin', { ...poolOptions, max: 1 }) as unknown as Sql;
  // Nothing is left there that the moved functions could read by mistake.
  const others = await owner`
    select nspname as name from pg_namespace
    where oid >= 16384 and nspname not in ('audit', 'kernel') and nspname !~ '^pg_'`;
  for (const { name } of others) await owner`drop schema ${owner(name)} cascade`;
  for (const role of moved) poolOf(role, () => second.connect(role, poolOptions) as never);
});
afterAll(async () => {
  await owner?.end();
  await handlers?.close();
  await second?.drop();
});

async function deliver() {
  const { handler } = await import('../../functions/streams/record-access.ts');
  return await handler(logPayload(handlers.accessLines.splice(0)));
}

/** A pool whose place no other takes: on AWS, the one that is opened after a loss has the same DATABASE_HOST. */
function unreachable(role: (typeof moved)[number]) {
  const pool = second.connect(role, { ...poolOptions, path: undefined, host: '127.0.0.1', port: 1 });
  return Object.assign(pool, { end: async () => void poolOf(role, () => pool as never) });
}

test('accesses are recorded and read in a database of their own, and the shop does not need it', async () => {
  const writer = await handlers.appKey('catalog:write');
  const auditor = await handlers.appKey('audit:read');
  const product = { sku: 'TWO-1', name: 'Thing', price: { amount: 100, currency: 'EUR' } };
  const made = await handlers.call('create-product', { token: writer, body: product });
  expect(made.status).toBe(201);
  await deliver();

  const list = () => handlers.call('list-accesses', { token: auditor, query: { resource: made.body.id } });
  const listed = await list();
  expect(listed.status).toBe(200);
  expect(listed.body.data).toMatchObject([{ operation: 'create-product' }]);
  expect((await handlers.owner`select count(*)::integer as count from audit.accesses`)[0]).toEqual({ count: 0 });
  expect((await owner`select count(*)::integer as count from audit.accesses`)[0]!.count).toBeGreaterThan(0);

  for (const role of moved) {
    dropPool(role);
    poolOf(role, () => unreachable(role) as never);
  }
  expect((await list()).status).toBe(503);
  expect((await handlers.call('get-product', { parameters: { productId: made.body.id } })).status).toBe(200);
  await expect(deliver(), 'CloudWatch Logs delivers the lines again').rejects.toThrow();
});
