import * as z from 'zod/mini';
import { timestamp } from './common.ts';

export const zoneName = z
  .string()
  .check(z.maxLength(60), z.refine(isZone, 'is not a time zone, such as Europe/Berlin'));

export const zone = z._default(zoneName, 'UTC');

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

export const count = z.int().check(z.gte(0));
export const sum = z.int();

/** Where a part of a report comes from, and how old it is. */
export const reportPart = z.object({
  source: z.enum(['warehouse', 'reader', 'writer']),
  from: timestamp,
  to: timestamp,
  asOf: timestamp,
  lagSeconds: z.number().check(z.gte(0)),
});
export type ReportPart = z.output<typeof reportPart>;

/** What a report took from the warehouse: `used`, or why nothing. */
export const historyUse = z.enum(['used', 'not-needed', 'never-loaded', 'other-database', 'no-warehouse']);
export type HistoryUse = z.output<typeof historyUse>;

/** What every report says of itself. */
export const reportAge = {
  asOf: timestamp,
  lagSeconds: z.number().check(z.gte(0)),
  stale: z.boolean(),
};

/** A feed of the shop, and how old what it said is. */
export const feedAge = z.object({
  source: z.string(),
  receivedAt: timestamp,
  ageSeconds: z.number().check(z.gte(0)),
  newestAt: z.nullable(timestamp),
  rows: count,
  failed: count,
});
export type FeedAge = z.output<typeof feedAge>;

/** How a customer was in touch, as feeds said. */
export const contact = {
  interactions: count,
  tickets: count,
  openTickets: count,
  lastContactAt: z.nullable(timestamp),
};

/** How old the data are, and where they come from, of reports that have one source. */
export const single = { source: z.enum(['reader', 'writer']), ...reportAge };

export const limit = (usual: number, most: number) =>
  z._default(z.coerce.number().check(z.int(), z.gte(1), z.lte(most)), usual);
