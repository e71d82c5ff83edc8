import type { Sql } from 'postgres';

const minute = 60_000;
/** A saga takes seconds, or minutes with retries. */
const unendedAfter = 5 * minute;
/** A customer can act on a payment for as long as its stock is reserved. */
const endedWithin = 60 * minute;

/**
 * How many orders are open for longer than they should be, and how many in manual review; how long the oldest requested
 * capture has not succeeded. Ages are in seconds.
 */
export async function readOpenOrders(sql: Sql, now: Date) {
  const [row] = await sql`
    select u.count as unended, u.oldest as oldest_unended, a.count as in_manual_review, a.oldest as oldest_manual_review,
      c.oldest as oldest_open_capture
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
    ) a, (
      select greatest(0, extract(epoch from ${now}::timestamptz - min(capture_requested_at)))::integer as oldest
      from monitor.open_captures
    ) c`;
  return row as {
    unended: number;
    oldestUnended: number;
    inManualReview: number;
    oldestManualReview: number;
    oldestOpenCapture: number;
  };
}

/**
 * Orders that ended at or after a time, by when they did, after a key of an order; the key names its time and id.
 * `statuses` tells which ends count.
 */
export async function listChangedOrders(
  sql: Sql,
  { since, after, limit, statuses = ['confirmed', 'failed', 'cancelled'] }: ChangedOrders,
): Promise<{ id: string; at: Date; key: string }[]> {
  const [at = since.toISOString(), id = ''] = after === '' ? [] : after.split(' ');
  // A part for each status, because each of them follows the index.
  const parts = statuses.map(
    (status) => sql`(
      select order_id, updated_at from monitor.ended_orders
      where status = ${status} and (updated_at, order_id) > (${at}::text::timestamptz, ${id})
      order by updated_at, order_id
      limit ${limit}
    )`,
  );
  const all = parts.slice(1).reduce((left, right) => sql`${left} union all ${right}`, parts[0]!);
  const rows = await sql`
    select order_id as id, updated_at as at, to_jsonb(updated_at) #>> '{}' as key
    from (${all}) ended
    order by updated_at, order_id
    limit ${limit}`;
  return rows.map((row) => ({ id: row.id, at: row.at, key: `${row.key} ${row.id}` }));
}

type ChangedOrders = { since: Date; after: string; limit: number; statuses?: readonly string[] };

/** Ids of orders that have ended, by id, after an id. */
export async function listEndedOrders(sql: Sql, { after, limit }: { after: string; limit: number }): Promise<string[]> {
  const rows = await sql`
    select order_id from monitor.ended_orders where order_id > ${after} order by order_id limit ${limit}`;
  return rows.map((row) => row.orderId as string);
}

const before = (now: Date, milliseconds: number): Date => new Date(now.getTime() - milliseconds);
