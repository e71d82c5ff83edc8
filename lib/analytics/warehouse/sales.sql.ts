import type { Grouping } from '../../contract/api/reports.ts';
import { type GroupedQuery, isOfLines, type LineGrouping, type OrderGrouping, type Stretch } from '../groups.sql.ts';
import { startsOfDays } from '../period.ts';
import { type Statement, statement } from './statement.ts';
import { floorOf, type Grain, hours, nextOf } from './summary.ts';

/** As `readSales` does over the database: the columns and their names are the same. */
export function salesOf(query: GroupedQuery, most: number): Statement {
  const { groupBy } = query;
  const days = dayGroupings.find((name) => name === groupBy);
  const entries = together(
    piecesOf(query).map((piece) => {
      // All of them are in one file.
      if (days !== undefined && piece.grain === 'day') return ofDays(piece.query, days);
      if (piece.grain !== undefined) return ofSummary(piece.query, piece.grain);
      return isOfLines(groupBy) ? ofLines(piece.query, groupBy) : ofOrders(piece.query, groupBy);
    }),
  );
  return statement`
    select "key", "currency", ${sums(['orders', 'units', 'gross', 'discounts', 'shipping', 'tax', 'sales', 'refunds'])},
      cast(sum(sales - coalesce(refunds, 0)) as bigint) as "net"
    from (${entries}) as e group by "key", "currency" ${limit(most)}`;
}

/** As `readMargin` does over the database. */
export function marginOf(query: GroupedQuery, most: number): Statement {
  const entries = together(
    piecesOf(query).map(({ grain, query: piece }) =>
      grain === undefined ? marginOfFacts(piece) : marginOfSummary(piece, grain),
    ),
  );
  return statement`
    select "key", "currency", ${sums(['units', 'revenue', 'cost', 'margin', 'unitsWithoutCost', 'revenueWithoutCost'])}
    from (${entries}) as e group by "key", "currency" ${limit(most)}`;
}

/** What was sold of each product, and given back for it: `ProductSales`. */
export function productsOf(query: Pick<GroupedQuery, 'stretch' | 'currency'>): Statement {
  const pieces = piecesOf({ ...query, groupBy: 'product', zone: 'UTC' });
  return statement`
    select "productId", "currency", ${sums(['orders', 'units', 'sales', 'returnedUnits', 'refunds'])}
    from (${together(
      pieces.map(({ grain, query: piece }) =>
        grain === undefined ? productsOfFacts(piece) : productsOfSummary(piece, grain),
      ),
    )}) as e group by "productId", "currency"`;
}

const marginOfFacts = (query: GroupedQuery): Statement => statement`
  select ${keyOf(query, at.confirmed)} as "key", currency as "currency",
    case when cost is not null then quantity else 0 end as "units", case when cost is not null then net else 0 end as "revenue",
    coalesce(cost, 0) as "cost", coalesce(margin, 0) as "margin",
    case when cost is null then quantity else 0 end as "unitsWithoutCost",
    case when cost is null then net else 0 end as "revenueWithoutCost"
  from fact_sales where ${within(query, at.confirmed)}`;

const productsOfFacts = (query: GroupedQuery): Statement => statement`
  select product_id as "productId", currency as "currency", count(distinct order_id) as "orders", sum(quantity) as "units",
    sum(net + tax) as "sales", 0 as "returnedUnits", 0 as "refunds"
  from fact_sales where ${within(query, at.confirmed)} group by 1, 2
  union all
  select product_id, currency, 0, 0, 0, sum(quantity), sum(amount)
  from fact_refund_lines where ${within(query, at.refunded)} group by 1, 2`;

/** Orders by when they were confirmed, their units, and money by when it was given back. */
function ofOrders(query: GroupedQuery, groupBy: OrderGrouping): Statement {
  const key = (moment: Statement) => orderKey(groupBy, moment, query.zone);
  return statement`
    select ${key(at.confirmed)} as "key", currency as "currency", 1 as orders, 0 as units, subtotal as gross, discount as discounts,
      shipping as shipping, tax as tax, total as sales, 0 as refunds
    from fact_orders where ${within(query, at.confirmed)}
    union all
    select ${key(at.confirmed)}, currency, 0, quantity, 0, 0, 0, 0, 0, 0
    from fact_sales where ${within(query, at.confirmed)}
    union all
    select ${key(at.refunded)}, currency, 0, 0, 0, 0, 0, 0, 0, amount
    from fact_refunds where ${within(query, at.refunded)}`;
}

/** An order with two products counts for both. */
const ofLines = (query: GroupedQuery, groupBy: LineGrouping): Statement => statement`
  select ${lineKeys[groupBy]} as "key", currency as "currency", count(distinct order_id) as orders, sum(quantity) as units,
    sum(gross) as gross, sum(discount) as discounts, cast(null as bigint) as shipping, sum(tax) as tax, sum(net + tax) as sales,
    cast(null as bigint) as refunds
  from fact_sales where ${within(query, at.confirmed)} group by 1, 2`;

/** A year has 365 rows of the summary, all in one file, however many orders it had. */
const ofDays = ({ stretch, currency }: GroupedQuery, groupBy: DayGrouping): Statement => statement`
  select ${dayKey(groupBy, plain('date'))} as "key", currency as "currency", orders, units, gross, discount as discounts, shipping,
    tax, sales, refunds
  from daily_sales_summary
  where date >= cast(${dayOf(stretch.begins)} as date) and date < cast(${dayOf(stretch.ends)} as date) ${ofCurrency(currency)}`;

