import { Agent } from 'node:http';
import postgres, { type Sql } from 'postgres';
import { fillShop, ids } from '../support/shop-of-100k.ts';
import { median } from './numbers.ts';
import { placeOrder } from './orders.ts';
import { openShop, type Shop } from './shop.ts';

/** How one operation's time grows with the shop. */
export type Growth = {
  operation: string;
  /** The middle of its times in milliseconds, by the number of orders in the shop. */
  p50: Record<number, number>;
  /** The largest shop's against the smallest one's. */
  ratio: number;
};

export type GrowthOptions = {
  /** Orders in each shop, rising. */
  sizes: readonly number[];
  /** How often each operation is measured in each shop. */
  requests: number;
  say: (line: string) => void;
};

type Grown = { size: number; shop: Shop; operations: Map<string, () => Promise<unknown>> };

/**
 * The time of single requests and runs of jobs in shops of several sizes, asked in turn, so that whatever else the machine does meets all of
 * them alike.
 */
export async function measureGrowth({ sizes, requests, say }: GrowthOptions): Promise<Growth[]> {
  await using opened = new AsyncDisposableStack();
  const shops: Grown[] = [];
  for (const size of sizes) {
    say(`filling a shop with ${size} orders`);
    const shop = await openShop({ products: 5, customers: 1 });
    opened.defer(shop.close);
    await shop.stack.inside.stopSchedule();
    await fill(shop, size);
    shops.push({ size, shop, operations: await operationsOf(shop, opened) });
  }
  say('asking each of them in turn');
  const names = [...shops[0]!.operations.keys()];
  const times = new Map(names.map((name) => [name, new Map(sizes.map((size) => [size, [] as number[]]))]));
  const warmUps = Math.ceil(requests / 4);
  for (let i = 0; i < requests + warmUps; i++) {
    for (const name of names) {
      for (const { size, operations } of shops) {
        const startedAt = performance.now();
        await operations.get(name)!();
        if (i >= warmUps)
          times
            .get(name)!
            .get(size)!
            .push(performance.now() - startedAt);
      }
    }
  }
  return names.map((operation) => {
    const p50 = Object.fromEntries([...times.get(operation)!].map(([size, each]) => [size, median(each)]));
    return { operation, p50, ratio: p50[sizes.at(-1)!]! / p50[sizes[0]!]! };
  });
}

/** Orders of the past, every fiftieth of them the signed-in customer's, and an access for each. */
async function fill({ stack }: Shop, orders: number): Promise<void> {
  const connect = (user: string, options?: object) =>
    postgres({ path: stack.inside.socketPath, user, database: 'counterfoil', onnotice: () => {}, ...options }) as Sql;
  const customers = Math.max(100, orders / 5);
  await fillShop({ connect }, { customers, products: 5000, orders });
  const owner = connect('rdsadmin', { max: 1 });
  try {
    const [me] = await owner`select id from customers.customers where email not like 'customer%' limit 1`;
    await owner.unsafe(`
      set session_replication_role = 'replica';
      -- What waits for a person is no part of the past: ten orders in every shop.
      create temporary table settled as
        select id from orders.orders where status = 'needs_attention' order by id desc offset 10;
      update orders.orders set status = 'failed' where id in (select id from settled);
      create temporary table released as
        select order_id, product_id, quantity from stock.reservations
        where state = 'held' and order_id in (select id from settled);
      update stock.reservations set state = 'released' where order_id in (select id from settled);
      insert into stock.movements (id, product_id, kind, quantity, reserved, reason, order_id, created_at)
        select 'mov_f' || lpad(to_hex(row_number() over ()), 31, '0'), product_id, 'release', 0, -quantity, 'resolved', order_id,
          now() from released;
      update stock.levels l set reserved = l.reserved - r.units
        from (select product_id, sum(quantity) as units from released group by product_id) r
        where r.product_id = l.product_id;
      update orders.manual_reviews set settled_at = opened_at, settled_how = 'resolved'
        where order_id in (select id from settled);
      update orders.orders set customer_id = '${me!.id}' where customer_id = '${ids.customer(1)}';
      insert into audit.accesses (
        at, id, operation, write, status, milliseconds, request_id, customer_id, application_id, resources
      )
      select now() - n * interval '1 second', 'acc_' || lpad(to_hex(n), 32, '0'), 'get-order', false, 200, 10, 'req',
        case when n % 50 = 0 then '${me!.id}' end, 'app_' || n % 9, array[]::text[]
      from generate_series(1, least(${orders}, extract(epoch from now() - date_trunc('month', now()))::integer)) n;
      reset session_replication_role`);
    await owner.unsafe('vacuum analyze');
  } finally {
    await owner.end();
  }
}

async function operationsOf(shop: Shop, opened: AsyncDisposableStack): Promise<Grown['operations']> {
  const { baseUrl } = shop.stack;
  const key = await shop.newKey('orders:review', 'audit:read');
  const [mine, reader] = [{ authorization: `Bearer ${shop.tokens[0]}` }, { authorization: `Bearer ${key}` }];
  const agent = new Agent({ keepAlive: true });
  opened.defer(() => agent.destroy());
  const ask = async (path: string, headers: Record<string, string>) => {
    const response = await fetch(baseUrl + path, { headers });
    if (!response.ok) throw new Error(`GET ${path} gave ${response.status}: ${await response.text()}`);
    return (await response.json()) as { data: { id: string; customerId?: string }[]; nextCursor?: string };
  };
  const owner = postgres({ path: shop.stack.inside.socketPath, user: 'rdsadmin', database: 'counterfoil', max: 1 });
  opened.defer(() => owner.end());
  // The newest day, because the smallest shop is not much older.
  const report = () => owner`select * from reports.get_sales_report(current_date, current_date + 1, 'Europe/Berlin')`;
  const deep = await halfWay((path) => ask(path, mine));
  const { data } = await ask('/orders?limit=50', mine);
  const any = () => data[Math.floor(Math.random() * data.length)]!;
  const { customerId } = any();
  return new Map<string, () => Promise<unknown>>([
    ['get an order', () => ask(`/orders/${any().id}`, mine)],
    ['list orders, first page', () => ask('/orders?limit=20', mine)],
    ['list orders, half way', () => ask(deep, mine)],
    [
      'place an order',
      () =>
        placeOrder({
          url: `${baseUrl}/orders`,
          token: shop.tokens[0]!,
          productIds: shop.productIds.slice(0, 1),
          wait: 20,
          agent,
        }),
    ],
    ['orders in manual review', () => ask('/manual-review/orders?limit=20', reader)],
    ['accesses of a customer', () => ask(`/audit?customer=${customerId}&limit=20`, reader)],
    ['sales report of a day', report],
    ['job check-invariants', () => shop.stack.inside.runJob('check-invariants')],
    ['job reconcile', () => shop.stack.inside.runJob('reconcile')],
  ]);
}

/** The page in the middle of a customer's orders. */
async function halfWay(ask: (path: string) => Promise<{ nextCursor?: string }>): Promise<string> {
  const pages = ['/orders?limit=20'];
  for (let path = '/orders?limit=100'; ; ) {
    const { nextCursor } = await ask(path);
    if (!nextCursor) return pages[Math.floor(pages.length / 2)]!;
    path = `/orders?limit=100&cursor=${encodeURIComponent(nextCursor)}`;
    pages.push(`/orders?limit=20&cursor=${encodeURIComponent(nextCursor)}`);
  }
}
