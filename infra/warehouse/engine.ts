import { join } from 'node:path';
import { columnsOf, type Kind, type TableName, tableNames } from '../../lib/analytics/warehouse/model.ts';
import type { DataFile, Manifest } from './files.ts';

/** Integers are bigint, timestamps and dates Date. */
export type Rows = { columns: string[]; rows: Record<string, unknown>[] };
export type Query = (statement: string) => Promise<Rows>;

const types: Record<Kind, string> = {
  text: 'varchar',
  bigint: 'bigint',
  integer: 'integer',
  timestamp: 'timestamp',
  date: 'date',
  boolean: 'boolean',
};

/**
 * Runs work with DuckDB, which reads nothing but the data of this warehouse, and writes nothing. It is loaded only here, because
 * it is large.
 */
export async function withEngine<T>(root: string, work: (query: Query) => Promise<T>): Promise<T> {
  const { DuckDBInstance } = await import('@duckdb/node-api');
  const instance = await DuckDBInstance.create(':memory:', {
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    threads: '2',
  });
  const connection = await instance.connect();
  try {
    await connection.run(`set allowed_directories = [${quoted(`${join(root, 'data')}/`)}]`);
    await connection.run('set enable_external_access = false');
    await connection.run('set lock_configuration = true');
    return await work(async (statement) => {
      const reader = await connection.runAndReadAll(statement);
      return { columns: reader.columnNames(), rows: reader.getRowObjectsJS() as Record<string, unknown>[] };
    });
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** The columns of a table, as a statement names them. */
export const namesOf = (table: TableName): string =>
  columnsOf(table)
    .map(([name]) => name)
    .join(', ');

/** An expression for the rows of some files of a table; for none, a table without rows. */
export function relation(root: string, table: TableName, files: readonly (DataFile | undefined)[]): string {
  const there = files.filter((file) => file !== undefined);
  if (there.length > 0)
    return `read_parquet([${there.map(({ path }) => quoted(join(root, path))).join(', ')}], hive_partitioning = false)`;
  const columns = columnsOf(table).map(([name, { kind }]) => `null::${types[kind]} as ${name}`);
  return `(select ${columns.join(', ')} where false)`;
}

/** Names the tables of a manifest. `dim_customer` also gets the country of the latest order. */
export async function createViews(query: Query, root: string, manifest: Manifest): Promise<void> {
  for (const table of tableNames) {
    const from = relation(root, table, Object.values(manifest.tables[table] ?? {}));
    const country = `left join (select customer_key, arg_max(country, confirmed_at) as country from fact_orders group by 1) o
      using (customer_key)`;
    const names = namesOf(table);
    const body =
      table === 'dim_customer'
        ? `select ${names}, o.country from ${from} c ${country}`
        : `select ${names} from ${from}`;
    await query(`create view ${table} as ${body}`);
  }
}
