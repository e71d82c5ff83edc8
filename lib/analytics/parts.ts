import type { TransactionSql } from 'postgres';
import { Problem } from '../contract/api/problems.ts';
import type { ReportPart } from '../contract/api/reports.ts';
import type { Stretch } from './groups.sql.ts';
import type { Period } from './period.ts';
import type { ReportName } from './policies.ts';
import { type Age, type ReadDeps, readReport } from './read.ts';
import { readStretch } from './sales.sql.ts';

/** The most rows of an answer. */
export const mostRows = 10_000;

type Value = string | number | boolean | null;
type Row = Readonly<Record<string, Value>>;

/** A part of a report: what one source knows of one stretch of time. */
export type Part<R> = { stretch: Stretch; age: Age; rows: readonly R[] };

/** The part of a report that the database knows: today all of it. */
export async function readPart<R>(
  report: ReportName,
  period: Period,
  deps: ReadDeps,
  read: (sql: TransactionSql, stretch: Stretch) => Promise<R[]>,
): Promise<Part<R>> {
  const { data, age } = await readReport(report, deps, async (sql) => {
    const stretch = await readStretch(sql, period);
    return { stretch, rows: await read(sql, stretch) };
  });
  return { ...data, age };
}

/**
 * One answer from parts whose stretches of time follow each other without a gap: an entry is in one of them alone, so their sums
 * are those of the whole. The answer is as old as its oldest part.
 * @param amounts the columns that add up; all others say what a row is of
 * @throws Problem report-too-large
 */
export function answerOf<R extends Row>(parts: readonly Part<R>[], amounts: readonly (keyof R & string)[]) {
  const data = addUp(
    parts.flatMap(({ rows }) => rows),
    amounts,
  );
  if (data.length > mostRows) {
    const detail = `The report has more than ${mostRows} rows. Choose larger groups or a shorter period.`;
    throw new Problem('report-too-large', detail);
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
function addUp<R extends Row>(rows: readonly R[], amounts: readonly (keyof R & string)[]): R[] {
  const groups = new Map<string, Record<string, Value>>();
  for (const row of rows) {
    const id = JSON.stringify(Object.entries(row).filter(([name]) => !amounts.includes(name)));
    const sum = groups.get(id);
    if (sum === undefined) groups.set(id, { ...row });
    else for (const name of amounts) sum[name] = plus(sum[name] as number | null, row[name] as number | null);
  }
  return [...groups.values()] as R[];
}

/** What one part does not know, the whole does not know. */
const plus = (a: number | null, b: number | null): number | null => (a === null || b === null ? null : a + b);
