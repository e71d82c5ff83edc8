import { once as event } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import type { Sql, TransactionSql } from 'postgres';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { inTransaction } from '../../lib/database/transaction.sql.ts';
import { isOutage } from '../../lib/kernel/outage.ts';
import { untilDeadline } from '../../lib/platform/handlers/lambda.ts';
import { dropPool, poolOf } from '../../lib/platform/pools.ts';
import { poolOptions } from '../support/handlers.ts';
import { createDatabase, type TestDatabase, testPostgres } from '../support/postgres.ts';

let database: TestDatabase;
let owner: Sql;
let relay: Relay;
const pools: Sql[] = [];
let lost: Promise<unknown>;

beforeAll(async () => {
  database = await createDatabase();
  owner = database.connect('migrator', poolOptions);
  await owner`create table public.things (n integer)`;
  relay = await startRelay();
});
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.end({ timeout: 1 })));
  await owner`truncate public.things`;
});
afterAll(async () => {
  await relay?.stop();
  await owner?.end();
  await database?.drop();
});

/** A pool as on Lambda, through a relay that can cut its connection; `lost` settles when the driver has noticed. */
const open = () => {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  lost = promise.then(() => turn());
  const way = { host: 'localhost', port: relay.port, max: 1, onclose: resolve };
  const pool = database.connect('migrator', { ...poolOptions, ...way });
  pools.push(pool);
  return pool;
};
const insert = (sql: Sql | TransactionSql, n: number) => sql`insert into public.things values (${n})`;
const kept = async () => (await owner`select n from public.things order by n`).map(({ n }) => n);

test('work that resolves is committed, and its result returned', async () => {
  expect(await inTransaction(open(), async (tx) => (await insert(tx, 1)).count)).toBe(1);
  expect(await kept()).toEqual([1]);
});

test('work that rejects is rolled back with its own error, and the pool goes on', async () => {
  const sql = open();
  const failing = inTransaction(sql, async (tx) => {
    await insert(tx, 1);
    throw new RangeError('as an example');
  });
  await expect(failing).rejects.toThrow(RangeError);
  await inTransaction(sql, (tx) => insert(tx, 2));
  expect(await kept()).toEqual([2]);
});

test('a statement that fails rolls back, and the pool goes on', async () => {
  const sql = open();
  const failing = inTransaction(sql, async (tx) => {
    await insert(tx, 1);
    await tx`select 1 / 0`;
  });
  await expect(failing).rejects.toMatchObject({ code: '22012' });
  await inTransaction(sql, (tx) => insert(tx, 2));
  expect(await kept()).toEqual([2]);
});

/** Not where PgBouncer judges and keeps no prepared statements. */
const prepares = testPostgres().bouncer?.prepares !== false;

describe.skipIf(!prepares)('a migration that changes what a prepared statement returns', () => {
  const widen = () => owner`alter table public.things alter column n type bigint`;
  afterEach(() => owner`alter table public.things alter column n type integer`);

  test('makes the transaction run once more, from its beginning', async () => {
    const sql = open();
    const runs: number[] = [];
    const work = (n: number) =>
      inTransaction(sql, async (tx) => {
        runs.push(n);
        await insert(tx, n);
        return (await tx`select n from public.things order by n`).length;
      });
    expect(await work(1)).toBe(1);
    await widen();
    expect(await work(2)).toBe(2);
    expect(runs).toEqual([1, 2, 2]);
    expect((await kept()).map(Number)).toEqual([1, 2]);
  });

  test('is not noticed by a statement outside a transaction', async () => {
    const sql = open();
    const read = () => sql`select n from public.things`;
    expect(await read()).toEqual([]);
    await widen();
    expect(await read()).toEqual([]);
  });
});

/** Ways of losing the connection in the middle of a transaction. */
const losses: [string, (pid: number) => unknown][] = [
  ['the server ends the session', endSession],
  ['the network closes it', () => relay.close()],
  ['the network breaks it', () => relay.reset()],
];

