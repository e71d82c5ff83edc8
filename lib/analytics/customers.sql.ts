import type { Fragment, TransactionSql } from 'postgres';
import type { FeedEntry } from '../contract/api/customer-feeds.ts';

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
type Entry = Omit<FeedEntry, 'at' | 'endedAt'> & { at: Date; endedAt: Date | null };
type Purchases = {
  currency: string;
  orders: number;
  units: number;
  sales: number;
  refunds: number;
  firstOrderAt: Date;
  lastOrderAt: Date;
};

/** How a customer was in touch. */
type Contact = { interactions: number; tickets: number; openTickets: number; lastContactAt: Date | null };

/** The entries of a report: the newest. */
const mostEntries = 50;

const contactOf = (sql: TransactionSql, customerId: Fragment): Fragment => sql`
  select count(*) filter (where e.kind = 'interaction')::bigint as interactions,
    count(*) filter (where e.kind = 'ticket')::bigint as tickets,
    count(*) filter (where e.status in ('open', 'waiting'))::bigint as open_tickets, max(e.at) as last_contact_at
  from reporting.customer_entries e where e.customer_id = ${customerId}`;

/** When each feed of the shop came last, by name. */
export async function readFeeds(sql: TransactionSql) {
  const rows = await sql`
    select source, received_at, newest_at, total as rows, failed from reporting.feeds order by source`;
  return [...rows] as unknown as {
    source: string;
    receivedAt: Date;
    newestAt: Date | null;
    rows: number;
    failed: number;
  }[];
}

/** A customer with what they bought in each currency, and how they were in touch; undefined if there is no such customer. */
export async function readCustomer(sql: TransactionSql, customerId: string) {
  const [profile] = await sql`
    select customer_id, name, email, segment, created_at, suspended, erased from reporting.customers_masked where customer_id = ${customerId}`;
  if (profile === undefined) return undefined;
  const purchases = await sql`
    select currency, orders, units, sales, refunds, first_order_at, last_order_at
    from reporting.customer_summary where customer_id = ${customerId} order by currency`;
  const [contact] = await contactOf(sql, sql`${customerId}`);
  const entries = await sql`
    select source, kind, at, channel, topic, status, ended_at from reporting.customer_entries
    where customer_id = ${customerId} order by at desc, source, entry_id limit ${mostEntries}`;
  return {
    profile: profile as Profile,
    purchases: [...purchases] as unknown as Purchases[],
    contact: contact as Contact,
    entries: [...entries] as unknown as Entry[],
    feeds: await readFeeds(sql),
  };
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
  // Amounts of different currencies are not compared: the first of each come first.
  const among = by === 'sales' ? sql`partition by s.currency` : sql``;
  const rows = await sql`
    with listed as materialized (
      select c.customer_id, c.name, c.email, c.segment, c.suspended, c.created_at, s.currency, s.orders, s.units, s.sales,
        s.refunds, s.first_order_at, s.last_order_at, row_number() over (${among} order by ${figure} desc, c.customer_id, s.currency) as n
      from reporting.customer_summary s join reporting.customers_masked c on c.customer_id = s.customer_id
      where not c.erased
      ${segment === undefined ? sql`` : sql`and c.segment = ${segment}`}
      ${currency === undefined ? sql`` : sql`and s.currency = ${currency}`}
      ${lastBefore === undefined ? sql`` : sql`and s.last_order_at < ${lastBefore}`}
      order by n, currency limit ${limit}
    )
    select l.customer_id, l.name, l.email, l.segment, l.suspended, l.created_at, l.currency, l.orders, l.units, l.sales, l.refunds,
      l.first_order_at, l.last_order_at, t.interactions, t.tickets, t.open_tickets, t.last_contact_at
    from listed l, lateral (${contactOf(sql, sql`l.customer_id`)}) t order by l.n, l.currency`;
  return [...rows] as unknown as (Omit<Profile, 'erased'> & Purchases & Contact)[];
}
