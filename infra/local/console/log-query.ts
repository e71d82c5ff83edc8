import type { LogLine } from './log-tail.ts';
import { statisticOf } from './metric-store.ts';

/** A query uses what this evaluator does not know. */
export class QueryRefused extends Error {
  override readonly name = 'QueryRefused';
}

export type LogTable = { columns: string[]; rows: (string | number | null)[][] };

type Row = Record<string, unknown>;
type Stage = (rows: Row[]) => Row[];
type Aggregate = { as: string; of: (rows: readonly Row[]) => number | null };

/**
 * Compiles a query of CloudWatch Logs Insights, as far as the dashboards use the language: `filter ispresent`, `fields` with
 * `floor`, `stats` with `count`, `sum` and `pct` by fields, `sort`, `limit`. @throws QueryRefused
 */
export function compileQuery(query: string): (lines: readonly LogLine[]) => LogTable {
  const commands = query
    .split('|')
    .map((command) => command.trim())
    .filter((command) => !/^SOURCE '/.test(command));
  const columns = commands.map(columnsOf).findLast((names) => names !== undefined);
  if (columns === undefined) throw new QueryRefused(`${query} has no stats.`);
  const stages = commands.map(stageOf);
  return (lines) => {
    const rows = stages.reduce<Row[]>((before, stage) => stage(before), [...lines]);
    return { columns, rows: rows.map((row) => columns.map((column) => cellOf(row[column]))) };
  };
}

const cellOf = (value: unknown) => (typeof value === 'number' || value === null ? value : String(value ?? '–'));

function stageOf(command: string): Stage {
  const [, word = '', rest = ''] = /^(\w+)\s+(.*)$/s.exec(command) ?? [];
  switch (word) {
    case 'filter': {
      const field = /^ispresent\((\w+)\)$/.exec(rest)?.[1];
      if (field === undefined) break;
      return (rows) => rows.filter((row) => row[field] !== undefined && row[field] !== null);
    }
    case 'fields': {
      const made = splitList(rest).map((part) => {
        const [, field, divisor, as] = /^floor\((\w+) \/ (\d+)\) as (\w+)$/.exec(part) ?? [];
        if (field === undefined || as === undefined) throw new QueryRefused(`fields ${part}`);
        return (row: Row): Row => ({ [as]: Math.floor(Number(row[field]) / Number(divisor)) });
      });
      return (rows) => rows.map((row) => Object.assign({}, row, ...made.map((make) => make(row))));
    }
    case 'stats':
      return statsOf(rest);
    case 'sort': {
      const [, field, order] = /^(\w+) (asc|desc)$/.exec(rest) ?? [];
      if (field === undefined) break;
      const sign = order === 'desc' ? -1 : 1;
      return (rows) => rows.toSorted((one, other) => sign * (Number(one[field]) - Number(other[field])));
    }
    case 'limit':
      if (!/^\d+$/.test(rest)) break;
      return (rows) => rows.slice(0, Number(rest));
  }
  throw new QueryRefused(command);
}

const splitList = (text: string): string[] => text.split(/,\s*(?![^(]*\))/);

function readStats(rest: string): { aggregates: Aggregate[]; by: string[] } {
  const [, list, grouping] = /^(.*) by ([\w, ]+)$/s.exec(rest) ?? [];
  if (list === undefined || grouping === undefined) throw new QueryRefused(`stats ${rest}`);
  return { aggregates: splitList(list).map(aggregateOf), by: grouping.split(/,\s*/) };
}

function columnsOf(command: string): string[] | undefined {
  const [, rest] = /^stats\s+(.*)$/s.exec(command) ?? [];
  if (rest === undefined) return undefined;
  const { aggregates, by } = readStats(rest);
  return [...by, ...aggregates.map(({ as }) => as)];
}

function statsOf(rest: string): Stage {
  const { aggregates, by } = readStats(rest);
  return (rows) =>
    [...Map.groupBy(rows, (row) => JSON.stringify(by.map((field) => row[field] ?? null))).values()].map((group) => ({
      ...Object.fromEntries(by.map((field) => [field, group[0]![field] ?? null])),
      ...Object.fromEntries(aggregates.map(({ as, of }) => [as, of(group)])),
    }));
}

function aggregateOf(part: string): Aggregate {
  const [, name, args = '', as] = /^(\w+)\(([^)]*)\) as (\w+)$/.exec(part) ?? [];
  if (as === undefined) throw new QueryRefused(`stats ${part}`);
  if (name === 'count' && args === '*') return { as, of: (rows) => rows.length };
  const [field = '', percent] = args.split(/,\s*/);
  const statistic = name === 'sum' ? 'Sum' : name === 'pct' && percent !== undefined ? `p${percent}` : undefined;
  if (statistic === undefined) throw new QueryRefused(`stats ${part}`);
  const calculate = statisticOf(statistic);
  return {
    as,
    of(rows) {
      const values = rows.map((row) => Number(row[field])).filter((value) => Number.isFinite(value));
      return values.length === 0 ? null : calculate(values);
    },
  };
}
