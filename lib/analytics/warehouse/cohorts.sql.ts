import type { CohortQuery } from '../cohorts.sql.ts';
import { monthIn, timeOf } from './sales.sql.ts';
import { type Statement, statement } from './statement.ts';

/** As `readCohorts` does over the database. Guests and erased customers have no key. */
export const cohortsOf = ({ stretch, firstCohort, zone }: CohortQuery): Statement => statement`
  with sales as (
    select customer_key, ${monthIn(zone)} as "month" from fact_orders
    where customer_key is not null and confirmed_at < cast(${timeOf(stretch.ends)} as timestamp)
  ),
  cohorts as (select customer_key, min("month") as "cohort" from sales group by 1)
  select "cohort", "month", count(distinct customer_key) as "customers", count(*) as "orders"
  from sales join cohorts using (customer_key) where "cohort" >= ${firstCohort} group by 1, 2`;
