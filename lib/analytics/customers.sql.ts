import type { TransactionSql } from 'postgres';

type Profile = {
  customerId: string;
  /** Masked, as the e-mail address is; null when erased. */
  name: string | null;
  email: string | null;
  segment: 'premium' | 'standard';
  createdAt: Date;
  suspended: boolean;
  erased: boolean;
};
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
    select customer_id, name, email, segment, created_at, suspended, erased from reporting.customers_masked where customer_id = ${customerId}`;
  if (profile === undefined) return undefined;
  const purchases = await sql`
    select currency, orders, units, sales, refunds, first_order_at, last_order_at
    from reporting.customer_summary where customer_id = ${customerId} order by currency`;
  return { profile: profile as Profile, purchases: [...purchases] as unknown as Purchases[] };
}

export type CustomersQuery = {
  by: 'sales' | 'orders' | 'lastOrder';
  segment?: 'premium' | 'standard' | undefined;
  currency?: string | undefined;
  /** Only those whose last order was before it. */
  lastBefore: Date | undefined;
  limit: number;
};

/** Customers who bought something, with a row for each currency. Erased ones are left out. */
export async function readCustomers(sql: TransactionSql, query: CustomersQuery) {
  const { by, segment, currency, lastBefore, limit } = query;
  const figure = { sales: sql`s.sales`, orders: sql`s.orders`, lastOrder: sql`s.last_order_at` }[by];
  const rows = await sql`
    select c.customer_id, c.name, c.email, c.segment, c.suspended, c.created_at, s.currency, s.orders, s.units, s.sales, s.refunds,
      s.first_order_at, s.last_order_at
    from reporting.customer_summary s join reporting.customers_masked c on c.customer_id = s.customer_id
    where not c.erased
    ${segment === undefined ? sql`` : sql`and c.segment = ${segment}`}
    ${currency === undefined ? sql`` : sql`and s.currency = ${currency}`}
    ${lastBefore === undefined ? sql`` : sql`and s.last_order_at < ${lastBefore}`}
    order by ${figure} desc, c.customer_id, s.currency limit ${limit}`;
  return [...rows] as unknown as (Omit<Profile, 'erased'> & Purchases)[];
}
