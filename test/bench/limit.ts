import { once } from 'node:events';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import postgres from 'postgres';
import { loadCertificate } from '../../infra/local/certificate.ts';
import { region } from '../../infra/local/functions-environment.ts';
import { startRdsProxy } from '../../infra/local/rds-proxy/server.ts';
import { type OrderRows, rowsSince, tally } from './limit-rows.ts';
import type { WriterOutcome, WriterTask } from './limit-writer.ts';
import { placeOrder } from './orders.ts';
import type { Shop } from './shop.ts';

export type Limit = {
  /** Rows that one order leaves behind, by table. */
  rows: Record<string, number>;
  /** Orders' rows written a second by so many writers side by side. */
  perSecond(writers: number, seconds: number): Promise<number>;
  close(): Promise<void>;
};

/**
 * What the database takes at most of what an order leaves behind: the very rows of one, copied under new ids, each
 * order's in one transaction, by the product's own driver through an RDS Proxy stand-in like the product's.
 */
export async function openLimit(shop: Shop, writers: number): Promise<Limit> {
  const template = await templateOf(shop);
  const identity = { accessKeyId: 'BENCH', secretAccessKey: 'bench' };
  const certificate = await loadCertificate(join(shop.directory, 'bench-tls'));
  const proxy = await startRdsProxy({
    host: 'localhost',
    region,
    cert: certificate.cert,
    key: certificate.key,
    backendSocketPath: shop.stack.inside.socketPath,
    principals: (id) => (id === identity.accessKeyId ? { ...identity, dbUsers: ['migrator'] } : undefined),
  });
  const worker = new Worker(new URL('./limit-writer.ts', import.meta.url), {
    env: {
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: identity.accessKeyId,
      AWS_SECRET_ACCESS_KEY: identity.secretAccessKey,
      DATABASE_HOST: proxy.host,
      DATABASE_PORT: String(proxy.port),
      DATABASE_CA_FILE: certificate.caFile,
      DATABASE_POOL_SIZE: String(writers),
    },
  });
  return {
    rows: Object.fromEntries(Object.entries(template).map(([table, rows]) => [table, rows.length])),
    async perSecond(count, seconds) {
      const task: WriterTask = { template, productIds: shop.productIds, writers: count, seconds };
      worker.postMessage(task);
      const [outcome] = (await once(worker, 'message')) as [WriterOutcome];
      if ('failure' in outcome) throw new Error(`The limit cannot be measured: ${outcome.failure}`);
      return outcome.perSecond;
    },
    async close() {
      const ended = once(worker, 'exit');
      worker.postMessage('end');
      await ended;
      await proxy.stop();
    },
  };
}

/**
 * The rows that one order of this shop has left behind once it is confirmed. It is the last customer's, who orders nothing
 * else: the copies count as their unpaid orders.
 */
async function templateOf({ stack, tokens, productIds }: Shop): Promise<OrderRows> {
  const owner = postgres({ path: stack.inside.socketPath, user: 'rdsadmin', database: 'counterfoil', max: 1 });
  const agent = new Agent();
  try {
    // What is published, or gets its place in the feed, is written anew.
    await stack.inside.eventsDelivered();
    const before = await tally(owner);
    const order = {
      url: `${stack.baseUrl}/orders`,
      token: tokens.at(-1)!,
      productIds: productIds.slice(0, 1),
      wait: 20,
      agent,
    };
    const status = await placeOrder(order);
    if (status !== 'confirmed') throw new Error(`The first order ended ${status} instead of confirmed.`);
    const rows = await rowsSince(owner, before);
    // The database lets an order in only as pending; the row is of the same size.
    for (const row of rows['orders.orders'] ?? []) row.status = 'pending';
    for (const row of rows['outbox.events'] ?? []) row.position = null;
    return rows;
  } finally {
    agent.destroy();
    await owner.end();
  }
}
