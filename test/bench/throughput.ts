import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { openLimit } from './limit.ts';
import type { Load, Outcome } from './load.ts';
import { median, quantile, sum } from './numbers.ts';
import { openShop, type Shop } from './shop.ts';

export type Throughput = {
  clients: number;
  /** Confirmed orders a second. */
  ordersPerSecond: number;
  /** From sending the order to having its end, in milliseconds. */
  latencyMs: { p50: number; p99: number };
  /** The same rows written by as many writers, orders' worth a second. */
  limitPerSecond: number;
  /** The share of the limit that the product reached: the middle of the rounds' own shares. */
  ofLimit: number;
};

export type ThroughputOptions = {
  clients: readonly number[];
  /** How often each number of clients takes its turn; every turn is followed by the limit's. */
  rounds: number;
  seconds: number;
  limitSeconds: number;
  warmUpSeconds: number;
  say: (line: string) => void;
};

/** Confirmed orders a second over HTTP, sessions and limits on, beside what the database could take of their rows. */
export async function measureThroughput(options: ThroughputOptions) {
  const { clients, rounds, seconds, limitSeconds, warmUpSeconds, say } = options;
  const most = Math.max(...clients);
  const shop = await openShop({ products: 100, customers: most + 1 });
  const load = startLoad();
  try {
    const limit = await openLimit(shop, most);
    // The limit's rows look like orders that were left: the sweeper would take them for its own.
    await shop.stack.inside.stopSchedule();
    say('warming up');
    await runLoad(load, shop, 8, warmUpSeconds);
    await runLoad(load, shop, most, warmUpSeconds);
    await limit.perSecond(most, Math.min(1, limitSeconds));

    const turns = new Map(clients.map((count) => [count, [] as Turn[]]));
    for (let round = 1; round <= rounds; round++) {
      for (const count of clients) {
        say(`round ${round} of ${rounds}: ${count} clients`);
        await runLoad(load, shop, count, 0.3); // What the waiting of the last number of clients taught is unlearnt.
        const outcome = await runLoad(load, shop, count, seconds);
        turns.get(count)!.push({ ...outcome, limit: await limit.perSecond(count, limitSeconds) });
      }
    }
    await limit.close();
    return { rows: limit.rows, results: [...turns].map(([count, each]) => summarise(count, each)) };
  } finally {
    await endLoad(load);
    await shop.close();
  }
}

type Turn = { seconds: number; latencies: number[]; limit: number };

function summarise(clients: number, turns: Turn[]): Throughput {
  const latencies = turns.flatMap((turn) => turn.latencies);
  const speeds = turns.map((turn) => turn.latencies.length / turn.seconds);
  return {
    clients,
    ordersPerSecond: latencies.length / sum(turns.map((turn) => turn.seconds)),
    latencyMs: { p50: median(latencies), p99: quantile(latencies, 0.99) },
    limitPerSecond: sum(turns.map((turn) => turn.limit)) / turns.length,
    ofLimit: median(turns.map((turn, i) => speeds[i]! / turn.limit)),
  };
}

/** The process that plays the customers. */
export const startLoad = (): ChildProcess => fork(join(import.meta.dirname, 'load.ts'), { serialization: 'advanced' });

export async function endLoad(load: ChildProcess): Promise<void> {
  load.disconnect();
  await once(load, 'exit');
}

/** Orders of one line. @throws Error when one was not confirmed */
export const runLoad = (
  child: ChildProcess,
  { stack, tokens, productIds }: Pick<Shop, 'stack' | 'tokens' | 'productIds'>,
  clients: number,
  seconds: number,
) =>
  sendLoad(child, { url: `${stack.baseUrl}/orders`, tokens: tokens.slice(0, clients), productIds, lines: 1, seconds });

/** @throws Error when the load could not be played */
export async function sendLoad(child: ChildProcess, load: Load) {
  child.send(load);
  const outcome = await new Promise<Outcome>((resolve) => {
    const gone = (code: number | null) =>
      resolve({ failure: `the process that places the orders ended with code ${code}` });
    child.once('exit', gone);
    child.once('message', (message) => {
      child.off('exit', gone);
      resolve(message as Outcome);
    });
  });
  if ('failure' in outcome) throw new Error(`The load failed: ${outcome.failure}`);
  return outcome;
}