/** Shipping and refunds belong to no line, and a product may have come back in a time in which none was sold. */
function ofSummary(query: GroupedQuery, grain: Grain): Statement {
  const lines = isOfLines(query.groupBy);
  const ofOrder = (name: string) => plain(lines ? 'cast(null as bigint)' : name);
  return statement`
    select ${keyOf(query, at.summary)} as "key", currency as "currency", orders, units, gross, discount as discounts,
      ${ofOrder('shipping')} as shipping, tax, sales, ${ofOrder('refunds')} as refunds
    from sales_summary where ${inSummary(query, grain)} ${plain(lines ? 'and orders > 0' : '')}`;
}

const marginOfSummary = (query: GroupedQuery, grain: Grain): Statement => statement`
  select ${keyOf(query, at.summary)} as "key", currency as "currency", known_units as "units", known_net as "revenue", cost as "cost",
    margin as "margin", units - known_units as "unitsWithoutCost", net - known_net as "revenueWithoutCost"
  from sales_summary where ${inSummary(query, grain)} and units > 0`;

const productsOfSummary = (query: GroupedQuery, grain: Grain): Statement => statement`
  select key as "productId", currency as "currency", orders as "orders", units as "units", sales as "sales",
    returned_units as "returnedUnits", refunds as "refunds"
  from sales_summary where ${inSummary(query, grain)}`;

const inSummary = ({ stretch, currency, groupBy }: GroupedQuery, grain: Grain): Statement => statement`
  grain = ${grain} and sold_by = ${dayGroupings.some((name) => name === groupBy) ? 'all' : groupBy}
    and ${during(stretch, at.summary)} ${ofCurrency(currency)}`;

const together = (parts: readonly Statement[]): Statement =>
  parts.reduce(
    (all, part) => statement`${all}
    union all ${part}`,
  );

const dayGroupings = ['day', 'week', 'month'] as const satisfies OrderGrouping[];
type DayGrouping = (typeof dayGroupings)[number];

type Piece = {
  /** Which rows of the summary have it; undefined where facts do. */
  grain: Grain | undefined;
  query: GroupedQuery;
};

/**
 * Cuts a stretch into pieces that the summary has rows for, as long ones as possible, and what is left at its ends. Days of another zone
 * begin at a quarter of an hour; those before 1973 may not.
 */
function piecesOf(query: GroupedQuery): Piece[] {
  const { groupBy, stretch, zone } = query;
  const [begins, ends] = [stretch.begins.getTime(), stretch.ends.getTime()];
  if (begins < firstQuarters || begins >= ends) return [{ grain: undefined, query }];
  return spansOf(groupBy, zone, begins, ends).map(({ grain, from, to }) => ({
    grain,
    query: { ...query, stretch: { begins: new Date(from), ends: new Date(to) } },
  }));
}

function spansOf(groupBy: Grouping, zone: string, begins: number, ends: number): Span[] {
  if (isOfLines(groupBy)) return cover(begins, ends, ['month', 'day']);
  if (!dayGroupings.some((name) => name === groupBy)) return cover(begins, ends, ['month', 'day', 'hour']);
  if (zone === 'UTC') return cover(begins, ends, ['day', 'hour', 'quarter']);
  // Hours have a quarter of the rows that quarters have.
  return startsOfDays(zone, begins, ends).flatMap(({ from, to, minutes = -1 }) => {
    const hour = hours.get(minutes);
    return cover(from, to, hour === undefined ? ['quarter'] : [hour, 'quarter']);
  });
}

const firstQuarters = Date.UTC(1973, 0, 1);

type Span = { grain: Grain | undefined; from: number; to: number };

/** A stretch as spans of the first grain, with those of the others before and after it. */
function cover(from: number, to: number, [grain, ...finer]: readonly Grain[]): Span[] {
  if (from >= to) return [];
  if (grain === undefined) return [{ grain, from, to }];
  const last = floorOf(to, grain);
  const first = floorOf(from, grain) === from ? from : nextOf(from, grain);
  if (first >= last) return cover(from, to, finer);
  return [...cover(from, first, finer), { grain, from: first, to: last }, ...cover(last, to, finer)];
}

const keyOf = ({ groupBy, zone }: GroupedQuery, moment: Statement): Statement =>
  moment === at.summary && !dayGroupings.some((name) => name === groupBy)
    ? plain('key')
    : isOfLines(groupBy)
      ? lineKeys[groupBy]
      : orderKey(groupBy, moment, zone);

const plain = (text: string): Statement => ({ text, parameters: [] });
const at = { confirmed: plain('confirmed_at'), refunded: plain('refunded_at'), summary: plain('starts_at') };
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
    // Athena takes no parameter for a zone.
    plain(`((${moment.text} at time zone 'UTC') at time zone ${quotedZone(zone)})`),
  );
}

/** A zone that the database knows, so that nothing in its name ends the text. */
function quotedZone(zone: string): string {
  if (!/^[A-Za-z0-9_+/-]+$/.test(zone)) throw new RangeError(`not the name of a time zone: ${zone}`);
  return `'${zone}'`;
}

/** The month in which an order was confirmed, as it was in the zone. */
export const monthIn = (zone: string): Statement => orderKey('month', at.confirmed, zone);

function dayKey(groupBy: DayGrouping, local: Statement): Statement {
  const day = statement`cast(cast(date_trunc(${plain(`'${groupBy}'`)}, ${local}) as date) as varchar)`;
  return groupBy === 'month' ? statement`substr(${day}, 1, 7)` : day;
}

const within = ({ stretch, currency }: Pick<GroupedQuery, 'stretch' | 'currency'>, moment: Statement): Statement =>
  statement`${during(stretch, moment)} ${ofCurrency(currency)}`;

const during = (stretch: Stretch, moment: Statement): Statement => statement`
  ${moment} >= cast(${timeOf(stretch.begins)} as timestamp) and ${moment} < cast(${timeOf(stretch.ends)} as timestamp)
    and ${inMonths(stretch)}`;

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
