import type { Sql } from 'postgres';
import type { Invariant } from '../../contract/deploy/metrics.ts';

const minute = 60_000;
/** A saga at work takes seconds, with its retries minutes. */
const unendedAfter = 5 * minute;
/** A customer who must act on a payment has as long as the stock is held. */
const endedWithin = 60 * minute;

/** Orders that are open for longer than they should be, and orders in manual review; ages in seconds. */
export async function readOpenOrders(sql: Sql, now: Date) {
  const [row] = await sql`
    select u.count as unended, u.oldest as oldest_unended, a.count as in_manual_review, a.oldest as oldest_manual_review
    from (
      select count(*)::integer as count,
        greatest(0, extract(epoch from ${now}::timestamptz - min(updated_at)))::integer as oldest
      from monitor.open_orders
      where updated_at < ${before(now, unendedAfter)}
        and (status <> 'pending_payment' or updated_at < ${before(now, endedWithin)})
    ) u, (
      select count(*)::integer as count,
        greatest(0, extract(epoch from ${now}::timestamptz - min(waiting_since)))::integer as oldest
      from monitor.manual_reviews_waiting
    ) a`;
  return row as { unended: number; oldestUnended: number; inManualReview: number; oldestManualReview: number };
}

/** For each invariant, how many things break it, and up to ten of their ids. All must be zero. */
export async function findViolations(
  sql: Sql,
  now: Date,
): Promise<{ invariant: Invariant; count: number; ids: string[] }[]> {
  const rows = await sql`
    select 'stock-never-oversold' as invariant, count(*)::integer, (array_agg(product_id))[1:10]::text as ids
    from monitor.stock_violations
    union all
    select 'charged-at-most-once', count(*)::integer, (array_agg(order_id))[1:10]::text from monitor.payment_violations
    union all
    select 'confirmed-is-complete', count(*)::integer, (array_agg(order_id))[1:10]::text
    from monitor.confirmation_violations
    union all
    select 'every-order-ends', count(*)::integer, (array_agg(order_id))[1:10]::text
    from monitor.open_orders where updated_at < ${before(now, endedWithin)}`;
  return rows.map((row) => ({
    invariant: row.invariant,
    count: row.count,
    ids: row.ids === null ? [] : row.ids.slice(1, -1).split(','),
  }));
}

const before = (now: Date, milliseconds: number): Date => new Date(now.getTime() - milliseconds);
