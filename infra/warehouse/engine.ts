import { join } from 'node:path';
import type { DataFile, Manifest } from '../../lib/analytics/warehouse/files.ts';
import {
  columnNames,
  columnsOf,
  type Kind,
  type TableName,
  tableNames,
  tables,
} from '../../lib/analytics/warehouse/model.ts';

/** Integers are bigint, timestamps and dates Date. */
export type Rows = { columns: string[]; rows: Record<string, unknown>[] };
export type Query = (statement: string, parameters?: readonly string[]) => Promise<Rows>;
export type Engine = { query: Query; close: () => void };

const types: Record<Kind, string> = {
  text: 'varchar',
  bigint: 'bigint',
  integer: 'integer',
  timestamp: 'timestamp',
  date: 'date',
  boolean: 'boolean',
};

/** Runs work with an engine that ends with it. */
export async function withEngine<T>(root: string, work: (query: Query) => Promise<T>): Promise<T> {
  const { query, close } = await openEngine(root);
  try {
    return await work(query);
  } finally {
    close();
  }
}

/**
 * DuckDB, which reads nothing but the data of this warehouse, and writes nothing. It is loaded only here, because it is large.
 */
export async function openEngine(root: string): Promise<Engine> {
  const { DuckDBInstance } = await import('@duckdb/node-api');
  const instance = await DuckDBInstance.create(':memory:', {
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    threads: '2',
  });
  const connection = await instance.connect();
  await connection.run(`set allowed_directories = [${quoted(`${join(root, 'data')}/`)}]`);
  // What a file says of itself is read once.
  await connection.run('set parquet_metadata_cache = true');
  await connection.run('set enable_external_access = false');
  await connection.run('set lock_configuration = true');
  return {
    async query(statement, parameters = []) {
      // With parameters, even none, a statement is prepared first, which takes as long as a short one itself.
      const reader = await connection.runAndReadAll(statement, parameters.length === 0 ? undefined : [...parameters]);
      return { columns: reader.columnNames(), rows: reader.getRowObjectsJS() as Record<string, unknown>[] };
    },
    close() {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** An expression for the rows of some files of a table, each with its `month`; for none, a table without rows. */
function relation(root: string, table: TableName, files: readonly (DataFile | undefined)[]): string {
  const there = files.filter((file) => file !== undefined);
  if (there.length > 0)
    return `read_parquet([${there.map(({ path }) => quoted(join(root, path))).join(', ')}], hive_partitioning = ${tables[table].byMonth}, hive_types_autocast = false)`;
  const columns = columnsOf(table).map(([name, { kind }]) => `null::${types[kind]} as ${name}`);
  if (tables[table].byMonth) columns.push('null::varchar as month');
  return `(select ${columns.join(', ')} where false)`;
}

/** The tables that a statement may read. */
export const tablesIn = (statement: string): TableName[] =>
  tableNames.filter((table) => new RegExp(`\\b${table}\\b`, 'i').test(statement));

type Named = {
  /** Where to name them with the column `state`, as Athena does. */
  database?: string | undefined;
  /** Which ones: all by default. The engine opens a file of each. */
  of?: readonly TableName[];
};

/** Names tables of a manifest. Those that have files by month have the column `month` too. */
export async function createViews(
  query: Query,
  root: string,
  manifest: Manifest,
  { database, of = tableNames }: Named = {},
): Promise<void> {
  const within = database === undefined ? '' : `${database}.`;
  if (database !== undefined) await query(`create schema if not exists ${database}`);
  const state = database === undefined ? '' : `, '${manifest.number}' as state`;
  for (const table of of) {
    const from = relation(root, table, Object.values(manifest.tables[table] ?? {}));
    const month = tables[table].byMonth ? ', month' : '';
    const body = `select ${columnNames(table).join(', ')}${month}${state} from ${from}`;
    await query(`create or replace view ${within}${table} as ${body}`);
  }
}
