/* Statements that fill the tables of a made-up WooCommerce shop. */

export type Values = readonly (string | number | null)[];
/** Under the names of their columns. */
export type Named = Record<string, string>;
/** Posts share their ids: what else there is of them is below and above the first coupon. */
export const firstCoupon = 30_000_000;

export const rowsAtOnce = 500;

export async function* inserts(into: string, rows: Iterable<Values> | AsyncIterable<Values>): AsyncGenerator<string> {
  let some: string[] = [];
  const statement = () => `insert into ${into} values\n${some.join(',\n')};\n`;
  for await (const row of rows) {
    some.push(`(${row.map(literal).join(', ')})`);
    if (some.length < rowsAtOnce) continue;
    yield statement();
    some = [];
  }
  if (some.length > 0) yield statement();
}

const literal = (value: string | number | null): string =>
  value === null ? 'null' : typeof value === 'number' ? String(value) : `'${value.replaceAll(/[\\']/g, '\\$&')}'`;

export const metaOf = (id: number | string, values: Record<string, string | undefined>): Values[] =>
  Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[id, name, value]]));

export const postColumns =
  'wp_posts (ID, post_type, post_status, post_title, post_content, post_excerpt, post_parent, post_date_gmt, post_modified_gmt)';
export const post = (
  id: number,
  type: string,
  { status = 'publish', title = '', text = '', excerpt = '', parent = 0, date = '2021-01-01 00:00:00' },
): Values => [id, type, status, title, text, excerpt, parent, date, date];
