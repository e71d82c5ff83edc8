import { Agent } from 'node:http';
import { placeOrder } from './orders.ts';

/*
 * A process of its own that plays the customers, so that they do not share the event loops of the stack. It is told a
 * load by a message and answers with what came of it.
 */

export type Load = { baseUrl: string; tokens: string[]; productIds: string[]; seconds: number };

/** Orders that were confirmed while the time ran, and how long each took in milliseconds. */
export type Outcome = { seconds: number; latencies: number[] } | { failure: string };

process.on('message', (load: Load) => {
  run(load)
    .catch((error: unknown): Outcome => ({ failure: error instanceof Error ? error.message : String(error) }))
    .then((outcome) => process.send?.(outcome))
    .catch(() => process.exit(1));
});

/** Each customer orders, waits for the end of it and orders again, until the time is up. */
async function run({ baseUrl, tokens, productIds, seconds }: Load): Promise<Outcome> {
  const agent = new Agent({ keepAlive: true, maxSockets: tokens.length });
  const startedAt = performance.now();
  const until = startedAt + seconds * 1000;
  const latencies: number[] = [];
  let endedAt = startedAt;
  const customer = async (token: string) => {
    while (performance.now() < until) {
      const orderedAt = performance.now();
      const productId = productIds[Math.floor(Math.random() * productIds.length)]!;
      const status = await placeOrder({ baseUrl, token, productId, wait: 20, agent });
      if (status !== 'confirmed') throw new Error(`An order ended ${status} instead of confirmed.`);
      endedAt = performance.now();
      latencies.push(endedAt - orderedAt);
    }
  };
  try {
    await Promise.all(tokens.map(customer));
    return { seconds: (endedAt - startedAt) / 1000, latencies };
  } finally {
    agent.destroy();
  }
}
