import { parquetWriteBuffer } from 'hyparquet-writer';
import type { Cell, Column, ColumnKind, Row } from './columns.ts';

type Type = 'STRING' | 'INT64' | 'DOUBLE' | 'BOOLEAN' | 'TIMESTAMP';

/** Declared, so that no reader has to infer them: an amount is INT64, also where all of a column are null. */
const types: Readonly<Record<ColumnKind, Type>> = {
  text: 'STRING',
  integer: 'INT64',
  number: 'DOUBLE',
  boolean: 'BOOLEAN',
  timestamp: 'TIMESTAMP',
};

const cellOf = (kind: ColumnKind, value: Cell | undefined): unknown => {
  if (value === null || value === undefined) return null;
  if (kind === 'integer') return BigInt(value as number);
  return kind === 'timestamp' ? new Date(value as string | Date) : value;
};

/**
 * Rows as a Parquet file, whose columns may all be null. Moments are in UTC.
 * @param about what the file says of itself besides its rows, by names
 */
export function toParquet(
  columns: readonly Column[],
  rows: readonly Row[],
  about: Readonly<Record<string, string>>,
): Buffer {
  const columnData = columns.map(([name, kind]) => ({
    name,
    data: rows.map((row) => cellOf(kind, row[name])),
    type: types[kind],
  }));
  const kvMetadata = Object.entries(about).map(([key, value]) => ({ key, value }));
  return Buffer.from(parquetWriteBuffer({ columnData, kvMetadata, createdBy: 'Counterfoil' }));
}
