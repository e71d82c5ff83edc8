import { Agent } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import { quantile } from './numbers.ts';
import { placeOrder } from './orders.ts';
import { openShop, type Shop } from './shop.ts';

/** How long orders take alone and beside a statement that runs away, and how old reports are meanwhile. */
export type ReportFigures = { orders: number; p50Ratio: number; p99Ratio: number; lagSeconds: number };

export type ReportOptions = { rounds: number; seconds: number; say: (line: string) => void };

/** An analyst's joins without a condition. */
const runaway = `select count(*) from ${['a', 'b', 'c', 'd', 'e', 'f'].map((name) => `reporting.order_lines ${name}`).join(', ')}`;

/** Orders in turns: alone, and while the reader works on a statement that does not end. */
export async function measureReports({ rounds, seconds, say }: ReportOptions): Promise<ReportFigures> {
  const shop = await openShop({ products: 20, customers: 2 });
  const agent = new Agent({ keepAlive: true });
  try {
    const headers = { authorization: `Bearer ${await shop.newKey('reports:read')}` };
    const report = () => fetch(`${shop.stack.baseUrl}/reports/sales`, { headers });
    while ((await report()).status !== 200) await sleep(200);
    await order(shop, agent, seconds);
    const alone: number[] = [];
    const beside: number[] = [];
    let lagSeconds = 0;
    for (let round = 0; round < rounds; round++) {
      say(`round ${round + 1} of ${rounds}`);
      const besideIt = async () => {
        const path = await shop.stack.inside.reader.socketPath();
        const sql = postgres({ path, user: 'analyst', database: 'counterfoil', max: 1 });
        const running = sql.unsafe(runaway).catch(() => {});
        beside.push(...(await order(shop, agent, seconds)));
        const { lagSeconds: lag } = (await (await report()).json()) as { lagSeconds: number };
        lagSeconds = Math.max(lagSeconds, lag);
        await endAll(path);
        await running;
        await sql.end({ timeout: 0 });
      };
      const byItself = async () => void alone.push(...(await order(shop, agent, seconds)));
      for (const turn of round % 2 === 0 ? [byItself, besideIt] : [besideIt, byItself]) await turn();
    }
    const ratio = (share: number) => quantile(beside, share) / quantile(alone, share);
    return { orders: alone.length + beside.length, p50Ratio: ratio(0.5), p99Ratio: ratio(0.99), lagSeconds };
  } finally {
    agent.destroy();
    await shop.close();
  }
}

/** Ends what an analyst has left running. */
async function endAll(path: string): Promise<void> {
  const sql = postgres({ path, user: 'rdsadmin', database: 'counterfoil', max: 1 });
  await sql`select pg_terminate_backend(pid) from pg_stat_activity where usename = 'analyst'`;
  await sql.end();
}

/** Each customer orders, waits for the end of it and orders again. @returns how long each order took, in milliseconds */
async function order({ stack, tokens, productIds }: Shop, agent: Agent, seconds: number): Promise<number[]> {
  const until = performance.now() + seconds * 1000;
  const took: number[] = [];
  const customer = async (token: string) => {
    while (performance.now() < until) {
      const startedAt = performance.now();
      await placeOrder({
        url: `${stack.baseUrl}/orders`,
        token,
        productIds: [productIds[took.length % 20]!],
        wait: 20,
        agent,
      });
      took.push(performance.now() - startedAt);
    }
  };
  await Promise.all(tokens.map(customer));
  return took;
}
