import type { TransactionSql } from 'postgres';

type Profile = { customerId: string; segment: 'premium' | 'standard'; createdAt: Date; erased: boolean };
type Purchases = {
  currency: string;
  orders: number;
  units: number;
  sales: number;
  refunds: number;
  firstOrderAt: Date;
  lastOrderAt: Date;
};

/** A customer with what they bought in each currency; undefined if there is no such customer. */
export async function readCustomer(sql: TransactionSql, customerId: string) {
  const [profile] = await sql`
    select customer_id, segment, created_at, erased from reporting.customers_masked where customer_id = ${customerId}`;
  if (profile === undefined) return undefined;
  const purchases = await sql`
    select currency, orders, units, sales, refunds, first_order_at, last_order_at
    from reporting.customer_summary where customer_id = ${customerId} order by currency`;
  return { profile: profile as Profile, purchases: [...purchases] as unknown as Purchases[] };
}
