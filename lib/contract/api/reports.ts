import * as z from 'zod/mini';
import { currency, id, timestamp } from './common.ts';
import { feedEntry } from './customer-feeds.ts';
import { customerSessions } from './customer-reports.ts';
import type { OperationContract } from './operation.ts';
import {
  contact,
  count,
  feedAge,
  historyUse,
  limit,
  reportAge,
  reportPart,
  single,
  sum,
  zone,
} from './report-parts.ts';

/** How sales can be grouped. */
export const groupings = [
  'day',
  'week',
  'month',
  'product',
  'category',
  'brand',
  'country',
  'application',
  'customerSegment',
] as const;
export type Grouping = (typeof groupings)[number];

/** A day of the calendar, from the year 2000 on. */
const day = z.iso.date().check(z.refine((value) => value >= '2000-01-01', 'must be at least 2000-01-01'));

const range = { from: z.optional(day), to: z.optional(day), zone };

const period = { from: z.iso.date(), to: z.iso.date(), zone: z.string() };

export const salesRow = z.object({
  key: z.nullable(z.string()),
  currency,
  orders: count,
  units: count,
  gross: sum,
  discounts: sum,
  shipping: z.nullable(sum),
  tax: sum,
  sales: sum,
  refunds: z.nullable(sum),
  net: sum,
});
export type SalesRow = z.output<typeof salesRow>;

const ofPeriods = ['period-reversed', 'period-too-long', 'zone-unknown', 'report-too-large'] as const;
const grouped = { ...range, groupBy: z._default(z.enum(groupings), 'day'), currency: z.optional(currency) };
const answerOf = <T extends z.ZodMiniType>(row: T) =>
  z.object({
    ...period,
    groupBy: z.enum(groupings),
    ...reportAge,
    history: historyUse,
    parts: z.array(reportPart),
    data: z.array(row),
  });

export const getSalesReport = {
  summary: 'Report what was sold and given back',
  description:
    'Adds up whole days of a time zone, by currency: amounts of different currencies are never added. An order counts from the moment it was confirmed, money given back from the moment it was. By product, category or brand it adds up lines, as they were sold. History comes from the warehouse, today from a copy of the database that is a moment old; `parts` has the age of each. When one is too old, `stale` is true. `Accept` asks for CSV or Parquet.',
  query: z.strictObject(grouped),
  responses: { 200: answerOf(salesRow) },
  problemOf: { zone: 'zone-unknown', groupBy: 'grouping-unknown' },
  formats: true,
  problems: [...ofPeriods, 'grouping-unknown', 'history-broken'],
} as const satisfies OperationContract;

/** What the database knows of a row of margins. */
const margins = {
  key: z.nullable(z.string()),
  currency,
  units: count,
  revenue: sum,
  cost: sum,
  margin: sum,
  unitsWithoutCost: count,
  revenueWithoutCost: sum,
};
export type MarginRow = z.output<z.ZodMiniObject<typeof margins>>;
export const marginRow = z.object({ ...margins, marginPercent: z.nullable(z.number()) });

export const getMarginReport = {
  summary: 'Report what was earned',
  description:
    'Revenue without tax less costs, as both were when the line was sold: later prices and costs change nothing. Lines whose cost was not known, or was in another currency, are not in the margin and shown beside it. Refuses with `reader-behind` when its data would be older than a minute. `Accept` asks for CSV or Parquet.',
  query: z.strictObject(grouped),
  responses: { 200: answerOf(marginRow) },
  problemOf: { zone: 'zone-unknown', groupBy: 'grouping-unknown' },
  formats: true,
  problems: [...ofPeriods, 'grouping-unknown', 'history-broken', 'reader-behind'],
} as const satisfies OperationContract;

export const productRow = z.object({
  productId: id('product'),
  sku: z.string(),
  name: z.string(),
  active: z.boolean(),
  currency,
  orders: count,
  units: count,
  sales: sum,
  returnedUnits: count,
  refunds: sum,
});
export type ProductRow = z.output<typeof productRow>;

