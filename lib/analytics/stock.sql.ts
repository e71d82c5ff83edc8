import type { TransactionSql } from 'postgres';
import type { StockRow } from '../contract/api/reports.ts';

type Query = { days: number; limit: number; begins: Date; firstMovement: string };

/**
 * How fast the stock sells and how long it lasts, the first to run out first. Products that did not sell come last.
 * @param query.firstMovement no movement since `begins` has a smaller id
 */
export async function readStock(sql: TransactionSql, query: Query): Promise<StockRow[]> {
  const { days, limit, begins, firstMovement } = query;
  const rows = await sql`
    with sold as (
      select product_id, sum(quantity)::bigint as units from reporting.order_lines
      where confirmed_at >= ${begins} and last_at >= ${begins} group by product_id
    ),
    moved as (
      select product_id, sum(quantity)::bigint as units from reporting.stock_movements
      where movement_id >= ${firstMovement} and created_at >= ${begins} group by product_id
    )
    select s.product_id, p.sku, p.name, s.on_hand, s.reserved, s.available, coalesce(d.units, 0) as units_sold,
      -- Of the stock on hand: half of what it was when the days began and half of what it is.
      round(coalesce(d.units, 0) / nullif((2 * s.on_hand - coalesce(m.units, 0)) / 2.0, 0), 2)::float8 as turnover,
      floor(s.available * ${days}::numeric / d.units)::bigint as days_left
    from reporting.stock s
    join reporting.products p on p.product_id = s.product_id
    left join sold d on d.product_id = s.product_id
    left join moved m on m.product_id = s.product_id
    where p.active or s.on_hand > 0
    order by days_left nulls last, s.product_id limit ${limit}`;
  return [...rows] as unknown as StockRow[];
}
