import { MoveInRefused } from './errors.ts';
import { openSnapshot, type Query, type Row } from './mysql.ts';
import type { Kind } from './read-rows.ts';
import { readCoupons, readCustomers } from './wordpress-accounts.ts';
import { readOrders } from './wordpress-orders.ts';
import { readProducts } from './wordpress-products.ts';

/** The tables of one WooCommerce shop, in one moment. */
export type Wordpress = {
  query: Query;
  /** A table by its name without the prefix, in quotation marks. */
  table: (name: string) => string;
  /** Settings of the shop, by their names in `options`. */
  settings: Map<string, string>;
  /** Whether orders have tables of their own (HPOS), and are not posts. */
  hasOrderTables: boolean;
};
/** `onShare` hears how much was read, from 0 to 1. */
export type ReadKind = (wordpress: Wordpress, onShare: (share: number) => void) => AsyncIterable<Row>;
type Readers = {
  rows: (kind: Kind, onShare: (share: number) => void) => AsyncIterable<Row>;
  /** As the database estimates them. */
  bytes: Partial<Record<Kind, number>>;
};

const readers: Record<Kind, ReadKind> = {
  products: readProducts,
  customers: readCustomers,
  coupons: readCoupons,
  orders: readOrders,
};

/**
 * Reads the tables of WooCommerce, whatever their prefix. Each kind is read in a transaction of its own, which sees one moment.
 * @throws MoveInRefused without such tables, or with those of several shops
 */
export async function wordpressReaders(url: URL): Promise<Readers> {
  const { query, close } = await openSnapshot(url);
  try {
    const tables = await readTables(query, url.searchParams.get('prefix'));
    const wordpress = await describeShop(query, tables);
    return {
      bytes: await readBytes(query, tables, wordpress.hasOrderTables),
      async *rows(kind, onShare) {
        const snapshot = await openSnapshot(url);
        try {
          yield* readers[kind]({ ...wordpress, query: snapshot.query }, onShare);
        } finally {
          snapshot.close();
        }
      },
    };
  } finally {
    close();
  }
}

type Tables = { prefix: string; names: Set<string> };

async function readTables(query: Query, wanted: string | null): Promise<Tables> {
  const rows = await query<{ name: string }>(
    'select table_name as name from information_schema.tables where table_schema = database()',
  );
  const names = new Set(rows.map(({ name }) => name));
  const suffix = 'woocommerce_order_items';
  const prefixes = [...names]
    .filter((name) => name.endsWith(suffix) && /^[\w$]*$/.test(name))
    .map((name) => name.slice(0, -suffix.length));
  const found = wanted === null ? prefixes : prefixes.filter((prefix) => prefix === wanted);
  if (found.length === 1) return { prefix: found[0]!, names };
  throw new MoveInRefused(
    found.length === 0
      ? `The database has no tables of WooCommerce that its user may read${wanted === null ? '' : ` and whose names begin with ${wanted}`}. Another shop needs queries in its mapping.`
      : `The database has ${found.length} shops: say which by ?prefix= in the address, one of ${found.toSorted().join(', ')}.`,
  );
}

async function describeShop(query: Query, { prefix, names }: Tables): Promise<Wordpress> {
  // The shops of a network have one table of users, whose prefix has no number.
  const users = names.has(`${prefix}users`) ? prefix : prefix.replace(/\d+_$/, '');
  const table = (name: string) => `\`${name === 'users' || name === 'usermeta' ? users : prefix}${name}\``;
  const rows = await query<{ name: string; value: string }>(
    `select option_name as name, option_value as value from ${table('options')} where option_name in (?)`,
    [['woocommerce_currency', 'woocommerce_weight_unit', 'woocommerce_custom_orders_table_enabled']],
  );
  const settings = new Map(rows.map(({ name, value }) => [name, value]));
  const hasOrderTables =
    names.has(`${prefix}wc_orders`) && settings.get('woocommerce_custom_orders_table_enabled') === 'yes';
  return { query, table, settings, hasOrderTables };
}

const mainTables = { products: 'posts', customers: 'users', coupons: undefined, orders: 'woocommerce_order_items' };

/** What the tables take that a kind has most of its rows in. Posts have all that WordPress has. */
async function readBytes(query: Query, { prefix, names }: Tables, hasOrderTables: boolean): Promise<Readers['bytes']> {
  const tables: Record<string, Kind> = {};
  for (const [kind, name] of Object.entries(mainTables) as [Kind, string | undefined][])
    if (name !== undefined && names.has(prefix + name)) tables[prefix + name] = kind;
  tables[`${prefix}postmeta`] = hasOrderTables ? 'products' : 'orders';
  tables[`${prefix}usermeta`] = 'customers';
  for (const name of ['woocommerce_order_itemmeta', 'wc_orders', 'wc_order_addresses', 'wc_order_operational_data'])
    tables[prefix + name] = 'orders';
  const rows = await query<{ name: string; bytes: string | null }>(
    `select table_name as name, data_length as bytes from information_schema.tables
     where table_schema = database() and table_name in (?)`,
    [Object.keys(tables)],
  );
  const bytes: Readers['bytes'] = {};
  for (const { name, bytes: own } of rows) bytes[tables[name]!] = (bytes[tables[name]!] ?? 0) + Number(own ?? 0);
  return bytes;
}

const idsAtOnce = 1000;

/** Rows in the order of their ids, some at a time: `statement` takes those whose id is above its first value, at most its second. */
export async function* pages<R extends { id: string }>(
  { query }: Pick<Wordpress, 'query'>,
  statement: string,
): AsyncGenerator<R[]> {
  for (let after = 0; ; ) {
    const rows = await query<R>(statement, [after, idsAtOnce]);
    if (rows.length === 0) return;
    yield rows;
    after = Number(rows.at(-1)!.id);
  }
}

export type Meta = Record<string, string | undefined>;

/** What a table of WordPress's names and values says of some ids. Of a name that is there twice the first counts, as in WordPress. */
export async function readMeta(
  { query, table }: Wordpress,
  { from, id, key = 'meta_id' }: { from: string; id: string; key?: string },
  ids: readonly number[],
  names: readonly string[],
): Promise<Map<string, Meta>> {
  const all = new Map<string, Meta>();
  if (ids.length === 0) return all;
  const rows = await query<{ id: string; name: string; value: string | null }>(
    `select ${id} as id, meta_key as name, meta_value as value from ${table(from)}
     where ${id} in (?) and meta_key in (?) order by ${key}`,
    [ids, names],
  );
  for (const { id: of, name, value } of rows) {
    const meta = all.get(of) ?? {};
    meta[name] ??= value ?? '';
    all.set(of, meta);
  }
  return all;
}

export const idsOf = (rows: readonly { id: string }[]): number[] => rows.map(({ id }) => Number(id));

/** The largest id, of which the last that was read is a share. */
export async function lastId({ query }: Wordpress, statement: string): Promise<number> {
  const [row] = await query<{ id: string | null }>(statement);
  return Math.max(1, Number(row?.id ?? 1));
}

/** A time that WordPress keeps as seconds since 1970; empty without one. */
export const timeOfSeconds = (text: string | undefined): string =>
  text !== undefined && /^\d{1,11}$/.test(text) ? new Date(Number(text) * 1000).toISOString() : '';
