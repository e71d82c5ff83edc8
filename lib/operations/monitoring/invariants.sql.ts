import type { Sql } from 'postgres';
import type { Invariant } from '../../contract/deploy/metrics.ts';

const minute = 60_000;
/** A saga takes seconds, or minutes with retries. */
const unendedAfter = 5 * minute;
/** A customer can act on a payment for as long as its stock is reserved. */
const endedWithin = 60 * minute;

/** How many orders are open for longer than they should be, and how many in manual review. Ages are in seconds. */
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

/** For each invariant, the number of violations and up to ten of the ids. Every number should be 0. */
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
