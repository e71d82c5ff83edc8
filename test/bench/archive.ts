import postgres, { type Sql } from 'postgres';
import { migrate, shippedMigrations } from '../../lib/database/migrate.ts';
import { moveEvents, moveMovements, moveOrders } from '../../lib/operations/archive/move.sql.ts';
import { findOrder, listOrders } from '../../lib/shop/orders/read.sql.ts';
import { fillOldShop, oldDays } from '../support/old-shop.ts';
import { startSharedPostgres } from '../support/postgres-global.ts';
import { poolOptions } from '../support/saga.ts';
import { median } from './numbers.ts';

/** What the archive saves and costs. Bytes are of an order, with its part of all indexes; times are medians in milliseconds. */
export type ArchiveFigures = {
  bytes: Record<'orders' | 'movements' | 'events', { live: number; archived: number }>;
  reads: { liveMs: number; archivedMs: number; archivedPageMs: number };
};

const tables = {
  orders: [
    `^(orders\\.(orders|lines|timeline|manual_reviews)|payments\\.(payments|refunds)|stock\\.reservations)$`,
    `^archive\\.(pages|order_keys)$`,
  ],
  movements: [`^stock\\.movements$`, `^archive\\.ledger_pages$`],
  events: [`^outbox\\.events$`, `^archive\\.events$`],
} as const;
type Kind = keyof typeof tables;

/** Archives a whole shop of old orders, on a PostgreSQL of its own. */
export async function measureArchive(orders: number): Promise<ArchiveFigures> {
  await using opened = new AsyncDisposableStack();
  const shared = await startSharedPostgres((sql) => migrate({ sql, directory: shippedMigrations }));
  opened.defer(shared.stop);
  const connect = (user: string, options: object = {}) => {
    const { socketDir: host, template: database } = shared.details;
    const sql = postgres({ ...poolOptions, host, user, database, max: 1, onnotice: () => {}, ...options });
    opened.defer(() => sql.end());
    return sql as unknown as Sql;
  };
  const owner = connect('migrator');
  const admin = connect('rdsadmin');
  await fillOldShop({ connect } as never, { customers: Math.max(100, orders / 5), products: 5000, orders });
  const size = async (pattern: string): Promise<number> => {
    const [row] = await admin`
      select sum(pg_total_relation_size(c.oid))::bigint as bytes
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind = 'r' and n.nspname || '.' || c.relname ~ ${pattern}`;
    return row!.bytes;
  };
  const sizes = async (which: 0 | 1) => {
    await admin.unsafe('vacuum full');
    const all = Object.entries(tables).map(async ([kind, patterns]) => [kind, await size(patterns[which])] as const);
    return Object.fromEntries(await Promise.all(all)) as Record<Kind, number>;
  };
  const before = await sizes(0);
  const moved = await archiveAll(owner);
  const [left, archived] = [await sizes(0), await sizes(1)];
  await admin.unsafe('analyze');
  const per = (bytes: number) => Math.round(bytes / moved);
  const bytes = Object.fromEntries(
    Object.keys(tables).map((kind) => {
      const of = kind as Kind;
      return [of, { live: per(before[of] - left[of]), archived: per(archived[of]) }];
    }),
  ) as ArchiveFigures['bytes'];
  return { bytes, reads: await measureReads(connect('orders_api'), owner) };
}

/** As the owner, whose statements may take their time. @returns how many orders it moved */
async function archiveAll(owner: Sql): Promise<number> {
  const now = new Date();
  const before = new Date(now.getTime() - (oldDays / 2) * 24 * 3600_000);
  let moved = 0;
  for (let count = 1; count > 0; moved += count) count = await moveOrders(owner, { before, now, limit: 100 });
  for (let count = 1; count > 0; ) count = await moveEvents(owner, { before, limit: 1000 });
  for (let after: string | null | undefined; after !== null; )
    ({ next: after } = await moveMovements(owner, { after, before, limit: 500 }));
  return moved;
}

/** Reads of live and of archived orders in turn. */
async function measureReads(api: Sql, owner: Sql): Promise<ArchiveFigures['reads']> {
  const live = await owner`select id as order_id, customer_id from orders.orders order by random() limit 100`;
  const archived = await owner`select id as order_id, customer_id from archive.order_keys order by random() limit 100`;
  const times = { live: [] as number[], archived: [] as number[], page: [] as number[] };
  const timed = async (into: number[], work: () => Promise<unknown>) => {
    const startedAt = performance.now();
    await work();
    into.push(performance.now() - startedAt);
  };
  const page = { status: undefined, before: undefined, limit: 21 };
  for (let n = 0; n < 400; n++) {
    const old = archived[n % archived.length] as { orderId: string; customerId: string };
    await timed(times.live, () => findOrder(api, live[n % live.length] as typeof old));
    await timed(times.archived, () => findOrder(api, old));
    await timed(times.page, () => listOrders(api, { ...page, customerId: old.customerId }));
  }
  return { liveMs: median(times.live), archivedMs: median(times.archived), archivedPageMs: median(times.page) };
}
