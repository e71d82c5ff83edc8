import { parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import type { DataFile } from './files.ts';
import { columnsOf, type Kind, type TableName } from './model.ts';
import { BrokenFile, type Store } from './store.ts';

type SchemaElement = ConstructorParameters<typeof ParquetWriter>[0]['schema'][number];
type Value = string | number | bigint | boolean | Date | null;
export type Row = Readonly<Record<string, unknown>>;
/** Rows as they come, some at a time: a step of an iterator for each row would cost more than its columns. */
export type Batches = Iterable<readonly Row[]> | AsyncIterable<readonly Row[]>;

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

const usualGroup = 50_000;

/**
 * The rows of a table as a Parquet file.
 * @param groups sizes of its row groups, which readers leave closed when they need none of their rows. The last one is for all that follow
 */
export async function toParquet(
  table: TableName,
  batches: Batches,
  groups: readonly number[] = [usualGroup],
): Promise<{ rows: number; content: Uint8Array }> {
  const columns = columnsOf(table);
  const schema: SchemaElement[] = [
    { name: 'root', num_children: columns.length },
    // All optional: the checks look for nulls, and name the rows.
    ...columns.map(([name, { kind }]) => ({ name, repetition_type: 'OPTIONAL' as const, ...types[kind] })),
  ];
  const writer = new ByteWriter();
  const file = new ParquetWriter({ writer, schema });
  const empty = () => columns.map(([name, { kind }]) => ({ name, convert: converted[kind], data: [] as Value[] }));
  const left = [...groups];
  let [group, rows, inGroup] = [empty(), 0, 0];
  const endGroup = async () => {
    await file.write({ columnData: group, rowGroupSize: Math.max(inGroup, 1) });
    if (left.length > 1) left.shift();
    rows += inGroup;
    [group, inGroup] = [empty(), 0];
  };
  for await (const batch of batches) {
    for (const row of batch) {
      for (const { name, convert, data } of group) {
        const value = row[name];
        data.push(value == null ? null : convert(value as never));
      }
      inGroup += 1;
      if (inGroup === left[0]) await endGroup();
    }
  }
  if (inGroup > 0 || rows === 0) await endGroup();
  await file.finish();
  return { rows, content: writer.getBytes() };
}

/**
 * The rows of a file, with some of its columns. Integers of 64 bits are bigint, timestamps and dates Date.
 * @throws BrokenFile
 */
export async function readRows(store: Store, file: DataFile | undefined, columns: readonly string[]): Promise<Row[]> {
  if (file === undefined) return [];
  return attempt(file, () => parquetReadObjects({ file: bufferOf(store, file), columns: [...columns] }));
}

/** How many nulls each column of a file has. @throws BrokenFile */
export async function countNulls(store: Store, file: DataFile): Promise<Map<string, number>> {
  const { row_groups } = await attempt(file, () => parquetMetadataAsync(bufferOf(store, file)));
  const nulls = new Map<string, number>();
  for (const { columns } of row_groups) {
    for (const { meta_data: column } of columns) {
      const name = column!.path_in_schema.join('.');
      nulls.set(name, (nulls.get(name) ?? 0) + Number(column!.statistics?.null_count ?? 0));
    }
  }
  return nulls;
}

const bufferOf = (store: Store, { path, bytes }: DataFile) => ({
  byteLength: bytes,
  async slice(start: number, end = bytes) {
    const part = await store.slice(path, start, end);
    return part.buffer.slice(part.byteOffset, part.byteOffset + part.byteLength) as ArrayBuffer;
  },
});

async function attempt<T>({ path }: DataFile, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const hint = `${path} is not what was written. Delete it and run npm run warehouse -- load --full.`;
    throw new BrokenFile(hint, { cause });
  }
}
