import { Problem } from '../contract/api/problems.ts';
import type { Grouping, ReportPart, SalesRow } from '../contract/api/reports.ts';
import type { Period } from './period.ts';
import { type Age, type ReadDeps, readReport } from './read.ts';
import { readSales, readStretch, type Stretch } from './sales.sql.ts';

/** The most rows of an answer. */
export const mostRows = 10_000;

type Query = { period: Period; groupBy: Grouping; currency: string | undefined };
/** A part of a report: what one source knows of one stretch of time. */
type Part = { stretch: Stretch; age: Age; rows: SalesRow[] };

/**
 * What was sold and given back in a period.
 * @throws Problem zone-unknown, reader-behind, report-too-large
 */
export async function reportSales(query: Query, deps: ReadDeps) {
  const { data, age } = await readReport('sales', deps, async (sql) => {
    const stretch = await readStretch(sql, query.period);
    const rows = await readSales(sql, { ...query, stretch, zone: query.period.zone }, mostRows + 1);
    return { stretch, rows };
  });
  return answerOf([{ ...data, age }]);
}

/**
 * One answer from parts whose stretches of time follow each other without a gap: a row is in one of them alone, so their sums
 * are those of the whole. The answer is as old as its oldest part.
 * @throws Problem report-too-large
 */
export function answerOf(parts: readonly Part[]) {
  const data = addUp(parts.flatMap(({ rows }) => rows));
  if (data.length > mostRows) {
    throw new Problem(
      'report-too-large',
      `The report has more than ${mostRows} rows. Choose larger groups or a shorter period.`,
    );
  }
  const oldest = parts.map(({ age }) => age).toSorted((a, b) => b.lagSeconds - a.lagSeconds)[0]!;
  return {
    asOf: oldest.asOf,
    lagSeconds: oldest.lagSeconds,
    stale: parts.some(({ age }) => age.stale),
    parts: parts.map(({ stretch, age }): ReportPart => {
      const { source, asOf, lagSeconds } = age;
      return { source, from: stretch.begins.toISOString(), to: stretch.ends.toISOString(), asOf, lagSeconds };
    }),
    data,
  };
}

/** Rows of one group and currency as one row. */
function addUp(rows: readonly SalesRow[]): SalesRow[] {
  const groups = new Map<string, SalesRow>();
  for (const row of rows) {
    const id = JSON.stringify([row.key, row.currency]);
    const sum = groups.get(id);
    if (sum === undefined) groups.set(id, { ...row });
    else for (const name of amounts) sum[name] += row[name];
  }
  return [...groups.values()];
}

const amounts = ['orders', 'units', 'gross', 'discounts', 'sales', 'refunds', 'net'] as const;
