import { Agent } from 'node:http';
import { median } from './numbers.ts';
import { placeOrder } from './orders.ts';
import { openShop } from './shop.ts';

/** A function that is hot, and what it would take at several sizes of memory. */
export type MemoryFigures = {
  name: string;
  /** Milliseconds that it is busy, and that it waits for others, by the median of its runs one at a time. */
  busyMs: number;
  waitingMs: number;
  /** By megabytes: how long it would take in milliseconds, and what a million runs would cost in USD, requests included. */
  sizes: Record<number, { ms: number; usdPerMillion: number }>;
};

/** Lambda gives a function one whole processor from this many megabytes on, and its share below. */
const wholeProcessorMb = 1769;
const sizesMb = [256, 512, 1024, wholeProcessorMb];
/** arm64 in eu-west-1, list price. */
const usdPerGigabyteSecond = 0.0000133334;
const usdPerMillionRequests = 0.2;

/** Runs the functions of the order path and of the most frequent reads, one at a time. */
export async function measureMemory(runs: number): Promise<MemoryFigures[]> {
  const times = new Map<string, { busy: number; all: number }[]>();
  const shop = await openShop({
    products: 5,
    customers: 1,
    onRun: ({ handler, milliseconds, processorMilliseconds }) => {
      const known = times.get(handler) ?? [];
      times.set(handler, known);
      known.push({ busy: processorMilliseconds, all: milliseconds });
    },
  });
  const agent = new Agent({ keepAlive: true });
  try {
    await shop.stack.inside.stopSchedule();
    const { baseUrl } = shop.stack;
    const token = shop.tokens[0]!;
    const [first] = shop.productIds;
    const headers = { authorization: `Bearer ${token}` };
    const get = async (path: string) =>
      (await fetch(baseUrl + path, { headers })).json() as Promise<{ data: { id: string }[] }>;
    // The first runs compile what they use.
    for (let i = 0; i < 2 * runs; i++) {
      if (i === runs) times.clear();
      await placeOrder({ url: `${baseUrl}/orders`, token, productIds: shop.productIds.slice(0, 2), wait: 0, agent });
      await shop.stack.inside.sagasIdle();
      await shop.stack.inside.accessesRecorded();
      const { data } = await get('/orders?limit=20');
      await get(`/orders/${data[0]!.id}`);
      await get(`/products/${first}`);
    }
  } finally {
    agent.destroy();
    await shop.close();
  }
  return hot.map((name) => figuresOf(name, times.get(name)!));
}

const hot = [
  'http/place-order',
  'saga/reserve-stock',
  'saga/charge-payment',
  'saga/confirm-order',
  'http/get-order',
  'http/list-orders',
  'http/get-product',
  'streams/record-access',
];

function figuresOf(name: string, runs: { busy: number; all: number }[]): MemoryFigures {
  const busyMs = median(runs.map(({ busy }) => busy));
  const waitingMs = median(runs.map(({ busy, all }) => Math.max(0, all - busy)));
  const sizes = sizesMb.map((mb) => {
    const ms = (busyMs * wholeProcessorMb) / Math.min(mb, wholeProcessorMb) + waitingMs;
    // Billed by the millisecond, begun ones in full.
    const gigabyteSeconds = (mb / 1024) * (Math.ceil(ms) / 1000);
    return [mb, { ms, usdPerMillion: usdPerMillionRequests + gigabyteSeconds * usdPerGigabyteSecond * 1_000_000 }];
  });
  return { name, busyMs, waitingMs, sizes: Object.fromEntries(sizes) };
}
