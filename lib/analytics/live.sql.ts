import type { TransactionSql } from 'postgres';

export type Live = {
  ordersLastHour: number;
  activeOrders: number;
  inManualReview: number;
  today: { currency: string; orders: number; sales: number }[];
};

type Query = { hourAgo: Date; firstOrder: string; day: string; zone: string };

/**
 * How the shop is doing: orders of the last hour, those under way, and the sales of a day by currency.
 * @param query.firstOrder no order since `hourAgo` has a smaller id
 */
export async function readLive(sql: TransactionSql, { hourAgo, firstOrder, day, zone }: Query): Promise<Live> {
  const [row] = await sql`
    select
      (
        select count(*) from reporting.orders
        where not archived and order_id >= ${firstOrder} and placed_at >= ${hourAgo}
      ) as orders_last_hour,
      (
        select count(*) from reporting.orders
        where not archived and status in ('pending', 'reserved', 'pending_payment', 'cancelling')
      ) as active_orders,
      (select count(*) from reporting.orders where not archived and status = 'needs_attention') as in_manual_review,
      (
        select coalesce(jsonb_agg(t order by t.currency), '[]') from (
          select currency, count(*) as orders, sum(total)::bigint as sales from reporting.orders
          where not archived and confirmed_at >= reporting.day_begins(${day}::date, ${zone}) group by currency
        ) t
      ) as today`;
  return row as Live;
}
