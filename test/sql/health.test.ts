import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { run } from '../../functions/jobs/check-health.ts';
import type { Dependency } from '../../lib/contract/deploy/metrics.ts';
import { stopwatch } from '../../lib/kernel/clock.ts';
import { statementsSince } from '../../lib/operations/health/statements.ts';
import type { Sql } from '../../lib/platform/sql.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { poolOptions } from '../support/saga.ts';

let database: TestDatabase;
let monitor: Sql;
let owner: Sql;
let counted: Record<string, number>;
const meter = {
  count(name: string, value = 1, label = '') {
    counted[name + label] = value;
  },
};
const probes: Partial<Record<Dependency, () => Promise<unknown>>> = {};
const downs: string[] = [];
const check = () =>
  run({
    probes,
    sql: () => monitor,
    compare: statementsSince(),
    meter,
    stopwatch,
    onDown: (dependency, error) => void downs.push(`${dependency}: ${String(error)}`),
    deadlineMs: 200,
  });

beforeAll(async () => {
  database = await createDatabase();
  monitor = database.connect('monitor', { ...poolOptions, max: 1 }) as unknown as Sql;
  owner = database.connect('migrator', { ...poolOptions, max: 2 }) as unknown as Sql;
});
afterAll(async () => {
  await Promise.all([monitor?.end(), owner?.end()]);
  await database?.drop();
});
beforeEach(() => {
  counted = {};
  downs.length = 0;
  for (const name of Object.keys(probes)) delete probes[name as Dependency];
});

test('a database at rest is measured, and nothing is wrong with it', async () => {
  probes.database = () => monitor`select 1`;
  const found = await check();
  expect(found).toMatchObject({
    down: [],
    lockWaits: 0,
    unvacuumed: 0,
    unusedIndexes: [],
    missingIndexes: [],
    waiting: { events: 0, mails: 0, imports: 0, exports: 0 },
    slow: 0,
  });
  expect(counted).toMatchObject({ DependencyDowndatabase: 0, LockWaits: 0, TablesUnvacuumed: 0, SlowStatements: 0 });
  expect(counted.LoginTime).toBeGreaterThanOrEqual(0);
  expect(counted.DatabaseSize).toBeGreaterThan(1_000_000);
  expect(counted.ConnectionsUsed).toBeGreaterThan(0);
  expect(counted.ConnectionsUsed).toBeLessThan(100);
  expect(counted.FreezeAge).toBeLessThan(100);
});

test('a transaction that stays open and a session that waits for it are seen, with how long', async () => {
  const release = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  const holder = owner.begin(async (sql) => {
    await sql`lock table catalog.products in access exclusive mode`;
    held.resolve();
    await release.promise;
  });
  await held.promise;
  const waiter = owner`select count(*) from catalog.products`.execute();
  try {
    // The server rounds down, and leaves out waits below a second.
    await vi.waitFor(
      async () => {
        await check();
        expect(counted).toMatchObject({ LockWaits: 1 });
        expect(counted.LongestLockWait).toBeGreaterThanOrEqual(1);
        expect(counted.OldestTransaction).toBeGreaterThanOrEqual(counted.LongestLockWait!);
      },
      { timeout: 60_000, interval: 200 },
    );
  } finally {
    release.resolve();
    await Promise.all([holder, waiter]);
  }
  expect(await check()).toMatchObject({ lockWaits: 0 });
});

test('what is down is counted and said, and PostgreSQL is not asked when it is down itself', async () => {
  probes.sessions = () => Promise.reject(new Error('refused'));
  probes.states = () => new Promise(() => {});
  expect(await check()).toMatchObject({ down: ['sessions', 'states'] });
  expect(counted).toMatchObject({ DependencyDownsessions: 1, DependencyDownstates: 1 });
  expect(downs.toSorted()).toEqual(['sessions: Error: refused', expect.stringMatching(/^states: DeadlineExceeded/)]);
  counted = {};
  probes.database = () => Promise.reject(new Error('refused'));
  expect(await check()).toEqual({ down: ['sessions', 'states', 'database'] });
  expect(counted).not.toHaveProperty('ConnectionsUsed');
});

test('the role sees numbers, and no statement of another role', async () => {
  await owner.begin(async (sql) => {
    await sql`select 1 as secret_of_the_owner`;
    const seen = await monitor`select query from pg_stat_activity where usename = 'migrator'`;
    expect(seen.length).toBeGreaterThan(0);
    expect(seen.map(({ query }) => String(query)).join()).not.toContain('secret_of_the_owner');
  });
});
