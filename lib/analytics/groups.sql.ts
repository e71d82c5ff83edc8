import type { Fragment, TransactionSql } from 'postgres';
import type { Grouping } from '../contract/api/reports.ts';

/** A stretch of time: from `begins` up to `ends`. */
export type Stretch = { begins: Date; ends: Date };

/** What a report adds up, and by what. */
export type GroupedQuery = { stretch: Stretch; zone: string; groupBy: Grouping; currency: string | undefined };

export type LineGrouping = Extract<Grouping, 'product' | 'category' | 'brand'>;
/** What an order is grouped by, and so the money that is given back for it. */
export type OrderGrouping = Exclude<Grouping, LineGrouping>;

export const isOfLines = (groupBy: Grouping): groupBy is LineGrouping =>
  ['product', 'category', 'brand'].includes(groupBy);

/**
 * What lies in the stretch, in the currency if one is given. The bounds `first_at` and `last_at` keep what lies elsewhere in the
 * archive packed.
 */
export const within = (
  sql: TransactionSql,
  { stretch, currency }: Pick<GroupedQuery, 'stretch' | 'currency'>,
  at: Fragment,
): Fragment => sql`
  ${at} >= ${stretch.begins} and ${at} < ${stretch.ends} and first_at < ${stretch.ends} and last_at >= ${stretch.begins}
  ${currency === undefined ? sql`` : sql`and currency = ${currency}`}`;

/** Text that sorts like the time: the day, the Monday of the week, or the month, as it was in the zone; or what the order was of. */
export function orderKey(sql: TransactionSql, groupBy: OrderGrouping, at: Fragment, zone: string): Fragment {
  const local = sql`(${at} at time zone ${zone}::text)`;
  return {
    day: sql`to_char(${local}, 'YYYY-MM-DD')`,
    week: sql`to_char(date_trunc('week', ${local}), 'YYYY-MM-DD')`,
    month: sql`to_char(${local}, 'YYYY-MM')`,
    country: sql`country`,
    application: sql`application_id`,
    customerSegment: sql`segment`,
  }[groupBy];
}

/** What a line's product was when it was sold. */
export const lineKey = (sql: TransactionSql, groupBy: LineGrouping): Fragment =>
  ({ product: sql`product_id`, category: sql`category_id`, brand: sql`brand` })[groupBy];
