import { Agent } from 'node:http';
import { placeOrder } from './orders.ts';

/*
 * A process of its own that plays the customers, so that they do not share the event loops of the stack. It gets a load by
 * a message and answers with what came of it.
 */

export type Load = {
  /** Where orders are posted. */
  url: string;
  tokens: string[];
  productIds: string[];
  /** Different products in each order. */
  lines: number;
  /** Each customer orders again and again for so long. */
  seconds: number;
  /** Instead, so many orders are sent at once, and each once. */
  atOnce?: number;
};

/** How long each order took in milliseconds, how they ended, and how long all of it took. */
export type Outcome = { seconds: number; latencies: number[]; endings: Record<string, number> } | { failure: string };

process.on('message', (load: Load) => {
  (load.atOnce === undefined ? again(load) : atOnce(load, load.atOnce))
    .catch((error: unknown): Outcome => ({ failure: error instanceof Error ? error.message : String(error) }))
    .then((outcome) => process.send?.(outcome))
    .catch(() => process.exit(1));
});

/** Each customer orders, waits for the end of it and orders again, until the time is up. */
async function again({ url, tokens, productIds, lines, seconds }: Load): Promise<Outcome> {
  const agent = new Agent({ keepAlive: true, maxSockets: tokens.length });
  const startedAt = performance.now();
  const until = startedAt + seconds * 1000;
  const latencies: number[] = [];
  let endedAt = startedAt;
  const customer = async (token: string) => {
    while (performance.now() < until) {
      const orderedAt = performance.now();
      const status = await placeOrder({ url, token, productIds: some(productIds, lines), wait: 20, agent });
      if (status !== 'confirmed') throw new Error(`An order ended ${status} instead of confirmed.`);
      endedAt = performance.now();
      latencies.push(endedAt - orderedAt);
    }
  };
  try {
    await Promise.all(tokens.map(customer));
    return { seconds: (endedAt - startedAt) / 1000, latencies, endings: { confirmed: latencies.length } };
  } finally {
    agent.destroy();
  }
}

async function atOnce({ url, tokens, productIds, lines }: Load, orders: number): Promise<Outcome> {
  const agent = new Agent({ keepAlive: true, maxSockets: orders });
  const startedAt = performance.now();
  const latencies: number[] = [];
  const endings: Record<string, number> = {};
  const order = async (_: unknown, n: number) => {
    const token = tokens[n % tokens.length]!;
    const ending = await placeOrder({ url, token, productIds: some(productIds, lines), wait: 20, agent }).catch(
      (error: unknown) => String(error),
    );
    latencies.push(performance.now() - startedAt);
    endings[ending] = (endings[ending] ?? 0) + 1;
  };
  try {
    await Promise.all(Array.from({ length: orders }, order));
    return { seconds: (performance.now() - startedAt) / 1000, latencies, endings };
  } finally {
    agent.destroy();
  }
}

/** Different products, side by side in the list from a random place on. */
function some(productIds: string[], count: number): string[] {
  const first = Math.floor(Math.random() * productIds.length);
  return Array.from({ length: count }, (_, i) => productIds[(first + i) % productIds.length]!);
}
