import { Agent, request } from 'node:http';
import { median } from './numbers.ts';
import { placeOrder } from './orders.ts';
import { openShop, type Shop } from './shop.ts';

/** What it costs to read an order with what other rooms know of it. */
export type ComposeFigures = {
  way: string;
  /** HTTP requests of a client, and statements of the database. */
  requests: number;
  statements: number;
  p50Ms: number;
  /** To the plain read: the middle of the turns' own ratios. */
  ratio: number;
};

export type ComposeOptions = { lines: number; turns: number; say: (line: string) => void };

type Way = { way: string; requests: number; statements: number; read: () => Promise<void> };

/** Reads an order of so many lines in several ways, turn by turn. */
export async function measureCompose({ lines, turns, say }: ComposeOptions): Promise<ComposeFigures[]> {
  const shop = await openShop({ products: lines, customers: 1 });
  const agent = new Agent({ keepAlive: true });
  try {
    const ways = await waysOf(shop, agent);
    say(`an order of ${lines} lines, ${turns} turns`);
    const times: number[][] = [];
    for (let turn = -10; turn < turns; turn++) {
      const time: number[] = [];
      for (const { read } of ways) {
        const begun = performance.now();
        await read();
        time.push(performance.now() - begun);
      }
      if (turn >= 0) times.push(time);
    }
    return ways.map(({ read, ...way }, n) => ({
      ...way,
      p50Ms: median(times.map((time) => time[n]!)),
      ratio: median(times.map((time) => time[n]! / time[0]!)),
    }));
  } finally {
    agent.destroy();
    await shop.close();
  }
}

async function waysOf({ stack, tokens, productIds, newKey }: Shop, agent: Agent): Promise<Way[]> {
  const [token] = tokens;
  const get = (path: string) => getJson(stack.baseUrl + path, token!, agent);
  await placeOrder({ url: `${stack.baseUrl}/orders`, token: token!, productIds, wait: 20, agent });
  const { data } = (await get('/orders?limit=1')) as { data: { id: string }[] };
  const path = `/orders/${data[0]!.id}`;
  const composed = (include: string) => async () => {
    const { missing } = (await get(`${path}?include=${include}`)) as { missing: unknown[] };
    if (missing.length > 0) throw new Error(`a part was missing: ${JSON.stringify(missing)}`);
  };
  const products = productIds.length;
  const key = await newKey('orders:read', 'customers:read');
  const details = `${stack.baseUrl}/order-details/${data[0]!.id}`;
  return [
    { way: 'plain', requests: 1, statements: 1, read: async () => void (await get(path)) },
    { way: 'include=customer', requests: 1, statements: 2, read: composed('customer') },
    { way: 'include=products', requests: 1, statements: 2, read: composed('products') },
    { way: 'include=customer,products', requests: 1, statements: 3, read: composed('customer,products') },
    {
      way: 'the read model, by a back office',
      requests: 1,
      statements: 1,
      read: async () => void (await getJson(details, key, agent)),
    },
    {
      way: 'the client asks for each part, at once',
      requests: 2 + products,
      statements: 2 + products,
      async read() {
        await get(path);
        await Promise.all([get('/customers/me'), ...productIds.map((id) => get(`/products/${id}`))]);
      },
    },
  ];
}

/** The body of a success. Rejects on any other status. */
export function getJson(url: string, token: string, agent: Agent): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent, headers: { authorization: `Bearer ${token}` } }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => {
        if (response.statusCode === 200) resolve(JSON.parse(text));
        else reject(new Error(`GET ${url} gave ${response.statusCode}: ${text}`));
      });
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end();
  });
}
