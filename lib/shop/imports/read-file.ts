import { parse } from 'csv-parse/sync';
import * as z from 'zod/mini';
import { type ImportError, type ImportFormat, maxRows } from '../../contract/api/imports.ts';
import { describe, issuesOf } from '../../contract/api/issues.ts';
import { checkHeading, toObject } from './cells.ts';

/** A row of a file that its schema takes. `row` counts from 1, without the heading of a table. */
export type Row<T> = { row: number; value: T };
export type ReadFile<T> = { rows: Row<T>[]; total: number; errors: ImportError[] };

/** A row as it was read: its value, or why it has none. */
type Raw = { value: unknown } | { detail: string };

/** Reads a file whole: the rows that the schema takes, and what is wrong with the others. Row 0 is the file. */
export function readFile<S extends z.ZodMiniType>(
  content: string,
  format: ImportFormat,
  schema: S,
): ReadFile<z.output<S>> {
  const refuse = (total: number, code: string, detail: string) => ({
    rows: [],
    total,
    errors: [{ row: 0, code, detail }],
  });
  let raws: Raw[];
  try {
    raws = format === 'ndjson' ? readLines(content) : readTable(content);
  } catch (error) {
    return refuse(0, 'malformed', (error as Error).message);
  }
  const total = raws.length;
  if (total === 0) return refuse(total, 'no-rows', 'The file has no rows.');
  if (total > maxRows) {
    return refuse(total, 'too-many-rows', `The file has ${total} rows. At most ${maxRows} are allowed.`);
  }
  const rows: Row<z.output<S>>[] = [];
  const errors: ImportError[] = [];
  for (const [index, raw] of raws.entries()) {
    const row = index + 1;
    if ('detail' in raw) {
      errors.push({ row, code: 'malformed', detail: raw.detail });
      continue;
    }
    const result = z.safeParse(schema, raw.value, { error: describe });
    if (result.success) rows.push({ row, value: result.data });
    else errors.push(...issuesOf(result.error.issues).map((issue) => ({ row, code: 'invalid-input', ...issue })));
  }
  return { rows, total, errors };
}

const readLines = (content: string): Raw[] =>
  content
    .replace(/^\ufeff/, '')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      try {
        return { value: JSON.parse(line) as unknown };
      } catch {
        return { detail: 'is not a JSON object in one line' };
      }
    });

/** @throws Error when this is no table, or its heading cannot be used */
function readTable(content: string): Raw[] {
  const [heading, ...records] = parse(content, {
    bom: true,
    skip_empty_lines: true,
    relax_column_count: true,
  }) as string[][];
  if (heading === undefined) return [];
  checkHeading(heading);
  return records.map((cells) =>
    cells.length === heading.length
      ? toObject(heading, cells)
      : { detail: `has ${cells.length} cells where the heading has ${heading.length}` },
  );
}
