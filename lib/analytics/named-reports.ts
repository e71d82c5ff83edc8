import * as z from 'zod/mini';
import * as customerReports from '../contract/api/customer-reports.ts';
import { describe, issuesOf } from '../contract/api/issues.ts';
import { Problem, type ProblemCode } from '../contract/api/problems.ts';
import type { ReportPart } from '../contract/api/report-parts.ts';
import type { SentReport } from '../contract/api/report-subscriptions.ts';
import * as reports from '../contract/api/reports.ts';
import type { Clock } from '../kernel/clock.ts';
import { reportCohorts } from './cohorts.ts';
import type { Row } from './files/columns.ts';
import { mostRowsOf, type PartsDeps } from './parts.ts';
import { daysAfter, monthAfter, periodOf, periodOfMonths } from './period.ts';
import { reportCustomers, reportMargin, reportProducts, reportSales, reportStock } from './reports.ts';

/** What every report says, as far as those who have it sent or exported need it. */
export type ReportAnswer = {
  asOf: string;
  lagSeconds: number;
  stale: boolean;
  history?: string;
  parts?: ReportPart[];
  data: readonly Row[];
};

type Schema = z.ZodMiniObject;
type NamedReport<Q extends Schema = Schema> = {
  query: Q;
  /** Of its rows. */
  row: Schema;
  /** What its period is made of; undefined for a report of now. */
  period: 'days' | 'months' | undefined;
  problemOf: Readonly<Record<string, ProblemCode>>;
  /** Columns whose sums over the rows of a currency mean something. */
  totals: readonly string[];
  answer: (query: z.output<Q>, deps: PartsDeps) => Promise<ReportAnswer>;
};

const named = <Q extends Schema>(report: NamedReport<Q>): NamedReport => report as unknown as NamedReport;

/** The reports that can be asked for by their names, each with the query that its operation takes. */
export const namedReports: Readonly<Record<SentReport, NamedReport>> = {
  sales: named({
    ...reports.getSalesReport,
    row: reports.salesRow,
    period: 'days',
    totals: ['units', 'sales', 'refunds', 'net'],
    answer: ({ groupBy, currency, ...range }, deps) =>
      reportSales(periodOf(range, deps.clock), { groupBy, currency }, deps),
  }),
  margin: named({
    ...reports.getMarginReport,
    row: reports.marginRow,
    period: 'days',
    totals: ['units', 'revenue', 'cost', 'margin'],
    answer: ({ groupBy, currency, ...range }, deps) =>
      reportMargin(periodOf(range, deps.clock), { groupBy, currency }, deps),
  }),
  products: named({
    ...reports.getProductsReport,
    row: reports.productRow,
    period: 'days',
    totals: [],
    answer: ({ order, by, currency, limit, ...range }, deps) =>
      reportProducts(periodOf(range, deps.clock), { order, by, currency, limit }, deps),
  }),
  cohorts: named({
    ...customerReports.getCohortsReport,
    row: customerReports.cohortRow,
    period: 'months',
    totals: [],
    answer: (query, deps) => reportCohorts(periodOfMonths(query, deps.clock).period, deps),
  }),
  customers: named({
    ...customerReports.getCustomersReport,
    problemOf: {},
    row: customerReports.customersRow,
    period: undefined,
    totals: [],
    answer: reportCustomers,
  }),
  stock: named({
    ...reports.getStockReport,
    problemOf: {},
    row: reports.stockRow,
    period: undefined,
    totals: [],
    answer: reportStock,
  }),
};

export type ReportQuery = Record<string, string | number>;

/**
 * What a report is asked with, checked as its operation does.
 * @throws Problem invalid-input, zone-unknown or grouping-unknown, with pointers into `parameters`
 */
export function parseQuery(report: SentReport, given: ReportQuery): object {
  const { query, problemOf } = namedReports[report];
  const result = z.safeParse(query, given, { error: describe });
  if (result.success) return result.data;
  const errors = issuesOf(result.error.issues, (path) => `/parameters/${String(path[0] ?? '')}`);
  const codes = new Set(errors.map(({ pointer }) => problemOf[pointer.split('/')[2]!] ?? 'invalid-input'));
  const code = codes.size === 1 ? [...codes][0]! : 'invalid-input';
  throw new Problem(code, `${errors[0]!.pointer} ${errors[0]!.detail}.`, { errors });
}

/**
 * Checks what a report is asked with before anybody makes it.
 * @throws what `parseQuery` throws, Problem period-reversed, period-too-long
 */
export function checkQuery(report: SentReport, given: ReportQuery, clock: Clock): void {
  const query = parseQuery(report, given) as Parameters<typeof periodOf>[0];
  const { period } = namedReports[report];
  if (period === 'days') periodOf(query, clock);
  if (period === 'months') periodOfMonths(query, clock);
}

/** The query of a report for some days of a zone; a report of months has those that the days are of, one of now neither. */
export function queryFor(
  report: SentReport,
  given: ReportQuery,
  period: { from: string; to: string; zone: string } | undefined,
): ReportQuery {
  const of = namedReports[report].period;
  if (of === undefined || period === undefined) return given;
  if (of === 'days') return { ...given, ...period };
  const last = daysAfter(period.to, -1).slice(0, 7);
  return { ...given, zone: period.zone, from: period.from.slice(0, 7), to: monthAfter(last, 1) };
}

/** Asks for a report by its name. @throws what its operation answers with */
export const askReport = (report: SentReport, given: ReportQuery, deps: PartsDeps): Promise<ReportAnswer> =>
  namedReports[report].answer(parseQuery(report, given) as never, deps);

/** The same with all its rows, however many it is asked for, and one more than `deps` allows. */
export function askWhole(report: SentReport, given: ReportQuery, deps: PartsDeps): Promise<ReportAnswer> {
  const query = parseQuery(report, given);
  const whole = 'limit' in query ? { ...query, limit: mostRowsOf(deps) + 1 } : query;
  return namedReports[report].answer(whole as never, deps);
}

/** The sums of a report by currency, of those columns whose sums mean something. What no row knows is left out. */
export function totalsOf(
  report: SentReport,
  data: readonly Row[],
): { currency: string; sums: Record<string, number> }[] {
  const { totals } = namedReports[report];
  if (totals.length === 0) return [];
  const byCurrency = Map.groupBy(data, ({ currency }) => String(currency));
  return [...byCurrency].toSorted().map(([currency, rows]) => ({
    currency,
    sums: Object.fromEntries(
      totals
        .filter((name) => rows.every((row) => typeof row[name] === 'number'))
        .map((name) => [name, rows.reduce((sum, row) => sum + (row[name] as number), 0)]),
    ),
  }));
}
