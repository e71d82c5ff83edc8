import type { RawRow } from './read-rows.ts';

/** A column of an unknown export: its name, and some of its values that are not empty. */
export type Column = { name: string; words: string; values: string[]; filled: number };

/** Of an export, to find out what it has. */
export const mostRows = 2000;
const mostValues = 300;

/** The columns of the first rows. Fields of objects are columns, too, such as `billing.city`. */
export async function columnsOf(rows: AsyncIterable<RawRow>): Promise<{ columns: Column[]; rows: number }> {
  const columns = new Map<string, Column>();
  let count = 0;
  for await (const { value } of rows) {
    for (const [name, text] of cellsOf(value ?? {})) {
      const column = columns.get(name) ?? { name, words: wordsOf(name), values: [], filled: 0 };
      columns.set(name, column);
      if (text === '') continue;
      column.filled++;
      if (column.values.length < mostValues) column.values.push(text);
    }
    if (++count === mostRows) break;
  }
  return { columns: [...columns.values()], rows: count };
}

function* cellsOf(value: Record<string, unknown>, before = ''): Generator<[string, string]> {
  for (const [name, field] of Object.entries(value)) {
    const path = before + name;
    if (typeof field === 'object' && field !== null && !Array.isArray(field))
      yield* cellsOf(field as Record<string, unknown>, `${path}.`);
    else yield [path, field == null ? '' : typeof field === 'object' ? JSON.stringify(field) : String(field).trim()];
  }
}

/** A name as small words with blanks between: `billingAddress_Line1` is `billing address line 1`. */
export const wordsOf = (name: string): string =>
  name
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
    .replaceAll(/([a-zA-Z])(\d)/g, '$1 $2')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, ' ')
    .trim();

const share = (values: readonly string[], test: (value: string) => boolean): number =>
  values.length === 0 ? 0 : values.filter(test).length / values.length;

/** What values look like. */
export const looks = {
  email: (values: readonly string[]) => share(values, (value) => /^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(value)) > 0.7,
  amount: (values: readonly string[]) => share(values, (value) => /^-?\d{1,12}([.,]\d{1,12})?$/.test(value)) > 0.9,
  whole: (values: readonly string[]) => share(values, (value) => /^-?\d{1,10}$/.test(value)) > 0.9,
  time: (values: readonly string[]) => share(values, (value) => /^\d{4}-\d\d-\d\d([T ]|$)/.test(value)) > 0.9,
  currency: (values: readonly string[]) => share(values, (value) => /^[A-Za-z]{3}$/.test(value)) > 0.9,
  country: (values: readonly string[]) => share(values, (value) => /^[A-Za-z]{2}$/.test(value)) > 0.9,
  hash: (values: readonly string[]) =>
    share(values, (value) => /^\$(P|H|2[abxy]|wp\$2y|scrypt)\$|^c2NyeXB0/.test(value)) > 0.5,
  lines: (values: readonly string[]) => share(values, (value) => /^\[\s*\{|^[a-z_ ]+:[^|]*\|/i.test(value)) > 0.7,
  distinct: (values: readonly string[]) => new Set(values).size > 0.9 * values.length,
};
