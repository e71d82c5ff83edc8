import { Agent, createServer, type Server } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import { listenOn, portOf } from '../../infra/local/loopback.ts';
import { quantile } from './numbers.ts';
import { placeOrder } from './orders.ts';
import { openShop, type Shop } from './shop.ts';

/** How long events take to receivers of webhooks that take them, from the moment at which they happened. */
export type EventFigures = {
  situation: string;
  /** Events that each receiver had to get. */
  events: number;
  p50Ms: number;
  p99Ms: number;
  /** Of the outbox to the bus alone. */
  publishedP99Ms: number;
  /** Events that a receiver did not get within a minute. */
  missing: number;
};

export type EventOptions = { ordersPerSecond: number; seconds: number; say: (line: string) => void };

export type Behaviour = 'takes' | 'hangs' | 'fails';

/** The share of the orders a second, because each receiver gets every event. */
const situations: [string, Behaviour[], number][] = [
  ['1 receiver', of('takes', 1), 1],
  ['4 receivers', of('takes', 4), 0.3],
  ['4, beside 1 that hangs and 1 that answers 500', [...of('hangs', 1), ...of('fails', 1), ...of('takes', 4)], 0.3],
];

function of(behaviour: Behaviour, count: number): Behaviour[] {
  return Array.from({ length: count }, () => behaviour);
}

/** Webhooks of orders that are placed steadily, in several situations one after the other. */
export async function measureEvents({ say, ...load }: EventOptions): Promise<EventFigures[]> {
  const shop = await openShop({ products: 20, customers: 10 });
  const agent = new Agent({ keepAlive: true });
  try {
    await place(shop, agent, { ...load, seconds: 2 });
    const figures: EventFigures[] = [];
    for (const [situation, behaviours, share] of situations) {
      say(situation);
      figures.push({
        situation,
        ...(await measure(shop, agent, behaviours, { ...load, ordersPerSecond: load.ordersPerSecond * share })),
      });
    }
    return figures;
  } finally {
    agent.destroy();
    await shop.close();
  }
}

async function measure(shop: Shop, agent: Agent, behaviours: Behaviour[], load: Omit<EventOptions, 'say'>) {
  await shop.stack.inside.sagasIdle();
  await shop.stack.inside.eventsDelivered();
  await using opened = new AsyncDisposableStack();
  const headers = { authorization: `Bearer ${await shop.newKey('webhooks:manage', 'events:read')}` };
  const receivers: Receiver[] = [];
  for (const behaviour of behaviours) {
    const receiver = await startReceiver(behaviour);
    opened.defer(receiver.stop);
    receivers.push(receiver);
    const id = await register(shop, receiver.url, headers);
    opened.defer(async () => {
      await fetch(`${shop.stack.baseUrl}/webhook-endpoints/${id}`, { method: 'DELETE', headers });
    });
  }
  await sleep(1100); // From then on they get events.
  const since = new Date();
  await place(shop, agent, load);
  await shop.stack.inside.sagasIdle();
  const { events, lags } = await published(shop, since);
  const taking = receivers.filter((_, n) => behaviours[n] === 'takes');
  const arrived = () => taking.every(({ lags: got }) => got.size >= events);
  for (const until = Date.now() + 60_000; !arrived() && Date.now() < until; ) await sleep(50);
  const all = taking.flatMap(({ lags: got }) => [...got.values()]);
  return {
    events,
    p50Ms: quantile(all, 0.5),
    p99Ms: quantile(all, 0.99),
    publishedP99Ms: quantile(lags, 0.99),
    missing: taking.length * events - all.length,
  };
}

/** Orders at a steady rate, whatever becomes of those before. */
async function place(
  { stack, tokens, productIds }: Shop,
  agent: Agent,
  { ordersPerSecond, seconds }: Omit<EventOptions, 'say'>,
) {
  const url = `${stack.baseUrl}/orders`;
  const underWay: Promise<unknown>[] = [];
  const startedAt = performance.now();
  for (let n = 0; n < ordersPerSecond * seconds; n++) {
    await sleep(Math.max(0, startedAt + (n * 1000) / ordersPerSecond - performance.now()));
    const token = tokens[n % tokens.length]!;
    underWay.push(placeOrder({ url, token, productIds: [productIds[n % productIds.length]!], wait: 0, agent }));
  }
  await Promise.all(underWay);
}

async function register({ stack }: Shop, url: string, headers: Record<string, string>): Promise<string> {
  const response = await fetch(`${stack.baseUrl}/webhook-endpoints`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify({ url, events: ['order.*'] }),
  });
  if (!response.ok) throw new Error(`POST /webhook-endpoints gave ${response.status}: ${await response.text()}`);
  return ((await response.json()) as { id: string }).id;
}

/** How many events of orders happened since a time, and how long each took to the bus. */
async function published({ stack }: Shop, since: Date): Promise<{ events: number; lags: number[] }> {
  const owner = postgres({ path: stack.inside.socketPath, user: 'rdsadmin', database: 'counterfoil', max: 1 });
  try {
    for (;;) {
      const rows = await owner<{ lag: number | null }[]>`
        select (extract(epoch from published_at - occurred_at) * 1000)::float as lag
        from outbox.events where occurred_at >= ${since} and type like 'order.%'`;
      if (rows.every(({ lag }) => lag !== null)) return { events: rows.length, lags: rows.map(({ lag }) => lag!) };
      await sleep(50);
    }
  } finally {
    await owner.end();
  }
}

/** A receiver, and how long each event took to it, by the event's id. */
export type Receiver = { url: string; lags: Map<string, number>; stop: () => Promise<void> };

export async function startReceiver(behaviour: Behaviour): Promise<Receiver> {
  const lags = new Map<string, number>();
  const server: Server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (behaviour === 'hangs') return;
    const { id, occurredAt } = JSON.parse(Buffer.concat(chunks).toString()) as { id: string; occurredAt: string };
    if (!lags.has(id)) lags.set(id, Date.now() - Date.parse(occurredAt));
    response.writeHead(behaviour === 'takes' ? 204 : 500).end();
  });
  await listenOn('127.0.0.1', 0, server);
  return {
    url: `http://127.0.0.1:${portOf(server)}/`,
    lags,
    async stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}
