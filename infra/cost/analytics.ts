import { acuFor, days, gigabyte, hours } from './model.ts';
import type { Prices } from './prices.ts';
import type { Usage } from './usage.ts';

/** What analysts and reports ask, and what a warehouse takes. */
export type Questions = {
  /** Questions of reports for history, a day: they read summaries. */
  reports: number;
  /** Questions of people, a day: each reads the columns that it needs of a year. */
  people: number;
};

/** A shop with a few analysts. */
export const usualQuestions: Questions = { reports: 200, people: 20 };

/** With room over what `npm run bench -- --part warehouse` measures: bytes of all files for an order, and rows a second of a load (a fifth). */
const bytesOfOrder = 95;
const rowsPerSecond = 6000;
/** An order, and a line. */
const rowsOfOrder = 2;
const monthsKept = 24;
/** A question of a person reads a third of the columns. */
const columnsRead = 1 / 3;
/** Athena bills 10 MB at least, Redshift Serverless 60 s of 4 capacity units. */
const leastScanned = 10e6;
const leastSeconds = 60;
const leastRpu = 4;
/** What a capacity unit of Redshift reads in a second, in GB: a cautious guess. */
const rpuGbPerSecond = 0.25;
/** Partitions of which a load tells Athena, of 12 tables, twice; and files that it writes anew. */
const putsOfLoad = 2 * 8 * monthsKept + 20;
const loadGb = 3;
/** A load of a month that takes longer than a function may run is made once a night, in a container of 4 processors. */
const longestLoadSeconds = 870;
const containerHour = 0.25;

/** Each in US dollars a month. */
export type Analytics = {
  reader: number;
  /** Bucket, loads, and the endpoint of Athena. */
  warehouse: number;
  athena: number;
  redshiftByUse: number;
  redshiftAlwaysOn: number;
  /** Whether a function can load the warehouse each hour. */
  hourly: boolean;
};

/** What it costs a month to answer questions, by the reader and by each engine over the warehouse. */
export function analyticsCost(
  ordersPerDay: number,
  { minimumAcu, zones }: { minimumAcu: number; zones: number },
  usage: Usage,
  prices: Prices,
  { reports, people }: Questions = usualQuestions,
): Analytics {
  const orders = ordersPerDay * days;
  const stored = (orders * monthsKept * bytesOfOrder) / gigabyte;
  const scanned = Math.max(leastScanned, orders * 12 * bytesOfOrder * columnsRead);
  // On average half of a month is loaded again.
  const loadSeconds = (orders * rowsOfOrder) / 2 / rowsPerSecond;
  const hourly = loadSeconds * 2 <= longestLoadSeconds;
  const loads = hourly
    ? 24 * days * (loadSeconds + 3) * loadGb * prices.lambdaGbSecond
    : days * (loadSeconds / 3600) * containerHour;
  const loadsAMonth = (hourly ? 24 : 1) * days;
  const rpu = Math.max(leastRpu, Math.ceil(scanned / gigabyte / rpuGbPerSecond / leastSeconds / 4) * 4);
  const storedInRedshift = stored * prices.redshiftGb;
  return {
    reader: Math.max(minimumAcu, acuFor(ordersPerDay, usage, 1)) * hours * prices.acuHour,
    warehouse:
      stored * prices.s3Gb +
      loads +
      ((loadsAMonth * putsOfLoad) / 1000) * prices.s3ThousandPuts +
      zones * hours * prices.endpointHour,
    athena: (((reports * leastScanned + people * scanned) * days) / 1e12) * prices.athenaTb,
    redshiftByUse: (((reports + people) * leastSeconds) / 3600) * days * rpu * prices.rpuHour + storedInRedshift,
    redshiftAlwaysOn: hours * rpu * prices.rpuHour + storedInRedshift,
    hourly,
  };
}

/** A published comparison: a replica, and a warehouse with a tool that loads it, in US dollars a month. */
export const published = { replica: 200, warehouse: 500, tool: 300 };
