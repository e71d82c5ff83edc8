import type { TransactionSql } from 'postgres';
import { Problem } from '../contract/api/problems.ts';
import type { ReportPart } from '../contract/api/report-parts.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Stretch } from './groups.sql.ts';
import { explained, type Split, split, type Warehouse, type WarehouseState } from './history.ts';
import type { Period } from './period.ts';
import { historyMaxSeconds, type ReportName } from './policies.ts';
import { type Age, type ReadDeps, readReport } from './read.ts';
import { readStretch } from './sales.sql.ts';
import type { Statement } from './warehouse/statement.ts';

/** The most rows of an answer. */
const usualRows = 10_000;

type Value = string | number | boolean | null;
type Row = Readonly<Record<string, Value>>;

/** A part of a report: what one source knows of one stretch of time. */
export type Part<R> = { stretch: Stretch; age: PartAge; rows: readonly R[] };
export type PartAge = Omit<Age, 'source'> & { source: Age['source'] | 'warehouse' };

export type PartsDeps = ReadDeps & {
  /** Null where there is none. */
  warehouse: Warehouse | null;
  /** The most rows of a report, instead of those of an answer. */
  mostRows?: number;
};

/** The most rows that a report may have. */
export const mostRowsOf = ({ mostRows = usualRows }: PartsDeps): number => mostRows;

/** How a report asks its two sources for the same rows. */
export type Sources<R> = {
  database: (sql: TransactionSql, stretch: Stretch) => Promise<R[]>;
  warehouse: (stretch: Stretch) => Statement;
};

/** The parts of a report: history from the warehouse, as far as it is complete, and from then on the database. */
export async function readParts<R>(report: ReportName, period: Period, deps: PartsDeps, sources: Sources<R>) {
  const known = await openHistory(deps);
  const { data, age } = await readReport(report, deps, async (sql) => {
    const cut = await known.cut(sql, period);
    return { cut, rows: cut.database === undefined ? [] : await sources.database(sql, cut.database) };
  });
  const { cut } = data;
  const history = cut.history === undefined ? [] : await cut.ask<R>(sources.warehouse(cut.history));
  const rows = { history, database: data.rows };
  return { history: cut.use, parts: partsOf(cut, age).map((part) => ({ ...part, rows: rows[part.of] })) };
}

/** A period that is cut in two, and what the warehouse says about its part. */
export type Cut = Split & { ask: <R>(statement: Statement) => Promise<R[]>; loaded: PartAge | undefined };

/** What the warehouse has now: a report asks one state of it. @throws Problem history-broken */
export async function openHistory({ warehouse, clock, meter }: PartsDeps) {
  const state = warehouse === null ? null : await explained(warehouse.newest());
  return {
    /** Cuts a period in the transaction that reads the database's part. */
    async cut(sql: TransactionSql, period: Period): Promise<Cut> {
      const { stretch, now, epoch } = await readStretch(sql, period);
      const loaded = state ? ageOf(state, now, clock) : undefined;
      if (loaded !== undefined) meter.count('WarehouseAge', loaded.lagSeconds);
      return {
        ...split(stretch, state, epoch),
        ask: (statement) => explained(warehouse!.query(state!, statement)),
        loaded,
      };
    },
  };
}

/** The stretches of a cut period, each with its age. */
export function partsOf({ history, database, loaded }: Cut, age: Age) {
  const parts: (Omit<Part<never>, 'rows'> & { of: 'history' | 'database' })[] = [];
  if (history !== undefined) parts.push({ of: 'history', stretch: history, age: loaded! });
  if (database !== undefined) parts.push({ of: 'database', stretch: database, age });
  return parts;
}

/** How old a load is, told by the shop's clock as all ages are. */
function ageOf({ asOf }: WarehouseState, now: Date, clock: Clock): PartAge {
  const lagSeconds = Math.max(0, Math.round((now.getTime() - Date.parse(asOf)) / 100) / 10);
  return {
    source: 'warehouse',
    asOf: new Date(clock.now() - Math.ceil(lagSeconds * 1000)).toISOString(),
    lagSeconds,
    stale: lagSeconds > historyMaxSeconds,
  };
}

/**
 * One answer from parts whose stretches of time follow each other without a gap: an entry is in one of them alone, so their sums
 * are those of the whole. The answer is as old as its oldest part.
 * @param amounts the columns that add up; all others say what a row is of
 * @throws Problem report-too-large
 */
export function answerOf<R extends Row>(
  parts: readonly Part<R>[],
  amounts: readonly (keyof R & string)[],
  mostRows = usualRows,
) {
  const data = addUp(
    parts.flatMap(({ rows }) => rows),
    amounts,
  ).toSorted(byGroup);
  if (data.length > mostRows) {
    const detail = `The report has more than ${mostRows} rows. Choose larger groups or a shorter period, or export it: POST /reports/exports.`;
    throw new Problem('report-too-large', detail);
  }
  return { ...ageOfParts(parts), data };
}

/** What an answer says of the parts that it is made of. */
export function ageOfParts(parts: readonly Omit<Part<unknown>, 'rows'>[]) {
  const oldest = parts.map(({ age }) => age).toSorted((a, b) => b.lagSeconds - a.lagSeconds)[0]!;
  return {
    asOf: oldest.asOf,
    lagSeconds: oldest.lagSeconds,
    stale: parts.some(({ age }) => age.stale),
    parts: parts.map(({ stretch, age }): ReportPart => {
      const { source, asOf, lagSeconds } = age;
      return { source, from: stretch.begins.toISOString(), to: stretch.ends.toISOString(), asOf, lagSeconds };
    }),
  };
}

/** By key, with what has none last, and by currency. */
const byGroup = (a: Row, b: Row): number =>
  Number(a.key === null) - Number(b.key === null) ||
  compare(String(a.key), String(b.key)) ||
  compare(String(a.currency), String(b.currency));
const compare = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

/** Rows of one group and currency as one row. */
export function addUp<R extends Row>(rows: readonly R[], amounts: readonly (keyof R & string)[]): R[] {
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
