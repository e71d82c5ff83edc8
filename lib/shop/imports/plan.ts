import type { Sql, TransactionSql } from 'postgres';
import type * as z from 'zod/mini';
import type { ImportError } from '../../contract/api/imports.ts';
import { Problem } from '../../contract/api/problems.ts';
import type { Change } from '../catalog/rows.sql.ts';
import type { Row } from './read-file.ts';

/** How the rows of one kind of import are checked and applied. */
export type Plan<S extends z.ZodMiniType> = {
  schema: S;
  /** What is wrong with rows that have the right form. It changes nothing. */
  check: (sql: Sql, rows: readonly Row<z.output<S>>[]) => Promise<ImportError[]>;
  /** @throws Problem when the row cannot be applied any more */
  apply: (tx: TransactionSql, value: z.output<S>, change: Change) => Promise<void>;
  /** The ids of the products that are shown differently afterwards. */
  concerned: (sql: Sql, rows: readonly Row<z.output<S>>[]) => Promise<string[]>;
};

/** The row's error that a Problem tells, or a constraint of the database. Any other error is thrown again. */
export function errorOf(row: number, error: unknown): ImportError {
  if (error instanceof Error && 'code' in error && /^2[23]/.test(String(error.code))) {
    return { row, code: 'internal', detail: 'The database refuses this row.' };
  }
  if (!(error instanceof Problem)) throw error;
  const pointer = error.errors?.[0]?.pointer;
  return { row, code: error.code, ...(pointer === undefined ? {} : { pointer }), detail: error.message };
}

/** The rows that name what a row before them names; the rows where both are stand in the error. */
export function repeated<T>(
  rows: readonly Row<T>[],
  nameOf: (value: T) => string | undefined,
  pointer: string,
): ImportError[] {
  const first = new Map<string, number>();
  return rows.flatMap(({ row, value }) => {
    const name = nameOf(value);
    if (name === undefined) return [];
    const before = first.get(name);
    if (before === undefined) {
      first.set(name, row);
      return [];
    }
    return [{ row, code: 'sku-repeated', pointer, detail: `${name} is in row ${before} already.` }];
  });
}
