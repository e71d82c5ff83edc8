import { Agent } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import { readFreshness } from '../../lib/analytics/freshness.sql.ts';
import { median, quantile } from './numbers.ts';
import { placeOrder } from './orders.ts';
import { canSeparate, separate, unite } from './processors.ts';
import { openShop, type Shop } from './shop.ts';

/** Orders beside a statement that runs away on the reader, against orders alone: the middle of the ratios of each round's turns. */
type Beside = { orders: number; p50Ratio: number; p99Ratio: number };

export type ReportFigures = {
  /** As on a laptop: reader and writer share the processors. */
  shared: Beside;
  /** As on AWS: the reader has its own. Undefined where programs cannot be kept apart. */
  apart: Beside | undefined;
  /** How old the reader's data were at most meanwhile. */
  lagSeconds: number;
};

export type ReportOptions = { rounds: number; seconds: number; say: (line: string) => void };

/** An analyst's joins without a condition. */
const runaway = `select count(*) from ${['a', 'b', 'c', 'd', 'e', 'f'].map((name) => `reporting.order_lines ${name}`).join(', ')}`;

const lookMs = 250;

/** It runs for a minute until it is cut. What is measured is not its first moment. */
const underWayMs = 1000;

/** Orders in turns: alone, and while the reader works on a statement that does not end. */
export async function measureReports({ rounds, seconds, say }: ReportOptions): Promise<ReportFigures> {
  const shop = await openShop({ products: 20, customers: 2 });
  const agent = new Agent({ keepAlive: true });
  try {
    const headers = { authorization: `Bearer ${await shop.newKey('reports:read')}` };
    const report = () => fetch(`${shop.stack.baseUrl}/reports/sales`, { headers });
    while ((await report()).status !== 200) await sleep(200);
    await order(shop, agent, seconds);
    let lagSeconds = 0;
    const byItself = async () => {
      await sleep(underWayMs);
      return order(shop, agent, seconds);
    };
    const besideIt = async () => {
      const path = await shop.stack.inside.reader.socketPath();
      const sql = postgres({ path, user: 'analyst', database: 'counterfoil', max: 1 });
      const running = sql.unsafe(runaway).catch(() => {});
      const watched = watchLag(path);
      await sleep(underWayMs);
      const took = await order(shop, agent, seconds);
      lagSeconds = Math.max(lagSeconds, await watched());
      await endAll(path);
      await running;
      await sql.end({ timeout: 0 });
      return took;
    };
    const compare = async (where: string): Promise<Beside> => {
      const turns: { alone: number[]; beside: number[] }[] = [];
      for (let round = 0; round < rounds; round++) {
        say(`round ${round + 1} of ${rounds}, ${where}`);
        const turn = { alone: [] as number[], beside: [] as number[] };
        if (round % 2 === 0) turn.alone = await byItself();
        turn.beside = await besideIt();
        if (round % 2 === 1) turn.alone = await byItself();
        turns.push(turn);
      }
      const ratio = (share: number) =>
        median(turns.map(({ alone, beside }) => quantile(beside, share) / quantile(alone, share)));
      const orders = turns.reduce((count, { alone, beside }) => count + alone.length + beside.length, 0);
      return { orders, p50Ratio: ratio(0.5), p99Ratio: ratio(0.99) };
    };
    const shared = await compare('processors shared');
    if (!canSeparate()) return { shared, apart: undefined, lagSeconds };
    await separate(await readerPid(await shop.stack.inside.reader.socketPath()));
    return { shared, apart: await compare('the reader on its own'), lagSeconds };
  } finally {
    if (canSeparate()) await unite();
    agent.destroy();
    await shop.close();
  }
}

/**
 * Looks again and again how old the reader's data are. The age of a report would be that of its oldest part, which is the warehouse's
 * once a load has run.
 * @returns what ends it, and says how many seconds they were old at most
 */
function watchLag(path: string): () => Promise<number> {
  const transform = { column: { from: postgres.toCamel } };
  const sql = postgres({ path, user: 'reporting', database: 'counterfoil', max: 1, transform });
  let most = 0;
  let over = false;
  const watching = (async () => {
    while (!over) {
      const { lagMs } = await readFreshness(sql);
      most = Math.max(most, lagMs);
      await sleep(lookMs);
    }
    await sql.end();
  })();
  return async () => {
    over = true;
    await watching;
    return most / 1000;
  };
}

async function readerPid(path: string): Promise<number> {
  const sql = postgres({ path, user: 'rdsadmin', database: 'counterfoil', max: 1 });
  const [row] = await sql`select pg_read_file('postmaster.pid') as file`;
  await sql.end();
  return Number(String(row!.file).split('\n')[0]);
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
