import type { Fragment, Sql, TransactionSql } from 'postgres';
import type { SalesRow } from '../contract/api/reports.ts';
import {
  type GroupedQuery,
  isOfLines,
  type LineGrouping,
  lineKey,
  type OrderGrouping,
  orderKey,
  type Stretch,
  within,
} from './groups.sql.ts';
import type { Period } from './period.ts';

/**
 * The moments at which a period begins and ends, the time by the database's clock, and which database it is.
 * @throws the server's error 22023 when it does not know the zone
 */
export async function readStretch(sql: Sql | TransactionSql, { from, to, zone }: Period) {
  const [row] = await sql`
    select reporting.day_begins(${from}::date, ${zone}) as begins, reporting.day_begins(${to}::date, ${zone}) as ends,
      clock_timestamp() as now, reporting.get_epoch() as epoch`;
  const { begins, ends, now, epoch } = row as Stretch & { now: Date; epoch: string };
  return { stretch: { begins, ends }, now, epoch };
}

/**
 * What was sold and given back in a stretch of time, by group and currency, at most `most` rows. By product, category or brand
 * these are sums over lines, to which neither shipping nor refunds belong.
 */
export async function readSales(sql: TransactionSql, query: GroupedQuery, most: number): Promise<SalesRow[]> {
  const { groupBy } = query;
  const entries = isOfLines(groupBy) ? ofLines(sql, query, groupBy) : ofOrders(sql, query, groupBy);
  const rows = await sql`
    with entries as (${entries})
    select key, currency, sum(orders)::bigint as orders, sum(units)::bigint as units, sum(gross)::bigint as gross,
      sum(discounts)::bigint as discounts, sum(shipping)::bigint as shipping, sum(tax)::bigint as tax,
      sum(sales)::bigint as sales, sum(refunds)::bigint as refunds, sum(sales - coalesce(refunds, 0))::bigint as net
    from entries group by key, currency order by key nulls last, currency limit ${most}`;
  return [...rows] as unknown as SalesRow[];
}

/** Orders by when they were confirmed, their units, and money by when it was given back. */
function ofOrders(sql: TransactionSql, query: GroupedQuery, groupBy: OrderGrouping): Fragment {
  const keyOf = (at: Fragment) => orderKey(sql, groupBy, at, query.zone);
  const confirmed = sql`confirmed_at`;
  const refunded = sql`refunded_at`;
  return sql`
    select ${keyOf(confirmed)} as key, currency, count(*) as orders, 0 as units, sum(subtotal) as gross,
      sum(discount) as discounts, sum(shipping) as shipping, sum(tax) as tax, sum(total) as sales, 0 as refunds
    from reporting.orders where ${within(sql, query, confirmed)} group by 1, 2
    union all
    select ${keyOf(confirmed)}, currency, 0, sum(quantity), 0, 0, 0, 0, 0, 0
    from reporting.order_lines where ${within(sql, query, confirmed)} group by 1, 2
    union all
    select ${keyOf(refunded)}, currency, 0, 0, 0, 0, 0, 0, 0, sum(amount)
    from reporting.refunds where ${within(sql, query, refunded)} group by 1, 2`;
}

const ofLines = (sql: TransactionSql, query: GroupedQuery, groupBy: LineGrouping): Fragment => sql`
  select ${lineKey(sql, groupBy)} as key, currency, count(distinct order_id) as orders, sum(quantity) as units,
    sum(gross) as gross, sum(discount) as discounts, null::bigint as shipping, sum(tax) as tax, sum(sales) as sales,
    null::bigint as refunds
  from reporting.order_lines where ${within(sql, query, sql`confirmed_at`)} group by 1, 2`;
