import { wordsOf } from './columns.ts';
import { isPostgresAddress, readerOf } from './databases.ts';
import { MoveInRefused } from './errors.ts';
import type { Kind } from './read-rows.ts';

type Table = { schema: string; name: string; words: string; columns: string[] };
export type DraftedQueries = { queries: Partial<Record<Kind, string>>; unused: string[] };

/** What a table may be called, best first, and what its columns must be called. */
const wanted: Record<Kind, { names: string[]; columns: RegExp[] }> = {
  products: {
    names: ['products?', '.* products?', 'variants?', '.* variants?', 'articles?|artikel|items?', 'catalog.*'],
    columns: [/name|title/, /price|preis|amount/],
  },
  customers: {
    names: ['customers?', '.* customers?', 'users?|clients?|kunden?|accounts?', '.* (users?|clients?)'],
    columns: [/mail/],
  },
  coupons: { names: ['coupons?|vouchers?', '.* (coupons?|vouchers?)', '(promo|discount).*'], columns: [/code/] },
  orders: {
    names: ['orders?', '.* orders?', 'sales?|purchases?|bestellung(en)?', '.* (sales?|purchases?)'],
    columns: [/total|amount|sum|gesamt/, /date|created|placed|\bat\b/],
  },
};
const lineTables = /(order|sale|purchase|bestell\w*)s? (items?|lines?|positions?|products?|details?|rows?|entries)$/;

/**
 * Drafts the queries for a database that nobody has described, from the names of its tables and columns.
 * @throws MoveInRefused when nothing in it looks like a shop
 */
export async function draftQueries(address: string, password: string | undefined): Promise<DraftedQueries> {
  const tables = await readTables(address, password);
  if (tables.some(({ name }) => name.endsWith('woocommerce_order_items')))
    throw new MoveInRefused('This is the database of a WooCommerce shop, which needs no mapping: run assess.');
  const isPostgres = isPostgresAddress(address);
  const quoted = (name: string) =>
    isPostgres ? `"${name.replaceAll('"', '""')}"` : `\`${name.replaceAll('`', '``')}\``;
  const from = ({ schema, name }: Table) => (isPostgres ? `${quoted(schema)}.${quoted(name)}` : quoted(name));
  const queries: DraftedQueries['queries'] = {};
  const used = new Set<Table>();
  for (const kind of Object.keys(wanted) as Kind[]) {
    const table = bestTable(kind, tables);
    if (table === undefined) continue;
    used.add(table);
    const id = quoted(idOf(table));
    const lines = kind === 'orders' ? linesOf(table, tables) : undefined;
    if (lines !== undefined) used.add(lines.table);
    const read =
      lines === undefined
        ? ''
        : `, (select ${
            isPostgres
              ? `json_agg(to_json(l) order by l.${quoted(idOf(lines.table))})`
              : `json_arrayagg(json_object(${lines.table.columns.map((name) => `'${name.replaceAll("'", "''")}', l.${quoted(name)}`).join(', ')}))`
          } from ${from(lines.table)} l where l.${quoted(lines.column)} = t.${id}) as ${quoted('(lines)')}`;
    queries[kind] = `select t.*${read} from ${from(table)} t order by t.${id}`;
  }
  if (Object.keys(queries).length === 0)
    throw new MoveInRefused(
      'No table looks like products, customers, coupons or orders: write queries into a mapping.',
    );
  return { queries, unused: tables.filter((table) => !used.has(table)).map(({ name }) => name) };
}

async function readTables(address: string, password: string | undefined): Promise<Table[]> {
  const ours = isPostgresAddress(address)
    ? "table_schema not in ('pg_catalog', 'information_schema')"
    : 'table_schema = database()';
  const rows = readerOf(address, password)(
    'tables',
    `select table_schema as s, table_name as t, column_name as c from information_schema.columns
     where ${ours} order by table_schema, table_name, ordinal_position`,
  );
  const tables = new Map<string, Table>();
  for await (const row of rows) {
    const [schema, name, column] = [String(row.s), String(row.t), String(row.c)];
    const table = tables.get(`${schema}.${name}`) ?? { schema, name, words: wordsOf(name), columns: [] };
    table.columns.push(column);
    tables.set(`${schema}.${name}`, table);
  }
  return [...tables.values()];
}

function bestTable(kind: Kind, tables: readonly Table[]): Table | undefined {
  const { names, columns } = wanted[kind];
  const fitting = tables.filter(
    (table) =>
      !lineTables.test(table.words) &&
      columns.every((words) => table.columns.some((column) => words.test(wordsOf(column)))),
  );
  for (const name of names) {
    const found = fitting.find(({ words }) => new RegExp(`^(${name})$`).test(words));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Its own id: `id`, or one that is called as the table. */
function idOf({ words, columns }: Table): string {
  const own = words.split(' ').at(-1)!.replace(/s$/, '');
  const words_ = ['id', `${own} id`, `${own} no`, `${own} number`, 'number', 'no'];
  return (
    words_.map((name) => columns.find((column) => wordsOf(column) === name)).find((one) => one !== undefined) ??
    columns[0]!
  );
}

/** The table with the lines of orders, and its column that names the order. */
function linesOf(orders: Table, tables: readonly Table[]): { table: Table; column: string } | undefined {
  const own = orders.words.split(' ').at(-1)!.replace(/s$/, '');
  const names = new RegExp(`^(${own}|order|sale)s?( (id|no|nr|number))?$`);
  for (const table of tables) {
    const column = table.columns.find((name) => names.test(wordsOf(name)));
    const called =
      lineTables.test(table.words) || new RegExp(`^(.* )?(${own}s? )?(items?|lines?|positions?)$`).test(table.words);
    if (table !== orders && column !== undefined && called) return { table, column };
  }
  return undefined;
}
