import { join } from 'node:path';
import type { ReservedSql, Sql } from 'postgres';
import { openRepository } from '../backup/repository.ts';
import { takeBackup } from '../backup/take.ts';
import { findPlace } from '../postgres/place.ts';
import { primaryFolder } from '../postgres/primary.ts';
import { removePostgresData } from '../postgres/start.ts';
import { crowd, type Lab, order } from './lab.ts';

/** Of the 100 connections that a laptop's PostgreSQL has. The functions take some, and the doctor needs a few. */
const manySessions = 66;

/** Ends sessions of a lab, which the learner may have ended already. */
const end = (sessions: readonly Sql[]) => async (): Promise<void> => {
  await Promise.allSettled(sessions.map((sql) => sql.end({ timeout: 0 })));
};

/** Runs in the background until somebody ends its session. */
const leave = (work: PromiseLike<unknown>): void => void Promise.resolve(work).catch(() => {});

/**
 * Begins a transaction, and leaves it open. Not by `begin` of the driver, which writes a rollback to the connection that somebody
 * has just ended.
 */
async function forget(sql: Sql, statement: string): Promise<ReservedSql> {
  const session = await sql.reserve();
  await session`begin`;
  await session.unsafe(statement);
  return session;
}

/** The labs by name. */
export const labs = {
  'pool-exhaustion': {
    noticed: 'Every now and then a request fails, and a new function cannot start at all.',
    page: 'docs/runbooks/database-full.md',
    checks: ['connections'],
    async breakShop({ session }) {
      const sessions = Array.from({ length: manySessions }, session);
      await Promise.all(sessions.map((sql) => forget(sql, 'select 1')));
      return end(sessions);
    },
  },
  'slow-query': {
    noticed: 'Categories cannot be changed: requests hang and end with 503.',
    page: 'docs/runbooks/slow-requests.md',
    checks: ['transactions'],
    async breakShop({ session }) {
      const [report, change] = [session(), session()];
      const running = await forget(report, 'lock table catalog.categories in share mode');
      leave(running`select count(*) as every_order_ever, pg_sleep(3600) from orders.orders`);
      leave(change`delete from catalog.categories where id = ''`);
      return end([report, change]);
    },
  },
  'migration-failed': {
    noticed: 'Somebody built an index by hand. The build broke off, and writes have been slower since.',
    page: 'docs/migrations.md',
    checks: ['migrations'],
    async breakShop(shop) {
      await order(shop, 3, 'pm_card_visa');
      const sql = shop.session();
      const built = sql`create unique index concurrently one_entry_of_each_type on orders.timeline (type)`;
      await built.catch(() => {});
      return async () => {
        await sql`drop index concurrently if exists orders.one_entry_of_each_type`;
        await sql.end();
      };
    },
  },
  'cache-stampede': {
    noticed: 'One product is in the news. Everybody looks at it, and the database has never had so much to do.',
    page: 'docs/data.md',
    checks: ['cache'],
    settings: { CACHE: 'off', RATE_LIMIT_PER_MINUTE: '100000' },
    breakShop: async (shop) => crowd(shop, 5, 100),
  },
  'data-lost': {
    noticed: 'The machine was restarted. Since then the shop has no products, no customers and no orders.',
    page: 'docs/runbooks/restore.md',
    checks: ['data'],
    async breakShop(shop) {
      await order(shop, 3, 'pm_card_visa');
      await shop.stack().inside.sagasIdle();
      const { directory } = shop;
      const folder = await primaryFolder(directory);
      await takeBackup(await openRepository(join(directory, 'backups'), { keyFile: undefined, make: true }), {
        connection: { host: join(shop.stack().inside.socketPath, '..'), user: 'rdsadmin', database: 'postgres' },
        place: await findPlace(folder),
      });
      await shop.restart(() => removePostgresData(folder));
      return async () => {};
    },
  },
  'stuck-order': {
    noticed: 'Customers wait for their orders, which stay pending or fail.',
    page: 'docs/runbooks/orders-stuck.md',
    checks: ['transactions', 'open orders'],
    async breakShop(shop) {
      const sql = shop.session();
      await forget(sql, 'select from stock.levels for update');
      await order(shop, 3, 'pm_card_visa');
      return end([sql]);
    },
  },
  'lost-charge': {
    noticed: 'The payment provider loses its answers. Nobody knows whether some customers have paid.',
    page: 'docs/manual-review.md',
    checks: ['manual review'],
    async breakShop(shop) {
      await order(shop, 2, 'pm_timeoutAlways');
      await shop.stack().inside.sagasIdle();
      return async () => {};
    },
  },
} as const satisfies Record<string, Lab>;

export type LabName = keyof typeof labs;
