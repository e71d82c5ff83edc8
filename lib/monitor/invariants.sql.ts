import type { Sql } from 'postgres';
import type { Invariant } from '../contract/metrics.ts';

/** Orders that are open for longer than they should be, and orders before a person; ages in seconds. */
export async function readOpenOrders(sql: Sql) {
  const [row] = await sql`
    select u.count as unended, u.oldest_seconds as oldest_unended, a.count as attention, a.oldest_seconds as oldest_attention
    from monitor.unended_orders u, monitor.orders_needing_attention a`;
  return row as { unended: number; oldestUnended: number; attention: number; oldestAttention: number };
}

/** For each invariant, how many things break it, and up to ten of their ids. All must be zero. */
export async function findViolations(sql: Sql): Promise<{ invariant: Invariant; count: number; ids: string[] }[]> {
  const rows = await sql`
    select 'stock-never-oversold' as invariant, count(*)::integer, (array_agg(product_id))[1:10]::text as ids
    from monitor.stock_violations
    union all
    select 'charged-at-most-once', count(*)::integer, (array_agg(order_id))[1:10]::text from monitor.payment_violations
    union all
    select 'confirmed-is-complete', count(*)::integer, (array_agg(order_id))[1:10]::text
    from monitor.confirmation_violations
    union all
    select 'every-order-ends', count(*)::integer, (array_agg(order_id))[1:10]::text from monitor.unended_violations`;
  return rows.map((row) => ({
    invariant: row.invariant,
    count: row.count,
    ids: row.ids === null ? [] : row.ids.slice(1, -1).split(','),
  }));
}
