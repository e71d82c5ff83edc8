import * as z from 'zod/mini';
import { currency, timestamp } from './common.ts';
import type { OperationContract } from './operation.ts';

/** How sales can be grouped. */
export const groupings = ['day', 'week', 'month'] as const;
export type Grouping = (typeof groupings)[number];

/** A day of the calendar, from the year 2000 on. */
const day = z.iso.date().check(z.refine((value) => value >= '2000-01-01', 'must be at least 2000-01-01'));

const zone = z._default(
  z.string().check(z.maxLength(60), z.refine(isZone, 'is not a time zone, such as Europe/Berlin')),
  'UTC',
);

/**
 * A zone of the IANA database by its name. Offsets such as +02:00 are none: they have no summer time, and PostgreSQL counts them
 * the other way round.
 */
function isZone(name: string): boolean {
  if (!/^[A-Za-z][A-Za-z0-9_+/-]*$/.test(name)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

const range = { from: z.optional(day), to: z.optional(day), zone };

/** Where a part of a report comes from, and how old it is. */
export const reportPart = z.object({
  source: z.enum(['reader', 'writer']),
  from: timestamp,
  to: timestamp,
  asOf: timestamp,
  lagSeconds: z.number().check(z.gte(0)),
});
export type ReportPart = z.output<typeof reportPart>;

/** What every report says of itself. */
const age = {
  asOf: timestamp,
  lagSeconds: z.number().check(z.gte(0)),
  stale: z.boolean(),
};
const period = { from: z.iso.date(), to: z.iso.date(), zone: z.string() };

const count = z.int().check(z.gte(0));
const sum = z.int();

export const salesRow = z.object({
  key: z.nullable(z.string()),
  currency,
  orders: count,
  units: count,
  gross: sum,
  discounts: sum,
  sales: sum,
  refunds: sum,
  net: sum,
});
export type SalesRow = z.output<typeof salesRow>;

export const getSalesReport = {
  summary: 'Report what was sold and given back',
  description:
    'Adds up whole days of a time zone, by currency: amounts of different currencies are never added. An order counts from the moment it was confirmed, money given back from the moment it was. The figures come from a copy of the database that is a moment old; `asOf` and `lagSeconds` say how old. `Accept: text/csv` asks for CSV.',
  query: z.strictObject({
    ...range,
    groupBy: z._default(z.enum(groupings), 'day'),
    currency: z.optional(currency),
  }),
  responses: {
    200: z.object({
      ...period,
      groupBy: z.enum(groupings),
      ...age,
      parts: z.array(reportPart),
      data: z.array(salesRow),
    }),
  },
  problemOf: { zone: 'zone-unknown', groupBy: 'grouping-unknown' },
  csv: true,
  problems: ['period-reversed', 'period-too-long', 'zone-unknown', 'grouping-unknown', 'report-too-large'],
} as const satisfies OperationContract;
