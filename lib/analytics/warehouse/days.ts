import type { DataFile } from './files.ts';
import { columnNames } from './model.ts';
import { type Row, readRows } from './parquet.ts';
import type { Store } from './store.ts';

/**
 * The rows of `daily_sales_summary` after a load: those that it has made, and those of before that are of other months.
 * @throws BrokenFile
 */
export async function allDays(
  store: Store,
  before: DataFile | undefined,
  { months, days }: { months: readonly string[]; days: readonly Row[] },
): Promise<Row[]> {
  const rows = await readRows(store, before, columnNames('daily_sales_summary'));
  return [...rows.filter((row) => !months.includes(monthOf(row))), ...days].toSorted((a, b) =>
    keyOf(a) < keyOf(b) ? -1 : 1,
  );
}

/** The month that a day is in, as YYYY-MM. */
export const monthOf = ({ date }: Row): string => (date as Date).toISOString().slice(0, 7);

const keyOf = ({ date, currency }: Row): string => `${(date as Date).toISOString()} ${currency}`;
