import { median, sum } from './numbers.ts';
import { openShop } from './shop.ts';
import { endLoad, runLoad, startLoad } from './throughput.ts';

export type Hot = {
  clients: number;
  /** Confirmed orders a second when everybody wants the same product, and when each wants any of a hundred. */
  hotPerSecond: number;
  spreadPerSecond: number;
  /** The middle of the rounds' own ratios. */
  ofSpread: number;
};

export type HotOptions = {
  clients: readonly number[];
  /** How often each number of clients takes its turn on one product and on all, now the one first and now the other. */
  rounds: number;
  seconds: number;
  warmUpSeconds: number;
  say: (line: string) => void;
};

/** Confirmed orders a second on one hot product beside those on a hundred, in the same run. */
export async function measureHot({ clients, rounds, seconds, warmUpSeconds, say }: HotOptions): Promise<Hot[]> {
  const most = Math.max(...clients);
  const shop = await openShop({ products: 100, customers: most });
  const hot = { ...shop, productIds: shop.productIds.slice(0, 1) };
  const load = startLoad();
  try {
    say('warming up');
    await runLoad(load, shop, most, warmUpSeconds);
    await runLoad(load, hot, most, warmUpSeconds);
    const turns = new Map(clients.map((count) => [count, [] as { hot: number; spread: number }[]]));
    for (let round = 1; round <= rounds; round++) {
      for (const count of clients) {
        say(`round ${round} of ${rounds}: ${count} clients`);
        const turn = { hot: 0, spread: 0 };
        for (const which of round % 2 === 1 ? (['hot', 'spread'] as const) : (['spread', 'hot'] as const)) {
          const goods = which === 'hot' ? hot : shop;
          await runLoad(load, goods, count, 0.3); // What the waiting of the last turn taught is unlearnt.
          const outcome = await runLoad(load, goods, count, seconds);
          turn[which] = outcome.latencies.length / outcome.seconds;
        }
        turns.get(count)!.push(turn);
      }
    }
    return [...turns].map(([count, each]) => ({
      clients: count,
      hotPerSecond: sum(each.map((turn) => turn.hot)) / rounds,
      spreadPerSecond: sum(each.map((turn) => turn.spread)) / rounds,
      ofSpread: median(each.map((turn) => turn.hot / turn.spread)),
    }));
  } finally {
    await endLoad(load);
    await shop.close();
  }
}
