import type { Sql, TransactionSql } from 'postgres';
import type { ReviewOrder } from '../../contract/api/manual-review.ts';
import type { OrderStatus } from '../../contract/api/orders.ts';
import { type OrderPart, orderColumns, withArchived } from '../../shop/orders/read.sql.ts';
import { type ReviewRow, toReviewOrder } from './order.ts';

/** What manual review's list is ordered by: microseconds of the last change, and the id. */
export const positionForm = /^\d{1,17}-ord_[0-9a-f]{32}$/;

/**
 * At most `limit` orders in a status, the longest unchanged first, after the one at the position `after`; with
 * `changedBefore` only those on which nothing has happened since. `position` is what the list goes on from.
 */
export async function findOrders(
  sql: Sql,
  list: { status: OrderStatus; changedBefore?: Date | undefined; after?: string | undefined; limit: number },
  now: number,
): Promise<(ReviewOrder & { position: string })[]> {
  const [micros, id] = list.after?.split('-') ?? [];
  const columns = (part: OrderPart) => sql`
    ${reviewColumns(sql, part)}, d.updated_at as changed_at, (extract(epoch from d.updated_at) * 1000000)::bigint::text || '-' || d.id as position`;
  const page = sql`
    where d.status = ${list.status}
      ${list.changedBefore === undefined ? sql`` : sql`and d.updated_at < ${list.changedBefore}`}
      ${
        micros === undefined || id === undefined
          ? sql``
          : sql`and (d.updated_at, d.id) > (
              timestamptz 'epoch' + ${micros}::bigint * interval '1 microsecond', ${id}
            )`
      }
    order by d.updated_at, d.id
    limit ${list.limit}`;
  const rows = await sql`${withArchived(columns, page, sql)} order by changed_at, id limit ${list.limit}`;
  return rows.map((row) => ({ ...toReviewOrder(row as ReviewRow, now), position: row.position as string }));
}

/** One order as manual review sees it, archived or not; undefined when there is none. */
export async function findReviewOrder(
  sql: Sql | TransactionSql,
  orderId: string,
  now: number,
): Promise<ReviewOrder | undefined> {
  const columns = (part: OrderPart) => reviewColumns(sql, part);
  const [row] = await sql`${withArchived(columns, sql`where d.id = ${orderId}`, sql)} limit 1`;
  return row && toReviewOrder(row as ReviewRow, now);
}

const reviewColumns = (sql: Sql | TransactionSql, part: OrderPart) => sql`${orderColumns(sql)},
(select o.compensation_attempts from ${sql(`${part}.orders`)} o where o.id = d.id) as compensation_attempts,
(
  select jsonb_build_object(
    'attempt', a.attempt, 'openedAt', a.opened_at, 'fromStatus', a.from_status, 'reason', a.reason,
    'steps', a.steps, 'error', a.error, 'message', a.message, 'moneyAtStake', a.money_at_stake,
    'moneyCertain', a.money_certain, 'stockAtStake', a.stock_at_stake, 'execution', a.execution,
    'settledAt', a.settled_at, 'settledHow', a.settled_how
  )
  from ${sql(`${part}.manual_reviews`)} a where a.order_id = d.id order by a.attempt desc limit 1
) as manual_review`;
