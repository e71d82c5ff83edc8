import { type Column, looks, mostRows } from './columns.ts';
import type { Wanted } from './draft-places.ts';
import { together } from './layouts.ts';
import type { RawRow } from './read-rows.ts';

/** An export with several rows of one thing: the column whose value they share, and the columns in which they differ. */
export type Grouped = { by: string; differing: ReadonlySet<string> };

/**
 * Finds out whether an export has a row for each line of an order, or for each address of a customer.
 * @param wanted says what the number of an order or a customer may be called
 */
export async function findGroups(
  rows: () => AsyncIterable<RawRow>,
  columns: readonly Column[],
  wanted: readonly Wanted[],
): Promise<Grouped | undefined> {
  const names = wanted.filter(({ place }) => place === 'id' || place === 'number').flatMap((one) => one.names);
  const column = names
    .flatMap((name) => columns.filter(({ words }) => new RegExp(`^(${name})$`).test(words)))
    .find(({ values }) => repeatsInRuns(values));
  if (column === undefined) return undefined;
  const differing = new Set<string>();
  let count = 0;
  for await (const { value } of together(rows(), column.name)) {
    const [first, ...others] = (value?.['(rows)'] ?? []) as (Record<string, unknown> | undefined)[];
    for (const other of others)
      for (const [name, text] of Object.entries(other ?? {}))
        if (text !== '' && text !== first?.[name]) differing.add(name);
    if (++count === mostRows) break;
  }
  return differing.size === 0 ? undefined : { by: column.name, differing };
}

/** Whether some values are there several times, and always next to each other. */
function repeatsInRuns(values: readonly string[]): boolean {
  const runs = values.filter((value, at) => value !== values[at - 1]).length;
  return runs < values.length && runs === new Set(values).size && !looks.time(values);
}
