import {
  type AthenaClient,
  GetQueryExecutionCommand,
  GetQueryResultsCommand,
  type GetQueryResultsCommandOutput,
  StartQueryExecutionCommand,
  StopQueryExecutionCommand,
} from '@aws-sdk/client-athena';
import { HistoryBroken } from '../history.ts';
import { columnNames, type TableName, tableNames, tables } from './model.ts';
import type { Statement } from './statement.ts';

export type Athena = {
  client: AthenaClient;
  workGroup: string;
  /** The Glue database of the warehouse's tables. */
  database: string;
  sleep: (milliseconds: number) => Promise<unknown>;
};

/** Athena did not answer in time, or not at all. */
export class AthenaFailed extends Error {
  override readonly name = 'AthenaFailed';
}

/** Most answers are there after one or two seconds. */
const pausesMs = [150, 150, 200, 250, 300];
const longestPauseMs = 400;
/** The same statement on the same state has the same answer. */
const reuseMinutes = 60;

/**
 * Asks Athena a statement about one state of the warehouse.
 * @param state number of a load
 * @throws HistoryBroken naming a file that cannot be read, AthenaFailed
 */
export async function askAthena<R>(
  athena: Athena,
  state: number,
  statement: Statement,
  timeoutMs: number,
): Promise<R[]> {
  const { client, workGroup, database, sleep } = athena;
  const { QueryExecutionId } = await client.send(
    new StartQueryExecutionCommand({
      QueryString: ofState(statement.text, database, String(state)),
      ...(statement.parameters.length === 0 ? {} : { ExecutionParameters: statement.parameters.map(quoted) }),
      WorkGroup: workGroup,
      ResultReuseConfiguration: { ResultReuseByAgeConfiguration: { Enabled: true, MaxAgeInMinutes: reuseMinutes } },
    }),
  );
  let waited = 0;
  for (let turn = 0; ; turn++) {
    const { QueryExecution } = await client.send(new GetQueryExecutionCommand({ QueryExecutionId }));
    const { State, StateChangeReason: reason = '' } = QueryExecution?.Status ?? {};
    if (State === 'SUCCEEDED') return readResult<R>(client, QueryExecutionId!, statement.text);
    if (State === 'FAILED' && isOfFile(reason)) throw new HistoryBroken(explanationOf(reason));
    if (State === 'FAILED' || State === 'CANCELLED') throw new AthenaFailed(`${State}: ${reason}`);
    if (waited >= timeoutMs) {
      await client.send(new StopQueryExecutionCommand({ QueryExecutionId }));
      throw new AthenaFailed(`no answer after ${waited} ms`);
    }
    const pause = pausesMs[turn] ?? longestPauseMs;
    await sleep(pause);
    waited += pause;
  }
}

/**
 * A statement over the tables as they were at a state: its number, or `newest`. A name in front of the statement stands for the
 * rows of that state.
 */
export function ofState(text: string, database: string, state: string): string {
  const named = tableNames.filter((table) => new RegExp(`\\b${table}\\b`).test(text));
  const parts = named.map(
    (table) => `${table} as (select ${columnList(table)} from "${database}".${table} where state = '${state}')`,
  );
  const [, own] = /^\s*with\s+([\s\S]*)$/i.exec(text) ?? [];
  if (own !== undefined) return `with ${[...parts, own].join(', ')}`;
  return parts.length === 0 ? text : `with ${parts.join(', ')} ${text.trim()}`;
}

const columnList = (table: TableName): string =>
  [...columnNames(table), ...(tables[table].byMonth ? ['month'] : [])].join(', ');

/** Athena takes parameters as literals. */
const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** Trino's codes of what it could not read from a table's files. */
const isOfFile = (reason: string): boolean => /^(HIVE|ICEBERG)_\w+|NoSuchKey|NOT_FOUND/.test(reason);

const explanationOf = (reason: string): string => {
  const [path] = /data\/\S+?\.parquet/.exec(reason) ?? [];
  return path === undefined
    ? `The warehouse cannot be read. Run npm run warehouse -- load --full. (${reason})`
    : `${path} is missing or not what was written. Run npm run warehouse -- load --full.`;
};

async function readResult<R>(client: AthenaClient, QueryExecutionId: string, text: string): Promise<R[]> {
  const spelled = new Map([...text.matchAll(/"(\w+)"/g)].map(([, name]) => [name!.toLowerCase(), name!]));
  const rows: R[] = [];
  let NextToken: string | undefined;
  do {
    const page: GetQueryResultsCommandOutput = await client.send(
      new GetQueryResultsCommand({ QueryExecutionId, NextToken }),
    );
    const columns = page.ResultSet?.ResultSetMetadata?.ColumnInfo ?? [];
    const found = page.ResultSet?.Rows ?? [];
    // The first row of the first page has the names.
    for (const { Data = [] } of NextToken === undefined ? found.slice(1) : found) {
      const values = columns.map(({ Name, Type }, n) => [
        spelled.get(Name!.toLowerCase()) ?? Name!,
        typed(Data[n]?.VarCharValue, Type!),
      ]);
      rows.push(Object.fromEntries(values) as R);
    }
    ({ NextToken } = page);
  } while (NextToken !== undefined);
  return rows;
}

/** Amounts are far below 2^53, as in the answers of the database. */
function typed(text: string | undefined, type: string): string | number | boolean | null {
  if (text === undefined) return null;
  if (/^(tinyint|smallint|integer|bigint|double|float|real|decimal)/.test(type)) return Number(text);
  return type === 'boolean' ? text === 'true' : text;
}
