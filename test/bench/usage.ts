import { stat, writeFile } from 'node:fs/promises';
import { Agent } from 'node:http';
import { join } from 'node:path';
import postgres, { type Sql } from 'postgres';
import type { Usage } from '../../infra/cost/usage.ts';
import { countTransitions } from './counts.ts';
import { placeOrder } from './orders.ts';
import { processorTime } from './processor-time.ts';
import { openShop, type Shop } from './shop.ts';

/** Memory of a function, in GB: that of infra/constructs/handler-function.ts. */
const memoryGb = 1;
/** DynamoDB bills a write of at most 1 KB, and a strongly consistent read of at most 4 KB, as one unit; a transaction doubles it. */
const readUnits: Record<string, number> = { GetItem: 1, Query: 1, BatchGetItem: 1, TransactGetItems: 2 };
const writeUnits: Record<string, number> = { PutItem: 1, UpdateItem: 1, DeleteItem: 1, TransactWriteItems: 4 };

/**
 * Counts what orders use of everything that AWS bills by use. The functions' times are those of this machine: Lambda's differ by
 * its processor, and by start times, which are not in them.
 */
export async function measureUsage(orders: number): Promise<Usage> {
  let [invocations, milliseconds] = [0, 0];
  const shop = await openShop({
    products: 20,
    customers: 5,
    onRun: ({ milliseconds: each }) => {
      invocations++;
      milliseconds += each;
    },
  });
  const owner = postgres({ path: shop.stack.inside.socketPath, user: 'rdsadmin', database: 'counterfoil', max: 1 });
  try {
    await play(shop, 20);
    const before = await readingOf(shop, owner);
    [invocations, milliseconds] = [0, 0];
    await play(shop, orders);
    await shop.stack.inside.sagasIdle();
    await shop.stack.inside.eventsDelivered();
    await shop.stack.inside.accessesRecorded();
    const after = await readingOf(shop, owner);
    const each = (of: (reading: Reading) => number) => (of(after) - of(before)) / orders;
    const units = (of: Record<string, number>) =>
      Object.entries(of).reduce((sum, [name, unit]) => sum + unit * each(({ calls }) => calls[name] ?? 0), 0);
    return {
      requests: 2,
      invocations: invocations / orders,
      gbSeconds: (milliseconds / 1000 / orders) * memoryGb,
      transitions: (await countTransitions(shop, owner, orders)) / orders,
      dynamoReads: units(readUnits),
      dynamoWrites: units(writeUnits),
      events: each(({ events }) => events),
      logBytes: each(({ logBytes }) => logBytes),
      databaseMs: each(({ databaseMs }) => databaseMs),
      rowBytes: each(({ rowBytes }) => rowBytes),
    };
  } finally {
    await owner.end();
    await shop.close();
  }
}

/** Keeps a measurement for `npm run cost`. */
export async function recordUsage(usage: Usage): Promise<void> {
  const rounded = Object.fromEntries(
    Object.entries(usage).map(([name, value]) => [name, Number(value.toPrecision(3))]),
  );
  const file = new URL('../../infra/cost/usage.json', import.meta.url);
  const measuredAt = new Date().toISOString().slice(0, 10);
  await writeFile(file, `${JSON.stringify({ measuredAt, ...rounded }, null, 2)}\n`);
}

async function play({ stack, tokens, productIds }: Shop, orders: number): Promise<void> {
  const agent = new Agent({ keepAlive: true });
  try {
    for (let n = 0; n < orders; n++) {
      const token = tokens[n % tokens.length]!;
      const chosen = [productIds[n % productIds.length]!];
      const status = await placeOrder({ url: `${stack.baseUrl}/orders`, token, productIds: chosen, wait: 20, agent });
      if (status !== 'confirmed') throw new Error(`An order ended ${status} instead of confirmed.`);
      const response = await fetch(`${stack.baseUrl}/orders?limit=1`, {
        headers: { authorization: `Bearer ${token}` },
      });
      if (!response.ok) throw new Error(`GET /orders gave ${response.status}.`);
      await response.arrayBuffer();
    }
  } finally {
    agent.destroy();
  }
}

type Reading = {
  calls: Record<string, number>;
  events: number;
  logBytes: number;
  databaseMs: number;
  rowBytes: number;
};

async function readingOf({ stack, directory }: Shop, owner: Sql): Promise<Reading> {
  const [row] = await owner`
    select
      (select count(*)::integer from outbox.events) as events,
      (
        select sum(pg_total_relation_size(c.oid))::bigint
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relkind = 'r' and n.nspname in ('orders', 'payments', 'stock', 'outbox', 'read_models', 'audit')
      ) as row_bytes`;
  const { size } = await stat(join(directory, 'functions.log'));
  const databaseMs = (await processorTime([stack.inside.postgresPid()])) ?? 0;
  return {
    calls: { ...stack.inside.dynamoCalls() },
    events: row!.events as number,
    logBytes: size,
    databaseMs,
    rowBytes: Number(row!.row_bytes),
  };
}
