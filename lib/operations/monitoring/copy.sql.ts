import type { Sql } from 'postgres';

/** How much a restored copy holds, and when its last order changed. */
export async function describeCopy(
  sql: Sql,
): Promise<{ asOf: Date | undefined; orders: number; open: number; products: number }> {
  const [row] = await sql`
    select greatest(ended.last, open.last) as as_of, ended.count + open.count as orders, open.count as open,
      (select count(*)::integer from monitor.stock_balances) as products
    from (select count(*)::integer as count, max(updated_at) as last from monitor.ended_orders) ended,
      (select count(*)::integer as count, max(updated_at) as last from monitor.open_orders) open`;
  const { asOf, orders, open, products } = row!;
  return { asOf: asOf ?? undefined, orders, open, products };
}