describe.each(losses)('%s', (_, lose) => {
  test('between two statements: an outage, and nothing is stored', async () => {
    const sql = open();
    const failing = inTransaction(sql, async (tx) => {
      await insert(tx, 1);
      await lose(await pidOf(tx));
      await lost;
      await insert(tx, 2);
    });
    expect(isOutage(await failing.catch((error) => error))).toBe(true);
    expect(await kept()).toEqual([]);
  });

  test('during a statement: an outage, and nothing is stored', async () => {
    const sql = open();
    let pid = 0;
    const failing = inTransaction(sql, async (tx) => {
      await insert(tx, 1);
      pid = await pidOf(tx);
      const sleeping = tx`select pg_sleep(600)`;
      sleeping.catch(() => {});
      await asleep(pid);
      await lose(pid);
      await sleeping;
    });
    expect(isOutage(await failing.catch((error) => error))).toBe(true);
    // The server's session goes on, and keeps its locks, until the server notices.
    await endSession(pid);
    expect(await kept()).toEqual([]);
  });

  test('after the last statement: an outage, and nothing is stored', async () => {
    const failing = inTransaction(open(), async (tx) => {
      await insert(tx, 1);
      await lose(await pidOf(tx));
      await lost;
    });
    expect(isOutage(await failing.catch((error) => error))).toBe(true);
    expect(await kept()).toEqual([]);
  });

  test('while others wait for the pool: they run, and the lost transaction runs nothing in their session', async () => {
    const sql = open();
    const others: Promise<unknown>[] = [];
    const failing = inTransaction(sql, async (tx) => {
      await insert(tx, 1);
      others.push(...[11, 12, 13].map((n) => inTransaction(sql, (other) => insert(other, n))));
      await lose(await pidOf(tx));
      await Promise.all(others);
      await insert(tx, 2);
    });
    expect(isOutage(await failing.catch((error) => error))).toBe(true);
    await Promise.all(others);
    expect(await kept()).toEqual([11, 12, 13]);
  });

  test('work that ignores the loss and goes on writes nothing', async () => {
    const sql = open();
    const failing = inTransaction(sql, async (tx) => {
      await insert(tx, 1);
      await lose(await pidOf(tx));
      await lost;
      try {
        await insert(tx, 2);
      } catch {}
      await insert(tx, 3).catch(() => {});
    });
    expect(isOutage(await failing.catch((error) => error))).toBe(true);
    expect(await kept()).toEqual([]);
  });

  test.each(['in a transaction', 'outside one'])(
    'during a statement %s: the handler’s next request is answered',
    async (where) => {
      const request = <T>(work: (sql: Sql | TransactionSql) => Promise<T>) => {
        const sql = poolOf('catalog_api', open);
        return untilDeadline(where === 'outside one' ? work(sql) : inTransaction(sql, work), 5000, 'catalog_api');
      };
      let pid = 0;
      const failing = request(async (sql) => {
        pid = await pidOf(sql);
        const sleeping = sql`select pg_sleep(600)`;
        sleeping.catch(() => {});
        await asleep(pid);
        await lose(pid);
        await sleeping;
      });
      expect(isOutage(await failing.catch((error) => error))).toBe(true);
      await endSession(pid);
      for (const n of [1, 2]) await request((sql) => insert(sql, n));
      expect(await kept()).toEqual([1, 2]);
      dropPool('catalog_api');
      pools.length = 0; // All are ended, the lost one as soon as its time of grace is over.
    },
  );
});

const pidOf = async (tx: Sql | TransactionSql): Promise<number> => (await tx`select pg_backend_pid() as pid`)[0]!.pid;

async function endSession(pid: number): Promise<void> {
  await owner`select pg_terminate_backend(${pid}, 120000)`;
}

async function asleep(pid: number): Promise<void> {
  for (;;) {
    const [row] = await owner`select from pg_stat_activity where pid = ${pid} and wait_event = 'PgSleep'`;
    if (row !== undefined) return;
  }
}

type Relay = { port: number; clients: Set<Socket>; close(): void; reset(): void; stop(): Promise<void> };

/** Passes bytes between TCP clients and the PostgreSQL of the test run. */
async function startRelay(): Promise<Relay> {
  const clients = new Set<Socket>();
  const server: Server = createServer((client) => {
    const backend = connect(testPostgres().socketPath);
    clients.add(client);
    client.on('close', () => clients.delete(client) && backend.destroy());
    backend.on('close', () => client.destroy());
    for (const socket of [client, backend]) socket.on('error', () => {});
    client.pipe(backend).pipe(client);
  });
  server.listen(0, 'localhost');
  await event(server, 'listening');
  return {
    port: (server.address() as { port: number }).port,
    clients,
    close: () => clients.forEach((client) => void client.destroy()),
    reset: () => clients.forEach((client) => void client.resetAndDestroy()),
    stop: async () => {
      server.close();
      await event(server, 'close');
    },
  };
}
