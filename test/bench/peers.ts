import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { median } from './numbers.ts';
import { processorTime } from './processor-time.ts';
import { openShop } from './shop.ts';
import { endLoad, sendLoad, startLoad } from './throughput.ts';

/** What one system reached, by the median of its turns. */
export type PeerFigures = {
  name: string;
  ordersPerSecond: number;
  p50Ms: number;
  /** Milliseconds of processor time an order, of the system and its database; undefined where that cannot be told. */
  processorMs: number | undefined;
  /** Until the last of 500 buyers at once had an answer, in seconds. */
  rushSeconds: number;
  /** How those orders ended. */
  rushEndings: Record<string, number>;
  /** The other figures, of which ours is the numerator, by round. */
  ratios: { rate: number; processor: number | undefined; rush: number };
};

export type Against = { url: string; command: string };

export type PeersOptions = {
  against: readonly Against[];
  clients: number;
  rounds: number;
  seconds: number;
  warmUpSeconds: number;
  say: (line: string) => void;
};

/** One of the systems that take turns. */
type System = {
  name: string;
  url: string;
  tokens: string[];
  productIds: string[];
  processorTime: () => Promise<number | undefined>;
  /** Puts a product with so many units on sale. */
  newProduct: (units: number) => Promise<string>;
};

type Turn = { rate: number; p50: number; processor: number | undefined; rush: number; endings: Record<string, number> };

const buyers = 500;
const units = 100;

/** The servers in `test/bench/peers`, by the name that stands for their URL and command. */
const known: Record<string, Against> = {
  dbos: { url: 'http://127.0.0.1:9301/orders', command: ownCommand('dbos') },
  restate: { url: 'http://127.0.0.1:9411/orders/place', command: ownCommand('restate') },
};

function ownCommand(name: string): string {
  return `"${process.execPath}" "${join(import.meta.dirname, 'peers', 'start.ts')}" ${name}`;
}

/**
 * Reads `URL,COMMAND` or the name of a known peer.
 * @throws Error when it is neither
 */
export function readAgainst(text: string): Against {
  const comma = text.indexOf(',');
  const found = known[text] ?? { url: text.slice(0, comma), command: text.slice(comma + 1) };
  if (comma < 0 && known[text] === undefined) {
    throw new Error(`--against takes URL,COMMAND or one of ${Object.keys(known).join(', ')}, not ${text}`);
  }
  if (!URL.canParse(found.url)) throw new Error(`--against: ${found.url} is no URL`);
  return found;
}

/** The same load on our stack and on each peer, turn by turn: orders of two lines, and 500 buyers of 100 units. */
export async function measurePeers(options: PeersOptions): Promise<PeerFigures[]> {
  await using opened = new AsyncDisposableStack();
  const load = startLoad();
  opened.defer(() => endLoad(load));
  const systems = [await openOurs(opened, load, options.clients)];
  for (const against of options.against) {
    options.say(`starting ${against.url}`);
    systems.push(await openPeer(opened, against, options.clients));
  }
  const turns = new Map<System, Turn[]>(systems.map((system) => [system, []]));
  for (const system of systems) {
    options.say(`warming up ${system.name}`);
    await send(load, system, options.warmUpSeconds);
  }
  for (let round = 1; round <= options.rounds; round++) {
    // Each round begins with another one.
    for (let n = 0; n < systems.length; n++) {
      const system = systems[(n + round) % systems.length]!;
      options.say(`round ${round} of ${options.rounds}: ${system.name}`);
      turns.get(system)!.push(await takeTurn(load, system, options.seconds));
    }
  }
  const ours = turns.get(systems[0]!)!;
  return systems.map((system) => summarise(system.name, turns.get(system)!, ours));
}

