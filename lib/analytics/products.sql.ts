import type { TransactionSql } from 'postgres';
import type { ProductRow } from '../contract/api/reports.ts';
import { type Stretch, within } from './groups.sql.ts';

/** What was sold of a product, and given back for it. */
export type ProductSales = Pick<
  ProductRow,
  'productId' | 'currency' | 'orders' | 'units' | 'sales' | 'returnedUnits' | 'refunds'
>;

type Query = {
  /** Undefined when all that counts is in `history`. */
  stretch: Stretch | undefined;
  /** What is known of the time before. */
  history: readonly ProductSales[];
  currency: string | undefined;
  by: 'sales' | 'units' | 'refunds';
  order: 'best' | 'worst';
  limit: number;
};

/**
 * The products that sold best or worst. Those on sale that nobody bought are among them, with zeros. Amounts of different currencies are
 * not compared: the first of each currency come first.
 */
export async function readProducts(sql: TransactionSql, query: Query): Promise<ProductRow[]> {
  const { history, currency, by, order, limit } = query;
  const never = new Date(0);
  const stretch = query.stretch ?? { begins: never, ends: never };
  const direction = order === 'best' ? sql`desc` : sql`asc`;
  const places = {
    units: sql`units ${direction}, product_id, currency`,
    sales: sql`row_number() over (partition by currency order by sales ${direction}, product_id), currency`,
    refunds: sql`row_number() over (partition by currency order by refunds ${direction}, product_id), currency`,
  }[by];
  const rows = await sql`
    with sold as (
      select product_id, currency, sum(orders)::bigint as orders, sum(units)::bigint as units, sum(sales)::bigint as sales,
        sum(returned_units)::bigint as returned_units, sum(refunds)::bigint as refunds
      from (
        select product_id, currency, count(distinct order_id) as orders, sum(quantity) as units, sum(sales) as sales,
          0 as returned_units, 0 as refunds
        from reporting.order_lines where ${within(sql, { stretch, currency }, sql`confirmed_at`)} group by 1, 2
        union all
        select product_id, currency, 0, 0, 0, sum(quantity), sum(amount)
        from reporting.refund_lines where ${within(sql, { stretch, currency }, sql`refunded_at`)} group by 1, 2
        union all
        select h."productId", h.currency, h.orders, h.units, h.sales, h."returnedUnits", h.refunds
        from jsonb_to_recordset(${JSON.stringify(history)}::text::jsonb) as h (
          "productId" text, currency text, orders bigint, units bigint, sales bigint, "returnedUnits" bigint, refunds bigint
        )
      ) e group by 1, 2
    ),
    ranked as (
      select p.product_id, p.sku, p.name, p.active, coalesce(s.currency, p.price_currency) as currency,
        coalesce(s.orders, 0) as orders, coalesce(s.units, 0) as units, coalesce(s.sales, 0) as sales,
        coalesce(s.returned_units, 0) as returned_units, coalesce(s.refunds, 0) as refunds
      from reporting.products p left join sold s on s.product_id = p.product_id
      where s.product_id is not null or p.active
    )
    select * from ranked
    ${currency === undefined ? sql`` : sql`where currency = ${currency}`}
    order by ${places} limit ${limit}`;
  return [...rows] as unknown as ProductRow[];
}
