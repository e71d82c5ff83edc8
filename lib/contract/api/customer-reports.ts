import * as z from 'zod/mini';
import { currency, id, timestamp } from './common.ts';
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

const month = z.string().check(z.regex(/^20\d\d-(0[1-9]|1[0-2])$/, 'is not a month such as 2026-11'));
const percent = z.nullable(z.number().check(z.gte(0), z.lte(100)));

export const cohortRow = z.object({
  cohort: z.string(),
  month: z.string(),
  age: count,
  customers: count,
  orders: count,
  retentionPercent: percent,
  yearBeforePercent: percent,
});
export type CohortRow = z.output<typeof cohortRow>;

export const getCohortsReport = {
  summary: 'Report how many customers come back',
  description:
    'A cohort is the customers whose first order was confirmed in the same month. Each row has how many of them ordered again so many months later, in percent of the cohort, beside the cohort of a year before at the same age. Guests and erased customers belong to none. `Accept` asks for CSV or Parquet.',
  query: z.strictObject({ from: z.optional(month), to: z.optional(month), zone }),
  responses: {
    200: z.object({
      from: z.string(),
      to: z.string(),
      zone: z.string(),
      ...reportAge,
      history: historyUse,
      parts: z.array(reportPart),
      data: z.array(cohortRow),
    }),
  },
  problemOf: { zone: 'zone-unknown' },
  formats: true,
  problems: ['period-reversed', 'period-too-long', 'zone-unknown', 'history-broken', 'report-too-large'],
} as const satisfies OperationContract;

const applicationSessions = z.object({
  applicationId: z.nullable(z.string()),
  active: count,
  lastSignInAt: timestamp,
});

/** The active sessions of a customer; what has ended is not kept. */
export const customerSessions = z.object({
  active: count,
  lastSignInAt: z.nullable(timestamp),
  applications: z.array(applicationSessions),
  asOf: timestamp,
});
export type CustomerSessions = z.output<typeof customerSessions>;

export const customersRow = z.object({
  customerId: id('customer'),
  name: z.nullable(z.string()),
  email: z.nullable(z.string()),
  segment: z.enum(['premium', 'standard']),
  suspended: z.boolean(),
  createdAt: timestamp,
  currency,
  orders: count,
  units: count,
  sales: sum,
  refunds: sum,
  average: sum,
  ...contact,
  firstOrderAt: timestamp,
  lastOrderAt: timestamp,
});
export type CustomersRow = z.output<typeof customersRow>;

export const getCustomersReport = {
  summary: 'Report which customers bought most',
  description:
    'Customers who bought something, with what they bought in each currency, and how they were in touch. By `sales`, the first of each currency come first: amounts of different currencies are not compared. `sources` says when each feed of interactions and tickets came last. `inactiveDays` leaves those whose last order is at least so many days ago. Names and addresses are masked. Goes to the database itself when the copy is more than ten seconds old. `Accept` asks for CSV or Parquet.',
  query: z.strictObject({
    by: z._default(z.enum(['sales', 'orders', 'lastOrder']), 'sales'),
    segment: z.optional(z.enum(['premium', 'standard'])),
    currency: z.optional(currency),
    inactiveDays: z.optional(z.coerce.number().check(z.int(), z.gte(1), z.lte(3650))),
    limit: limit(100, 1000),
  }),
  responses: { 200: z.object({ sources: z.array(feedAge), ...single, data: z.array(customersRow) }) },
  formats: true,
  problems: ['report-too-large'],
} as const satisfies OperationContract;
