import type { Sql } from 'postgres';
import type { TestDatabase } from './postgres.ts';
import { fillShop, type sizes } from './shop-of-100k.ts';

/** How old `fillOldShop` makes what has ended, in days. */
export const oldDays = 3 * 365;

/** A shop whose orders have ended three years ago, but for those that are open, with its ledger and its events. */
export async function fillOldShop(database: Pick<TestDatabase, 'connect'>, size: typeof sizes): Promise<void> {
  await fillShop(database, size);
  const admin = database.connect('rdsadmin', { max: 1 }) as unknown as Sql;
  try {
    await makeOld(admin);
  } finally {
    await admin.end();
  }
}

/** Puts everything that has ended into the past. `admin` may switch triggers off. */
export async function makeOld(admin: Sql, days = oldDays): Promise<void> {
  await admin.unsafe(`
    set session_replication_role = 'replica';
    update orders.orders set created_at = created_at - interval '${days} days', updated_at = updated_at - interval '${days} days',
      confirmed_at = confirmed_at - interval '${days} days'
      where status in ('confirmed', 'failed', 'cancelled');
    update payments.payments set captured_at = captured_at - interval '${days} days',
      refunded_at = refunded_at - interval '${days} days';
    update payments.refunds set created_at = created_at - interval '${days} days', updated_at = updated_at - interval '${days} days'
      where status <> 'requested';
    update stock.movements set created_at = created_at - interval '${days} days';
    update outbox.events set occurred_at = occurred_at - interval '${days} days',
      published_at = published_at - interval '${days} days';
    reset session_replication_role;
    analyze`);
}
