import { type GroupedQuery, isOfLines, type LineGrouping, type OrderGrouping, type Stretch } from '../groups.sql.ts';
import { type Statement, statement } from './statement.ts';

/** As `readSales` does over the database: the columns and their names are the same. */
export function salesOf(query: GroupedQuery, most: number): Statement {
  const { groupBy } = query;
  const days = dayGroupings.find((name) => name === groupBy);
  const entries = isOfLines(groupBy)
    ? ofLines(query, groupBy)
    : days !== undefined && isOfWholeDays(query)
      ? ofDays(query, days)
      : ofOrders(query, groupBy);
  return statement`
    select "key", "currency", ${sums(['orders', 'units', 'gross', 'discounts', 'shipping', 'tax', 'sales', 'refunds'])},
      cast(sum(sales - coalesce(refunds, 0)) as bigint) as "net"
    from (${entries}) as e group by "key", "currency" ${limit(most)}`;
}

/** As `readMargin` does over the database. */
export function marginOf(query: GroupedQuery, most: number): Statement {
  const { groupBy, zone } = query;
  const key = isOfLines(groupBy) ? lineKeys[groupBy] : orderKey(groupBy, at.confirmed, zone);
  return statement`
    select "key", "currency", ${sums(['units', 'revenue', 'cost', 'margin', 'unitsWithoutCost', 'revenueWithoutCost'])}
    from (
      select ${key} as "key", currency as "currency",
        case when cost is not null then quantity else 0 end as "units", case when cost is not null then net else 0 end as "revenue",
        coalesce(cost, 0) as "cost", coalesce(margin, 0) as "margin",
        case when cost is null then quantity else 0 end as "unitsWithoutCost",
        case when cost is null then net else 0 end as "revenueWithoutCost"
      from fact_sales where ${within(query, at.confirmed)}
    ) as e group by "key", "currency" ${limit(most)}`;
}

/** What was sold of each product, and given back for it: `ProductSales`. */
export function productsOf(query: Pick<GroupedQuery, 'stretch' | 'currency'>): Statement {
  return statement`
    select "productId", "currency", ${sums(['orders', 'units', 'sales', 'returnedUnits', 'refunds'])}
    from (
      select product_id as "productId", currency as "currency", count(distinct order_id) as "orders", sum(quantity) as "units",
        sum(net + tax) as "sales", 0 as "returnedUnits", 0 as "refunds"
      from fact_sales where ${within(query, at.confirmed)} group by 1, 2
      union all
      select product_id, currency, 0, 0, 0, sum(quantity), sum(amount)
      from fact_refund_lines where ${within(query, at.refunded)} group by 1, 2
    ) as e group by "productId", "currency"`;
}

/** Orders by when they were confirmed, their units, and money by when it was given back. */
function ofOrders(query: GroupedQuery, groupBy: OrderGrouping): Statement {
  const keyOf = (moment: Statement) => orderKey(groupBy, moment, query.zone);
  return statement`
    select ${keyOf(at.confirmed)} as "key", currency as "currency", 1 as orders, 0 as units, subtotal as gross, discount as discounts,
      shipping as shipping, tax as tax, total as sales, 0 as refunds
    from fact_orders where ${within(query, at.confirmed)}
    union all
    select ${keyOf(at.confirmed)}, currency, 0, quantity, 0, 0, 0, 0, 0, 0
    from fact_sales where ${within(query, at.confirmed)}
    union all
    select ${keyOf(at.refunded)}, currency, 0, 0, 0, 0, 0, 0, 0, amount
    from fact_refunds where ${within(query, at.refunded)}`;
}

/** An order with two products counts for both. */
const ofLines = (query: GroupedQuery, groupBy: LineGrouping): Statement => statement`
  select ${lineKeys[groupBy]} as "key", currency as "currency", count(distinct order_id) as orders, sum(quantity) as units,
    sum(gross) as gross, sum(discount) as discounts, cast(null as bigint) as shipping, sum(tax) as tax, sum(net + tax) as sales,
    cast(null as bigint) as refunds
  from fact_sales where ${within(query, at.confirmed)} group by 1, 2`;

/** A year has 365 rows of the summary, however many orders it had. */
const ofDays = ({ stretch, currency }: GroupedQuery, groupBy: DayGrouping): Statement => statement`
  select ${dayKey(groupBy, plain('date'))} as "key", currency as "currency", orders, units, gross, discount as discounts, shipping,
    tax, sales, refunds
  from daily_sales_summary
  where date >= cast(${dayOf(stretch.begins)} as date) and date < cast(${dayOf(stretch.ends)} as date) and ${inMonths(stretch)}
    ${ofCurrency(currency)}`;

const dayGroupings = ['day', 'week', 'month'] as const satisfies OrderGrouping[];
type DayGrouping = (typeof dayGroupings)[number];

const dayMs = 24 * 3600 * 1000;

/** Whether the summary has the stretch: its days are in UTC. */
const isOfWholeDays = ({ zone, stretch }: GroupedQuery): boolean =>
  zone === 'UTC' && stretch.begins.getTime() % dayMs === 0 && stretch.ends.getTime() % dayMs === 0;

const plain = (text: string): Statement => ({ text, parameters: [] });
const at = { confirmed: plain('confirmed_at'), refunded: plain('refunded_at') };
const lineKeys: Record<LineGrouping, Statement> = {
  product: plain('product_id'),
  category: plain('category_id'),
  brand: plain('brand'),
};

const origins: Record<Exclude<OrderGrouping, DayGrouping>, Statement> = {
  country: plain('country'),
  application: plain('application_id'),
  customerSegment: plain('segment'),
};

/** The same text as in the database: the day, the Monday of the week, or the month, as it was in the zone; or what the order was of. */
function orderKey(groupBy: OrderGrouping, moment: Statement, zone: string): Statement {
  if (groupBy in origins) return origins[groupBy as keyof typeof origins];
  return dayKey(
    groupBy as DayGrouping,
    statement`((${moment} at time zone 'UTC') at time zone cast(${zone} as varchar))`,
  );
}

/** The month in which an order was confirmed, as it was in the zone. */
export const monthIn = (zone: string): Statement => orderKey('month', at.confirmed, zone);

function dayKey(groupBy: DayGrouping, local: Statement): Statement {
  const day = statement`cast(cast(date_trunc(${plain(`'${groupBy}'`)}, ${local}) as date) as varchar)`;
  return groupBy === 'month' ? statement`substr(${day}, 1, 7)` : day;
}

const within = (
  { stretch, currency }: Pick<GroupedQuery, 'stretch' | 'currency'>,
  moment: Statement,
): Statement => statement`
  ${moment} >= cast(${timeOf(stretch.begins)} as timestamp) and ${moment} < cast(${timeOf(stretch.ends)} as timestamp)
    and ${inMonths(stretch)} ${ofCurrency(currency)}`;

/** Leaves the files of other months closed. */
const inMonths = ({ begins, ends }: Stretch): Statement =>
  statement`month >= ${dayOf(begins).slice(0, 7)} and month <= ${dayOf(ends).slice(0, 7)}`;

const ofCurrency = (currency: string | undefined): Statement =>
  currency === undefined ? plain('') : statement`and currency = ${currency}`;

export const timeOf = (moment: Date): string => moment.toISOString().slice(0, 23).replace('T', ' ');
const dayOf = (moment: Date): string => moment.toISOString().slice(0, 10);

const sums = (names: readonly string[]): Statement =>
  plain(names.map((name) => `cast(sum("${name}") as bigint) as "${name}"`).join(', '));

const limit = (most: number): Statement => plain(`limit ${Math.trunc(most)}`);
