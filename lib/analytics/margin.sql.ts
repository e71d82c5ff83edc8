import type { TransactionSql } from 'postgres';
import type { MarginRow } from '../contract/api/reports.ts';
import { type GroupedQuery, isOfLines, lineKey, orderKey, within } from './groups.sql.ts';

/** What was earned in a stretch of time, by group and currency, at most `most` rows, with costs as they were at the sale. */
export async function readMargin(sql: TransactionSql, query: GroupedQuery, most: number): Promise<MarginRow[]> {
  const { groupBy, zone } = query;
  const confirmed = sql`confirmed_at`;
  const key = isOfLines(groupBy) ? lineKey(sql, groupBy) : orderKey(sql, groupBy, confirmed, zone);
  const rows = await sql`
    select ${key} as key, currency,
      coalesce(sum(quantity) filter (where unit_cost is not null), 0)::bigint as units,
      coalesce(sum(revenue) filter (where unit_cost is not null), 0)::bigint as revenue,
      coalesce(sum(unit_cost * quantity), 0)::bigint as cost,
      coalesce(sum(revenue - unit_cost * quantity), 0)::bigint as margin,
      coalesce(sum(quantity) filter (where unit_cost is null), 0)::bigint as units_without_cost,
      coalesce(sum(revenue) filter (where unit_cost is null), 0)::bigint as revenue_without_cost
    from reporting.order_lines where ${within(sql, query, confirmed)}
    group by 1, 2 order by 1 nulls last, 2 limit ${most}`;
  return [...rows] as unknown as MarginRow[];
}
