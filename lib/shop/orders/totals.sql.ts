import type { Sql } from 'postgres';
import type { CustomerOrders } from '../../contract/api/customer-search.ts';
import { mostCounted } from '../../contract/api/order-search.ts';
import { countOrders, searchOrders } from './search.sql.ts';

type TotalsRow = { currency: string; orders: number; confirmed: number; total: number; refunded: number };

/** A customer's ten newest orders, how many there are, and what those come to by currency: of the newest 10,000 at most. */
export async function readCustomerOrders(sql: Sql, customerId: string): Promise<CustomerOrders> {
  const [{ data: latest }, count, totals] = await Promise.all([
    searchOrders(sql, { customerId }, { limit: 10 }),
    countOrders(sql, { customerId }),
    sql<TotalsRow[]>`
      with newest as (
        (
          select o.id, o.status, o.currency, o.total, coalesce(o.payment_refunded, 0) as refunded
          from orders.order_details o where o.customer_id = ${customerId} order by o.id desc limit ${mostCounted}
        )
        union all
        (
          select o.id, o.status, o.currency, o.total, o.refunded
          from archive.order_keys o where o.customer_id = ${customerId} order by o.id desc limit ${mostCounted}
        )
        order by id desc
        limit ${mostCounted}
      )
      select currency, count(*)::integer as orders, (count(*) filter (where status = 'confirmed'))::integer as confirmed,
        coalesce(sum(total) filter (where status = 'confirmed'), 0)::bigint as total,
        coalesce(sum(refunded) filter (where status = 'confirmed'), 0)::bigint as refunded
      from newest
      group by currency
      order by currency`,
  ]);
  return { count, totals: totals.map(withMoney), latest };
}

const withMoney = ({ currency, orders, confirmed, total, refunded }: TotalsRow): CustomerOrders['totals'][number] => ({
  currency,
  orders,
  confirmed,
  total: { amount: total, currency },
  refunded: { amount: refunded, currency },
});
