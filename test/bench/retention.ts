import { Agent } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import postgres, { type Sql } from 'postgres';
import { inBatches } from '../../lib/database/batches.ts';
import { purgeExpiredKeys } from '../../lib/database/idempotency.sql.ts';
import { stopwatch } from '../../lib/kernel/clock.ts';
import { archiveRecords } from '../../lib/operations/archive/archive.ts';
import { fillOldShop } from '../support/old-shop.ts';
import { poolOptions } from '../support/saga.ts';
import { quantile } from './numbers.ts';
import { placeOrder } from './orders.ts';
import { openShop, type Shop } from './shop.ts';

/** How long orders take with and without the jobs that move and delete old records beside them. */
export type RetentionFigures = {
  /** In milliseconds, of orders that are waited for until they are confirmed. */
  without: { orders: number; p50: number; p99: number };
  with: { orders: number; p50: number; p99: number };
  /** With the jobs ÷ without them. */
  ratio: { p50: number; p99: number };
  /** What the jobs did meanwhile. */
  moved: { orders: number; movements: number; events: number; keys: number };
  /** The longest that a batch took, in milliseconds, as the job saw it. The database ends statements of jobs after 100. */
  longestBatchMs: number;
};

export type RetentionOptions = {
  /** Orders that ended long ago. */
  orders: number;
  ordersPerSecond: number;
  /** Rounds with and without, in turn. */
  rounds: number;
  seconds: number;
  say: (line: string) => void;
};

/** Orders at a steady rate, in rounds with the jobs and without them, in turn. */
export async function measureRetention({ orders, rounds, say, ...load }: RetentionOptions): Promise<RetentionFigures> {
  const shop = await openShop({ products: 20, customers: 10 });
  const connect = (user: string, options?: object) =>
    postgres({
      path: shop.stack.inside.socketPath,
      user,
      database: 'counterfoil',
      onnotice: () => {},
      ...options,
    }) as unknown as Sql;
  const sql = connect('jobs', { ...poolOptions, max: 2 });
  // A connection for each order: one that was kept may be closed at the moment at which it is used again.
  const agent = new Agent({ keepAlive: false });
  try {
    await shop.stack.inside.stopSchedule();
    say(`filling a shop with ${orders} old orders`);
    await fillOldShop({ connect } as never, { customers: Math.max(100, orders / 5), products: 5000, orders });
    const owner = connect('rdsadmin', { max: 1 });
    await owner`update orders.idempotency_keys set created_at = created_at - interval '9 days', expires_at = expires_at - interval '9 days'`;
    await owner.unsafe('vacuum analyze');
    await owner.end();
    await place(shop, agent, { ...load, seconds: 3 });
    const latencies = { without: [] as number[], with: [] as number[] };
    const moved = { orders: 0, movements: 0, events: 0, keys: 0 };
    let longestBatchMs = 0;
    for (let round = 0; round < rounds; round++) {
      say(`round ${round + 1} of ${rounds}`);
      latencies.without.push(...(await place(shop, agent, load)));
      const [placed, archived, keys] = await Promise.all([
        place(shop, agent, load),
        archive(sql, load.seconds),
        purge(sql, load.seconds),
      ]);
      latencies.with.push(...placed);
      moved.orders += archived.orders;
      moved.movements += archived.movements;
      moved.events += archived.events;
      moved.keys += keys.rows;
      longestBatchMs = Math.max(longestBatchMs, archived.longestMs, keys.longestMs);
    }
    const of = (each: number[]) => ({ orders: each.length, p50: quantile(each, 0.5), p99: quantile(each, 0.99) });
    const [without, beside] = [of(latencies.without), of(latencies.with)];
    const ratio = { p50: beside.p50 / without.p50, p99: beside.p99 / without.p99 };
    return { without, with: beside, ratio, moved, longestBatchMs };
  } finally {
    agent.destroy();
    await sql.end();
    await shop.close();
  }
}

const archive = (sql: Sql, seconds: number) =>
  archiveRecords({
    sql,
    clock: { now: Date.now },
    stopwatch,
    sleep: (milliseconds) => sleep(milliseconds),
    afterMonths: 24,
    eventDays: 30,
    limitMs: seconds * 1000,
  });

const purge = (sql: Sql, seconds: number) =>
  inBatches(
    { stopwatch, untilMs: stopwatch.elapsed() + seconds * 1000, sleep: (milliseconds) => sleep(milliseconds) },
    (limit) => purgeExpiredKeys(sql, 'orders.idempotency_keys', { now: new Date(), limit }),
  );

/** @returns how long each order took until it was confirmed, in milliseconds */
async function place(
  { stack, tokens, productIds }: Shop,
  agent: Agent,
  { ordersPerSecond, seconds }: { ordersPerSecond: number; seconds: number },
): Promise<number[]> {
  const url = `${stack.baseUrl}/orders`;
  const underWay: Promise<number>[] = [];
  const startedAt = performance.now();
  for (let n = 0; n < ordersPerSecond * seconds; n++) {
    await sleep(Math.max(0, startedAt + (n * 1000) / ordersPerSecond - performance.now()));
    const token = tokens[n % tokens.length]!;
    underWay.push(timed({ url, token, productIds: [productIds[n % productIds.length]!], wait: 20, agent }));
  }
  return await Promise.all(underWay);
}

async function timed(order: Parameters<typeof placeOrder>[0]): Promise<number> {
  const startedAt = performance.now();
  const status = await placeOrder(order);
  if (status !== 'confirmed') throw new Error(`An order ended ${status} instead of confirmed.`);
  return performance.now() - startedAt;
}
