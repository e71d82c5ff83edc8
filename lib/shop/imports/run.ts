import type { Sql } from 'postgres';
import type * as z from 'zod/mini';
import type { ImportError, ImportKind } from '../../contract/api/imports.ts';
import { inTransaction } from '../../database/transaction.sql.ts';
import type { CachePointers } from '../../kernel/cache-changes.ts';
import type { Clock, Stopwatch } from '../../kernel/clock.ts';
import { changeProducts } from '../catalog/cached-products.ts';
import { products } from './import-products.sql.ts';
import { stockMovements } from './import-stock.sql.ts';
import { nextImport, type OpenImport, saveCheck, saveProgress, takeTurn } from './imports.sql.ts';
import { errorOf, type Plan } from './plan.ts';
import { type ReadFile, type Row, readFile } from './read-file.ts';

export type ImportDeps = {
  sql: Sql;
  clock: Clock;
  stopwatch: Stopwatch;
  pointers: CachePointers;
  /** No rows are begun after so many milliseconds of the stopwatch. */
  untilMs: number;
};

/** So many rows are applied in one transaction, which locks what they change. */
const rowsAtOnce = 50;

const plans: Readonly<Record<ImportKind, Plan<z.ZodMiniType>>> = {
  products: products as Plan<z.ZodMiniType>,
  'stock-movements': stockMovements as Plan<z.ZodMiniType>,
};

/**
 * Takes imports forward, the oldest first, until all have ended or the time is over. Rows and how far they are are written in one
 * transaction: after a kill, the next run goes on with the row after the last one.
 * @returns how many rows it applied, how many failed, and whether an import is left
 */
export async function runImports(deps: ImportDeps) {
  const done = { imports: 0, applied: 0, failed: 0, left: false };
  for (let open = await nextImport(deps.sql); open !== undefined; open = await nextImport(deps.sql)) {
    done.left = true;
    if (isOver(deps) || !(await runImport(deps, open, done))) return done;
    done.imports++;
    done.left = false;
  }
  return done;
}

/** @returns whether it has ended */
async function runImport(
  deps: ImportDeps,
  open: OpenImport,
  done: { applied: number; failed: number },
): Promise<boolean> {
  const { sql, clock } = deps;
  const plan = plans[open.kind];
  const file = readFile(open.content, open.format, plan.schema);
  if (open.status === 'pending') {
    const errors = [...file.errors, ...(file.rows.length > 0 ? await plan.check(sql, file.rows) : [])];
    await saveCheck(sql, open.id, { total: file.total, errors: errors.toSorted((a, b) => a.row - b.row) }, clock);
    if (errors.length > 0) return true;
  }
  return applyAll(deps, plan, open, file, done);
}

async function applyAll(
  deps: ImportDeps,
  plan: Plan<z.ZodMiniType>,
  open: OpenImport,
  { rows, total }: ReadFile<unknown>,
  done: { applied: number; failed: number },
): Promise<boolean> {
  for (let at = open.done; at < total; at += rowsAtOnce) {
    if (isOver(deps)) return false;
    const some = rows.slice(at, at + rowsAtOnce);
    const concerned = await plan.concerned(deps.sql, some);
    const apply = () => applySome(deps, plan, { ...open, done: at }, some);
    const shown = open.kind === 'products';
    const outcome = await (shown ? changeProducts(deps.pointers, concerned, apply, () => undefined) : apply());
    if (outcome === undefined) return false;
    done.applied += outcome.applied;
    done.failed += outcome.failed;
  }
  return true;
}

/** Applies some rows and says so, in one transaction; undefined when another run has done so or is at it. */
const applySome = (
  { sql, clock }: ImportDeps,
  plan: Plan<z.ZodMiniType>,
  open: OpenImport,
  rows: readonly Row<unknown>[],
) =>
  inTransaction(sql, async (tx) => {
    if (!(await takeTurn(tx, open))) return undefined;
    const errors: ImportError[] = [];
    for (const { row, value } of rows) {
      await tx
        .savepoint((part) => plan.apply(part, value, { clock, requestId: open.requestId }))
        .catch((error: unknown) => errors.push(errorOf(row, error)));
    }
    await saveProgress(tx, open.id, { applied: rows.length - errors.length, errors }, clock);
    return { applied: rows.length - errors.length, failed: errors.length };
  });

const isOver = ({ stopwatch, untilMs }: ImportDeps): boolean => stopwatch.elapsed() >= untilMs;
