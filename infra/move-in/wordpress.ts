import { MoveInRefused } from './errors.ts';
import { openSnapshot, type Query, type Row } from './mysql.ts';
import type { Kind } from './read-rows.ts';
import { readCoupons, readCustomers } from './wordpress-accounts.ts';
import { readOrders } from './wordpress-orders.ts';
import { readProducts } from './wordpress-products.ts';
import type { ReadKind, Wordpress } from './wordpress-tables.ts';

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