async function takeTurn(load: ChildProcess, system: System, seconds: number): Promise<Turn> {
  await send(load, system, 1);
  const before = await system.processorTime();
  const { latencies, ...outcome } = await send(load, system, seconds);
  const after = await system.processorTime();
  const processor = before === undefined || after === undefined ? undefined : (after - before) / latencies.length;
  const { url, tokens } = system;
  const productIds = [await system.newProduct(units)];
  const rush = await sendLoad(load, { url, tokens, productIds, lines: 1, seconds: 0, atOnce: buyers });
  return {
    rate: latencies.length / outcome.seconds,
    p50: median(latencies),
    processor,
    rush: rush.seconds,
    endings: rush.endings,
  };
}

const send = (load: ChildProcess, { url, tokens, productIds }: System, seconds: number) =>
  sendLoad(load, { url, tokens, productIds, lines: 2, seconds });

function summarise(name: string, turns: Turn[], ours: Turn[]): PeerFigures {
  const middle = (of: (turn: Turn, round: number) => number) => median(turns.map(of));
  const told = turns.every(({ processor }) => processor !== undefined);
  return {
    name,
    ordersPerSecond: middle(({ rate }) => rate),
    p50Ms: middle(({ p50 }) => p50),
    processorMs: told ? middle(({ processor }) => processor!) : undefined,
    rushSeconds: middle(({ rush }) => rush),
    rushEndings: turns.reduce<Record<string, number>>((all, { endings }) => {
      for (const [ending, count] of Object.entries(endings)) all[ending] = (all[ending] ?? 0) + count;
      return all;
    }, {}),
    ratios: {
      rate: middle(({ rate }, round) => ours[round]!.rate / rate),
      processor: told ? middle(({ processor }, round) => ours[round]!.processor! / processor!) : undefined,
      rush: middle(({ rush }, round) => ours[round]!.rush / rush),
    },
  };
}

async function openOurs(opened: AsyncDisposableStack, load: ChildProcess, clients: number): Promise<System> {
  const shop = await openShop({ products: 100, customers: clients });
  opened.defer(shop.close);
  return {
    name: 'Counterfoil',
    url: `${shop.stack.baseUrl}/orders`,
    tokens: shop.tokens,
    productIds: shop.productIds,
    // The stack runs in this process. The peers and the customers are children of it too.
    processorTime: () => processorTime([process.pid], [load.pid!, ...peers.map(({ pid }) => pid!)]),
    newProduct: shop.newProduct,
  };
}

const peers: ChildProcess[] = [];

async function openPeer(opened: AsyncDisposableStack, { url, command }: Against, clients: number): Promise<System> {
  // A group of its own, so that all of it can be ended.
  const child = spawn(command, { shell: true, detached: true, stdio: ['ignore', 'inherit', 'inherit'] });
  peers.push(child);
  opened.defer(async () => {
    if (child.exitCode !== null) return;
    const ended = once(child, 'exit');
    process.kill(-child.pid!, 'SIGTERM');
    await ended;
  });
  const setStock = (productId: string, quantity: number) => postStock(url, { productId, quantity });
  const productIds = Array.from({ length: 100 }, (_, n) => `product-${n + 1}`);
  // The first installation of a peer's packages takes its time.
  for (const until = Date.now() + 300_000; ; await sleep(200)) {
    if (child.exitCode !== null) throw new Error(`${command} ended with ${child.exitCode}`);
    if (await setStock(productIds[0]!, 100_000_000).catch(() => false)) break;
    if (Date.now() > until) throw new Error(`${new URL('stock', url)} did not answer within five minutes`);
  }
  for (const id of productIds) await setStock(id, 100_000_000);
  let made = 0;
  return {
    name: new URL(url).host,
    url,
    tokens: Array.from({ length: clients }, (_, n) => `customer-${n + 1}`),
    productIds,
    processorTime: () => processorTime([child.pid!]),
    async newProduct(quantity) {
      const id = `rush-${++made}`;
      if (!(await setStock(id, quantity))) throw new Error(`${new URL('stock', url)} refused the stock of ${id}`);
      return id;
    },
  };
}

async function postStock(url: string, stock: { productId: string; quantity: number }): Promise<boolean> {
  const response = await fetch(new URL('stock', url), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(stock),
  });
  await response.body?.cancel();
  return response.ok;
}