export const getProductsReport = {
  summary: 'Report which products sell best or worst',
  description:
    'Ranks products by what they sold for, by units or by what was given back for them: `by=refunds` shows first what comes back most. Products on sale that nobody bought count as zero, so the worst are found too. A product that was sold in several currencies has a row for each. Amounts of different currencies are not compared: the first of each currency come first. `Accept` asks for CSV or Parquet.',
  query: z.strictObject({
    ...range,
    order: z._default(z.enum(['best', 'worst']), 'best'),
    by: z._default(z.enum(['sales', 'units', 'refunds']), 'sales'),
    currency: z.optional(currency),
    limit: limit(20, 1000),
  }),
  responses: {
    200: z.object({ ...period, ...single, history: historyUse, parts: z.array(reportPart), data: z.array(productRow) }),
  },
  problemOf: { zone: 'zone-unknown' },
  formats: true,
  problems: [...ofPeriods, 'history-broken'],
} as const satisfies OperationContract;

export const customerRow = z.object({
  currency,
  orders: count,
  units: count,
  sales: sum,
  refunds: sum,
  average: sum,
  firstOrderAt: timestamp,
  lastOrderAt: timestamp,
});

export const getCustomerReport = {
  summary: 'Report what a customer bought',
  description:
    'Adds up the sales of one customer by currency, with what they got back, and shows how they were in touch: the interactions and tickets that feeds of the shop said, and when each feed came last. `sessions` has the sessions that are active at this moment, from where they are kept; it is null while that does not answer, and in no file. Goes to the database itself when the copy is more than ten seconds old. `Accept` asks for CSV or Parquet.',
  path: z.strictObject({ customerId: id('customer') }),
  responses: {
    200: z.object({
      customerId: id('customer'),
      name: z.nullable(z.string()),
      email: z.nullable(z.string()),
      segment: z.enum(['premium', 'standard']),
      createdAt: timestamp,
      suspended: z.boolean(),
      erased: z.boolean(),
      ...contact,
      sessions: z.nullable(customerSessions),
      entries: z.array(feedEntry),
      sources: z.array(feedAge),
      ...single,
      data: z.array(customerRow),
    }),
  },
  formats: true,
  problems: ['not-found', 'report-too-large'],
} as const satisfies OperationContract;

export const stockRow = z.object({
  productId: id('product'),
  sku: z.string(),
  name: z.string(),
  onHand: count,
  reserved: count,
  available: count,
  unitsSold: count,
  turnover: z.nullable(z.number()),
  daysLeft: z.nullable(count),
});
export type StockRow = z.output<typeof stockRow>;

export const getStockReport = {
  summary: 'Report how long the stock lasts',
  description:
    'The products that run out first come first, at the pace of the last `days`. Always read from the database itself, so the stock is that of now. `Accept` asks for CSV or Parquet.',
  query: z.strictObject({ days: limit(30, 365), limit: limit(100, 1000) }),
  responses: { 200: z.object({ ...single, days: z.int(), data: z.array(stockRow) }) },
  formats: true,
  problems: ['report-too-large'],
} as const satisfies OperationContract;

/** A currency of today in the forms that have rows alone; without sales one row, of no currency. */
export const liveRow = z.object({
  currency: z.nullable(currency),
  orders: count,
  sales: sum,
  ordersLastHour: count,
  activeOrders: count,
  inManualReview: count,
});

export const getLiveReport = {
  summary: 'Report how the shop is doing now',
  description:
    'Orders of the last hour, orders under way, and the sales of today in a time zone. Goes to the database itself when the copy is more than ten seconds old. `Accept` asks for CSV or Parquet, which have a row for each currency of today.',
  query: z.strictObject({ zone }),
  responses: {
    200: z.object({
      ordersLastHour: count,
      activeOrders: count,
      inManualReview: count,
      zone: z.string(),
      ...single,
      today: z.array(z.object({ currency, orders: count, sales: sum })),
    }),
  },
  problemOf: { zone: 'zone-unknown' },
  formats: true,
  problems: ['zone-unknown', 'report-too-large'],
} as const satisfies OperationContract;
