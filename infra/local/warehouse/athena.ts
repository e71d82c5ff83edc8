import { randomUUID } from 'node:crypto';
import { HistoryBroken, type Warehouse } from '../../../lib/analytics/history.ts';

type Cell = string | number | boolean | null;
type Run = { state: 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'CANCELLED'; reason?: string; rows: Record<string, Cell>[] };
type Asked = {
  QueryString: string;
  ExecutionParameters?: string[];
  QueryExecutionId: string;
  NextToken?: string;
};

/** Runs whose answers are kept. */
const mostKept = 100;
const pageRows = 500;

/** The part of Athena's API that reports use. DuckDB answers, over the same files. */
export function createAthena(warehouse: Warehouse) {
  const runs = new Map<string, Run>();
  const operations: Record<string, (asked: Asked) => Promise<object> | object> = {
    StartQueryExecution({ QueryString, ExecutionParameters = [] }) {
      const id = randomUUID();
      const run: Run = { state: 'RUNNING', rows: [] };
      runs.set(id, run);
      for (const old of [...runs.keys()].slice(0, -mostKept)) runs.delete(old);
      void answer(QueryString, ExecutionParameters).then(
        (rows) => Object.assign(run, { state: run.state === 'RUNNING' ? 'SUCCEEDED' : run.state, rows }),
        (error: unknown) => Object.assign(run, { state: 'FAILED', reason: reasonOf(error) }),
      );
      return { QueryExecutionId: id };
    },
    GetQueryExecution({ QueryExecutionId }) {
      const { state, reason } = runOf(QueryExecutionId);
      return { QueryExecution: { QueryExecutionId, Status: { State: state, StateChangeReason: reason } } };
    },
    GetQueryResults({ QueryExecutionId, NextToken }) {
      const { rows } = runOf(QueryExecutionId);
      const names = Object.keys(rows[0] ?? {});
      // As Athena, which knows no capitals in names.
      const header = { Data: names.map((name) => ({ VarCharValue: name.toLowerCase() })) };
      const all = [header, ...rows.map((row) => ({ Data: names.map((name) => cellOf(row[name]!)) }))];
      const from = Number(NextToken ?? 0);
      return {
        ResultSet: {
          Rows: all.slice(from, from + pageRows),
          ResultSetMetadata: {
            ColumnInfo: names.map((name) => ({ Name: name.toLowerCase(), Type: typeOf(rows, name) })),
          },
        },
        ...(from + pageRows < all.length ? { NextToken: String(from + pageRows) } : {}),
      };
    },
    StopQueryExecution({ QueryExecutionId }) {
      runOf(QueryExecutionId).state = 'CANCELLED';
      return {};
    },
  };

  function runOf(id: string): Run {
    const run = runs.get(id);
    if (run === undefined) throw new Error(`there is no query ${id}`);
    return run;
  }

  async function answer(text: string, parameters: readonly string[]): Promise<Record<string, Cell>[]> {
    const [, number] = /\bstate = '(\d+)'/.exec(text) ?? [];
    if (number === undefined) throw new Error('CONSTRAINT_VIOLATION: a query must say which state it is of');
    return warehouse.query({ number: Number(number) } as never, { text, parameters: parameters.map(unquoted) });
  }

  return {
    /** Answers a call of the API, such as `StartQueryExecution`. */
    async call(operation: string, asked: Asked): Promise<{ status: number; body: object }> {
      const work = operations[operation];
      if (work === undefined) return { status: 400, body: { __type: 'UnknownOperationException' } };
      try {
        return { status: 200, body: await work(asked) };
      } catch (error) {
        return { status: 400, body: { __type: 'InvalidRequestException', message: String(error) } };
      }
    },
  };
}

function unquoted(literal: string): string {
  const [, text] = /^'([\s\S]*)'$/.exec(literal) ?? [];
  if (text === undefined) throw new Error(`INVALID_PARAMETER_USAGE: not a text in quotes: ${literal}`);
  return text.replaceAll("''", "'");
}

const reasonOf = (error: unknown): string =>
  error instanceof HistoryBroken ? `HIVE_CANNOT_OPEN_SPLIT: ${error.message}` : String(error);

const cellOf = (value: Cell) => (value === null ? {} : { VarCharValue: String(value) });

function typeOf(rows: readonly Record<string, Cell>[], name: string): string {
  const value = rows.find((row) => row[name] !== null)?.[name];
  if (typeof value === 'number') return Number.isInteger(value) ? 'bigint' : 'double';
  return typeof value === 'boolean' ? 'boolean' : 'varchar';
}
