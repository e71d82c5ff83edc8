import type * as z from 'zod/mini';

/** What a column of a report holds. Amounts and counts are `integer`, of 64 bits. */
export type ColumnKind = 'text' | 'integer' | 'number' | 'boolean' | 'timestamp';
export type Column = readonly [name: string, kind: ColumnKind];

/** One value of a report's row. A moment is a `Date`, or text as in JSON. */
export type Cell = string | number | boolean | Date | null;
export type Row = Readonly<Record<string, Cell>>;

type Schema = { _zod: { def: { type: string; format?: string; innerType?: Schema } } };

/** The columns of a report, in the order of its row's schema. Any of them may be null. */
export const columnsOf = (row: z.ZodMiniObject): Column[] =>
  Object.entries(row.shape).map(([name, schema]) => [name, kindOf(schema as unknown as Schema)]);

export const namesOf = (columns: readonly Column[]): string[] => columns.map(([name]) => name);

function kindOf({ _zod: { def } }: Schema): ColumnKind {
  if (def.innerType !== undefined) return kindOf(def.innerType);
  switch (def.type) {
    case 'number':
      return def.format === 'safeint' ? 'integer' : 'number';
    case 'boolean':
      return 'boolean';
    case 'string':
      return def.format === 'datetime' ? 'timestamp' : 'text';
    case 'enum':
      return 'text';
    default:
      throw new TypeError(`a column of a report cannot be of the type ${def.type}`);
  }
}
