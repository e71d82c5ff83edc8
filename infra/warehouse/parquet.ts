import { fileWriter, parquetWriteRows } from 'hyparquet-writer';
import { columnsOf, type Kind, type TableName } from '../../lib/analytics/warehouse/model.ts';

type SchemaElement = NonNullable<Parameters<typeof parquetWriteRows>[0]['schema']>[number];
type Value = string | number | bigint | boolean | Date | null;
type Row = Readonly<Record<string, unknown>>;

/** Money as INT64, and types declared, so that no reader has to infer them. */
const types: Record<Kind, Pick<SchemaElement, 'type' | 'converted_type'>> = {
  text: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
  bigint: { type: 'INT64' },
  integer: { type: 'INT32' },
  timestamp: { type: 'INT64', converted_type: 'TIMESTAMP_MILLIS' },
  date: { type: 'INT32', converted_type: 'DATE' },
  boolean: { type: 'BOOLEAN' },
};

const converted: Record<Kind, (value: never) => Value> = {
  text: (value: string) => value,
  bigint: (value: string | number | bigint) => BigInt(value),
  integer: (value: number | bigint) => Number(value),
  timestamp: (value: Date) => value,
  date: (value: string | Date) => new Date(value),
  boolean: (value: boolean) => value,
};

/** Writes the rows of a table to a Parquet file, a group of rows at a time. Returns how many there were. */
export async function writeParquet(
  file: string,
  table: TableName,
  rows: Iterable<Row> | AsyncIterable<Row>,
): Promise<number> {
  const columns = columnsOf(table);
  const schema: SchemaElement[] = [
    { name: 'root', num_children: columns.length },
    // All optional: the checks look for nulls, and name the rows.
    ...columns.map(([name, { kind }]) => ({ name, repetition_type: 'OPTIONAL' as const, ...types[kind] })),
  ];
  let count = 0;
  async function* typed() {
    for await (const row of rows) {
      count += 1;
      yield Object.fromEntries(
        columns.map(([name, { kind }]) => [name, row[name] == null ? null : converted[kind](row[name] as never)]),
      );
    }
  }
  await parquetWriteRows({
    writer: fileWriter(file),
    rows: typed(),
    columns: columns.map(([name]) => ({ name })),
    schema,
    rowGroupSize: 50_000,
  });
  return count;
}
