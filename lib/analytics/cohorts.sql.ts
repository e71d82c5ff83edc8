import type { TransactionSql } from 'postgres';
import type { Stretch } from './groups.sql.ts';

/** How many of a cohort ordered in a month, and how often. Months are YYYY-MM, of the zone. */
export type CohortMonth = { cohort: string; month: string; customers: number; orders: number };

/** Months of the cohorts, the first and the one after the last. */
export type CohortQuery = { stretch: Stretch; firstCohort: string; zone: string };

/**
 * The orders of each cohort, month by month, up to the end of the stretch. A cohort needs all orders of before, because it is that
 * of the first.
 */
export async function readCohorts(
  sql: TransactionSql,
  { stretch, firstCohort, zone }: CohortQuery,
): Promise<CohortMonth[]> {
  const rows = await sql`
    with sales as (
      select o.customer_id, to_char(o.confirmed_at at time zone ${zone}::text, 'YYYY-MM') as month
      from reporting.orders o join reporting.customers_masked c on c.customer_id = o.customer_id and not c.erased
      where o.confirmed_at < ${stretch.ends} and o.first_at < ${stretch.ends}
    ),
    cohorts as (select customer_id, min(month) as cohort from sales group by 1)
    select cohort, month, count(distinct customer_id)::bigint as customers, count(*)::bigint as orders
    from sales join cohorts using (customer_id) where cohort >= ${firstCohort} group by 1, 2`;
  return [...rows] as unknown as CohortMonth[];
}

/**
 * What the orders of a stretch add to the cohorts of all orders before it. A customer who has ordered in the same month before is
 * counted there already. It reads the orders of the stretch, and of their customers.
 */
export async function readCohortsSince(
  sql: TransactionSql,
  { stretch, firstCohort, zone }: CohortQuery,
): Promise<CohortMonth[]> {
  const monthOf = (at: string) => sql`to_char(${sql(at)} at time zone ${zone}::text, 'YYYY-MM')`;
  const rows = await sql`
    with sales as materialized (
      select o.customer_id, ${monthOf('o.confirmed_at')} as month, count(*) as orders
      from reporting.orders o join reporting.customers_masked c on c.customer_id = o.customer_id and not c.erased
      where o.confirmed_at >= ${stretch.begins} and o.confirmed_at < ${stretch.ends} and o.first_at < ${stretch.ends}
        and o.last_at >= ${stretch.begins}
      group by 1, 2
    ),
    known as (
      select s.month, s.orders,
        (
          select ${monthOf('first')} from (
            select min(y.first_order_at) as first from reporting.customer_summary y where y.customer_id = s.customer_id
          ) f
        ) as cohort,
        exists (
          select from reporting.orders o
          where o.customer_id = s.customer_id and o.confirmed_at < ${stretch.begins} and ${monthOf('o.confirmed_at')} = s.month
            and o.confirmed_at >= ${stretch.begins}::timestamptz - interval '32 days' and o.last_at >= ${stretch.begins}::timestamptz - interval '32 days'
        ) as counted
      from sales s
    )
    select cohort, month, count(*) filter (where not counted)::bigint as customers, sum(orders)::bigint as orders
    from known where cohort >= ${firstCohort} group by 1, 2`;
  return [...rows] as unknown as CohortMonth[];
}
