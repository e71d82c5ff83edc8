import type { TransactionSql } from 'postgres';
import type { ProductRow } from '../contract/api/reports.ts';
import { type Stretch, within } from './groups.sql.ts';

type Query = {
  stretch: Stretch;
  currency: string | undefined;
  by: 'sales' | 'units';
  order: 'best' | 'worst';
  limit: number;
};

/** The products that sold best or worst in a stretch of time. Those on sale that nobody bought are among them, with zeros. */
export async function readProducts(sql: TransactionSql, query: Query): Promise<ProductRow[]> {
  const { currency, by, order, limit } = query;
  const figure = by === 'units' ? sql`units` : sql`sales`;
  const rows = await sql`
    with sold as (
      select product_id, currency, count(distinct order_id) as orders, sum(quantity) as units, sum(sales)::bigint as sales
      from reporting.order_lines where ${within(sql, query, sql`confirmed_at`)} group by 1, 2
    ),
    ranked as (
      select p.product_id, p.sku, p.name, p.active, coalesce(s.currency, p.price_currency) as currency,
        coalesce(s.orders, 0) as orders, coalesce(s.units, 0) as units, coalesce(s.sales, 0) as sales
      from reporting.products p left join sold s on s.product_id = p.product_id
      where s.product_id is not null or p.active
    )
    select * from ranked
    ${currency === undefined ? sql`` : sql`where currency = ${currency}`}
    order by ${figure} ${order === 'best' ? sql`desc` : sql`asc`}, product_id, currency limit ${limit}`;
  return [...rows] as unknown as ProductRow[];
}
