import type { Sql, TransactionSql } from 'postgres';

/** A table whose rows are moved: with the columns that can be written, and those among them that can be added up. */
export type Table = { name: string; columns: string[]; numbers: string[]; after: string[] };

/** What migrations write, what a stage says of itself, and what checks make anew, is not of the shop. */
const ofTheStage = [
  'migrations.applied',
  'orders.status_transitions',
  'monitor.restore_tests',
  'monitor.checks',
  'monitor.opening_balances',
  'monitor.violations',
  // Their files are in the stage's bucket.
  'reports.exports',
  // They follow the events, which are imported.
  'read_models.generations',
  'read_models.customers',
  'read_models.order_details',
];

/** Every table of the shop, each after those that its foreign keys point to. A partitioned table is one, with all its parts. */
export async function listTables(sql: Sql | TransactionSql): Promise<Table[]> {
  const rows = await sql<Table[]>`
    select n.nspname || '.' || c.relname as name,
      to_jsonb(array(
        select a.attname::text from pg_attribute a
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
        order by a.attnum
      )) as columns,
      to_jsonb(array(
        select a.attname::text from pg_attribute a
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
          and a.atttypid in ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype, 'numeric'::regtype)
        order by a.attnum
      )) as numbers,
      to_jsonb(array(
        select distinct f.confrelid::regclass::text from pg_constraint f
        where f.conrelid = c.oid and f.contype = 'f' and f.confrelid <> c.oid
      )) as after
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and not c.relispartition
      and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'public')
    order by 1`;
  return inOrder(rows.filter(({ name }) => !ofTheStage.includes(name)));
}

function inOrder(tables: readonly Table[]): Table[] {
  const done: Table[] = [];
  const visit = (table: Table): void => {
    if (done.includes(table)) return;
    for (const name of table.after) {
      const other = tables.find((one) => one.name === name);
      if (other !== undefined) visit(other);
    }
    done.push(table);
  };
  for (const table of tables) visit(table);
  return done;
}

/** How many rows a table has, and the sum of each column of numbers, as text. */
export async function measure(sql: Sql | TransactionSql, { name, numbers }: Pick<Table, 'name' | 'numbers'>) {
  // In one object, since the names of columns may be changed on their way.
  const sums = numbers.map((column) => `'${column}', coalesce(sum(${quote(column)}), 0)::text`);
  const [row] = await sql.unsafe(
    `select count(*)::float8 as rows, jsonb_build_object(${sums.join(', ')}) as sums from ${quoteTable(name)}`,
  );
  return row as unknown as { rows: number; sums: Record<string, string> };
}

export const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`;
export const quoteTable = (name: string): string => name.split('.').map(quote).join('.');
