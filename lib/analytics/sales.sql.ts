import type { Sql, TransactionSql } from 'postgres';
import type { Grouping, SalesRow } from '../contract/api/reports.ts';
import type { Period } from './period.ts';

/** A stretch of time: from `begins` up to `ends`. */
export type Stretch = { begins: Date; ends: Date };

type Query = { stretch: Stretch; zone: string; groupBy: Grouping; currency: string | undefined };

/**
 * The moments at which a period begins and ends.
 * @throws the server's error 22023 when it does not know the zone
 */
export async function readStretch(sql: Sql | TransactionSql, { from, to, zone }: Period): Promise<Stretch> {
  const [row] = await sql`
    select reporting.day_begins(${from}::date, ${zone}) as begins, reporting.day_begins(${to}::date, ${zone}) as ends`;
  return row as Stretch;
}

/** What was sold and given back in a stretch of time, by group and currency, at most `most` rows. */
export async function readSales(sql: TransactionSql, query: Query, most: number): Promise<SalesRow[]> {
  const { stretch, zone, groupBy, currency } = query;
  const { begins, ends } = stretch;
  const key = (at: ReturnType<typeof sql>) => keyOf(sql, groupBy, sql`(${at} at time zone ${zone}::text)`);
  const within = (at: ReturnType<typeof sql>) => sql`
    ${at} >= ${begins} and ${at} < ${ends} and first_at < ${ends} and last_at >= ${begins}
    ${currency === undefined ? sql`` : sql`and currency = ${currency}`}`;
  const rows = await sql`
    with entries as (
      select ${key(sql`confirmed_at`)} as key, currency, count(*) as orders, 0 as units, sum(subtotal) as gross,
        sum(discount) as discounts, sum(total) as sales, 0 as refunds
      from reporting.orders where ${within(sql`confirmed_at`)} group by 1, 2
      union all
      select ${key(sql`confirmed_at`)}, currency, 0, sum(quantity), 0, 0, 0, 0
      from reporting.order_lines where ${within(sql`confirmed_at`)} group by 1, 2
      union all
      select ${key(sql`refunded_at`)}, currency, 0, 0, 0, 0, 0, sum(amount)
      from reporting.refunds where ${within(sql`refunded_at`)} group by 1, 2
    )
    select key, currency, sum(orders)::bigint as orders, sum(units)::bigint as units, sum(gross)::bigint as gross,
      sum(discounts)::bigint as discounts, sum(sales)::bigint as sales, sum(refunds)::bigint as refunds,
      sum(sales - refunds)::bigint as net
    from entries group by key, currency order by key, currency limit ${most}`;
  return [...rows] as unknown as SalesRow[];
}

/** Text that sorts like the time: the day, the Monday of the week, or the month. */
const keyOf = (sql: TransactionSql, groupBy: Grouping, local: ReturnType<TransactionSql>) =>
  ({
    day: sql`to_char(${local}, 'YYYY-MM-DD')`,
    week: sql`to_char(date_trunc('week', ${local}), 'YYYY-MM-DD')`,
    month: sql`to_char(${local}, 'YYYY-MM')`,
  })[groupBy];
