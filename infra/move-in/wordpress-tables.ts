import type { Query, Row } from './mysql.ts';

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
