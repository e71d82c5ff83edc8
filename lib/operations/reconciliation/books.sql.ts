import type { Sql } from 'postgres';
import type { BookedSale } from './judge-books.ts';

/** A day in UTC, as YYYY-MM-DD. */
const bounds = (sql: Sql, day: string) => ({
  begins: sql`(${day}::date::timestamp at time zone 'UTC')`,
  ends: sql`((${day}::date + 1)::timestamp at time zone 'UTC')`,
});

/** A page of the orders that became sales on a day, by id, after one. */
export async function listBookedSales(
  sql: Sql,
  { day, after, limit }: { day: string; after: string; limit: number },
): Promise<BookedSale[]> {
  const { begins, ends } = bounds(sql, day);
  const rows = await sql`
    select order_id, status, total, currency, changed_at, payment_id, payment_provider, payment_reference, payment_status, payment_amount,
      payment_currency, payment_refunded, paid, refund_open
    from monitor.booked_sales
    where confirmed_at >= ${begins} and confirmed_at < ${ends} and first_at < ${ends} and last_at >= ${begins}
      and order_id > ${after}
    order by order_id limit ${limit}`;
  return rows as unknown as BookedSale[];
}

/** What was given back on a day, by currency. */
export async function sumBookedRefunds(sql: Sql, day: string): Promise<Map<string, number>> {
  const { begins, ends } = bounds(sql, day);
  const rows = await sql`
    select currency, sum(amount)::bigint as amount from monitor.booked_refunds
    where refunded_at >= ${begins} and refunded_at < ${ends} and first_at < ${ends} and last_at >= ${begins}
    group by currency`;
  return new Map(rows.map(({ currency, amount }) => [currency as string, amount as number]));
}
