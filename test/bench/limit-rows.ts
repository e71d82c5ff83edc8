import { randomUUID } from 'node:crypto';
import type { Sql } from 'postgres';

export type Row = Record<string, unknown>;

/** The rows that one order leaves behind, by table. */
export type OrderRows = Record<string, Row[]>;

/** How many rows each table has, and a transaction id that no row of them is older than the next order than. */
export type Tally = { counts: Map<string, number>; nextId: string };

/** Counts the rows of every table of the product but those that are written a batch at a time, beside the orders. */
export async function tally(owner: Sql): Promise<Tally> {
  const tables = await owner`
    select format('%I.%I', n.nspname, c.relname) as name
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.relkind = 'r' and n.nspname !~ '^(pg_|information_schema|audit|read_models)'
    order by 1`;
  const counts = new Map<string, number>();
  for (const { name } of tables) {
    const [row] = await owner`select count(*)::integer as count from ${owner.unsafe(name)}`;
    counts.set(name, row!.count);
  }
  const [row] = await owner`select pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::text as id`;
  return { counts, nextId: row!.id };
}

/**
 * The rows that were added since a tally, table by table, in the order in which foreign keys take them.
 * @throws Error when a table has other new rows than its count says: somebody else wrote
 */
export async function rowsSince(owner: Sql, before: Tally): Promise<OrderRows> {
  const after = await tally(owner);
  const rows: OrderRows = {};
  for (const [table, count] of after.counts) {
    const added = count - before.counts.get(table)!;
    if (added === 0) continue;
    // Rows of a new order alone are as young as it is: a fresh database is far from wrapping ids around.
    const young = await owner`
      select * from ${owner.unsafe(table)} where xmin::text::bigint >= ${before.nextId}::text::bigint`;
    if (young.length !== added) throw new Error(`${table} has ${added} rows more and ${young.length} new ones.`);
    rows[table] = young.map((row) => ({ ...row }));
  }
  return rows;
}

/** A counterpart of one order's rows: the same, under ids of its own, for another product. */
export function copier(template: OrderRows): (productId: string) => OrderRows {
  const values = Object.values(template).flat().flatMap(Object.values);
  const text = JSON.stringify(values);
  const own = [...new Set(text.match(ownIds))];
  const parts = text.split(new RegExp(`(${[...own, 'prd_[0-9a-f]{32}'].join('|')})`));
  const dates = new Set(values.flatMap((value, i) => (value instanceof Date ? [i] : [])));

  return (productId) => {
    const ids = new Map(own.map((id) => [id, newLike(id)]));
    const copied = parts.map((part, i) => (i % 2 === 0 ? part : (ids.get(part) ?? productId))).join('');
    let next = 0;
    const fresh = (JSON.parse(copied) as unknown[]).map((value, i) =>
      dates.has(i) ? new Date(value as string) : value,
    );
    return Object.fromEntries(
      Object.entries(template).map(([table, rows]) => [
        table,
        rows.map((row) => Object.fromEntries(Object.keys(row).map((column) => [column, fresh[next++]]))),
      ]),
    );
  };
}

/** Of the order, with its number, and what belongs to it; and the UUIDs of its idempotency key and of the provider's reference. */
const ownIds = /CF-\d+|(ord|pay|evt|mov)_[0-9a-f]{32}|(?<![0-9a-f])[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;

let numbered = 1e9;

function newLike(id: string): string {
  if (id.startsWith('CF-')) return `CF-${numbered++}`;
  return id[3] === '_' ? id.slice(0, 4) + randomUUID().replaceAll('-', '') : randomUUID();
}
