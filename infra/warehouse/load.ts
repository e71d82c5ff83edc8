import type { Row, Sql, TransactionSql } from 'postgres';
import {
  type Changes,
  readChanges,
  readCustomers,
  readFact,
  readTotals,
  type Snapshot,
  type Totals,
} from '../../lib/analytics/warehouse/extract.sql.ts';
import type { TableName } from '../../lib/analytics/warehouse/model.ts';
import { checkMonths, LoadRefused } from './checks.ts';
import { days, productVersions, summarize } from './dimensions.ts';
import { type Query, relation, withEngine } from './engine.ts';
import { addFile, type Manifest, publish, readManifests, readPseudonyms, verifyFiles, withLock } from './files.ts';
import { writeParquet } from './parquet.ts';
import { inSnapshot } from './snapshot.ts';

/** The database cannot continue what the warehouse has. */
export class OtherDatabase extends Error {
  override readonly name = 'OtherDatabase';
}

export type LoadOptions = {
  /** Loads every month anew. */
  full?: boolean;
  /** Also loads these months anew, as YYYY-MM. */
  months?: readonly string[];
};

export type Loaded = { manifest: Manifest; months: string[]; rows: number; milliseconds: number };

/**
 * Brings the warehouse to the state of one snapshot of the database: it writes anew the months in which something has changed since
 * the load before, checks them, and publishes them at once. A load that is killed leaves the warehouse as it was.
 * @throws LoadRefused naming wrong rows, LoadRunning, OtherDatabase, BrokenFile
 */
export async function load(sql: Sql, root: string, options: LoadOptions = {}): Promise<Loaded> {
  const begun = performance.now();
  const loaded = await withLock(root, () =>
    withEngine(root, (query) => inSnapshot(sql, (tx, snapshot) => loadSnapshot(tx, snapshot, query, root, options))),
  );
  return { ...loaded, milliseconds: Math.round(performance.now() - begun) };
}

async function loadSnapshot(
  sql: TransactionSql,
  snapshot: Snapshot,
  query: Query,
  root: string,
  { full, months = [] }: LoadOptions,
) {
  const before = (await readManifests(root)).at(-1);
  // After a restore the orders may be fewer.
  const continues = before?.epoch === snapshot.epoch;
  if (before !== undefined && !full) {
    checkContinues(before, snapshot);
    await verifyFiles(root, before);
  }
  const changes = await readChanges(sql, full ? undefined : before?.watermark);
  const old = full && before !== undefined ? Object.keys(before.tables.daily_sales_summary ?? {}) : [];
  const anew = union(changes.sales, changes.refunds, months, old);
  const manifest: Manifest = {
    version: 1,
    number: (before?.number ?? 0) + 1,
    asOf: snapshot.asOf.toISOString(),
    source: snapshot.source,
    watermark: snapshot.watermark,
    epoch: snapshot.epoch,
    tables: structuredClone(before?.tables ?? {}),
  };
  const put = createPut(root, manifest);
  await loadDimensions(sql, query, root, { manifest, before: continues ? before : undefined, changes, anew }, put);
  const rows = await loadFacts(sql, query, root, manifest, anew, put);

  const totals = new Map<string, Totals>();
  for (const month of anew) totals.set(month, await readTotals(sql, month));
  const findings = await checkMonths(query, root, manifest, continues ? before : undefined, totals);
  if (findings.length > 0) throw new LoadRefused(findings);
  await publish(root, manifest);
  return { manifest, months: anew, rows };
}

/** @throws OtherDatabase */
export function checkContinues(before: Manifest, snapshot: Snapshot): void {
  if (before.epoch !== snapshot.epoch) {
    throw new OtherDatabase(
      'The warehouse was loaded from another database, or from this one before it was restored. Add --full.',
    );
  }
  if (BigInt(snapshot.watermark) < BigInt(before.watermark)) {
    throw new OtherDatabase(
      `The ${snapshot.source} is behind the load of ${before.asOf}. Load again when it has caught up.`,
    );
  }
}

type Put = (table: TableName, part: string, rows: Iterable<Row> | AsyncIterable<Row>) => Promise<number>;

/** Writes a file of a table, and enters it into the manifest. Returns how many rows it has. */
function createPut(root: string, manifest: Manifest): Put {
  return async (table, part, rows) => {
    const folder = part === 'all' ? table : `${table}/month=${part}`;
    const file = await addFile(root, folder, (draft) => writeParquet(draft, table, rows));
    const files = { ...manifest.tables[table] };
    if (file === undefined) delete files[part];
    else files[part] = file;
    manifest.tables[table] = files;
    return file?.rows ?? 0;
  };
}

type Scope = { manifest: Manifest; before: Manifest | undefined; changes: Changes; anew: string[] };

async function loadDimensions(
  sql: TransactionSql,
  query: Query,
  root: string,
  { manifest, before, changes, anew }: Scope,
  put: Put,
): Promise<void> {
  const at = new Date(manifest.asOf);
  await put('dim_product', 'all', await productVersions(sql, query, root, before?.tables.dim_product?.all, at));
  if (changes.customers || before === undefined) {
    await put('dim_customer', 'all', pseudonymous(readCustomers(sql), await readPseudonyms(root)));
  }
  const known = Object.keys(manifest.tables.daily_sales_summary ?? {});
  const years = [...known, ...anew].map((month) => Number(month.slice(0, 4)));
  const thisYear = at.getUTCFullYear();
  await put('dim_date', 'all', days(Math.min(thisYear, ...years), Math.max(thisYear, ...years) + 1));
}

async function loadFacts(
  sql: TransactionSql,
  query: Query,
  root: string,
  manifest: Manifest,
  months: readonly string[],
  put: Put,
): Promise<number> {
  const pseudonymOf = await readPseudonyms(root);
  let rows = 0;
  for (const month of months) {
    for (const table of ['fact_orders', 'fact_sales', 'fact_refunds'] as const) {
      rows += await put(table, month, pseudonymous(readFact(sql, table, month), pseudonymOf));
    }
    const of = (table: TableName) => relation(root, table, [manifest.tables[table]?.[month]]);
    await put('daily_sales_summary', month, await summarize(query, of));
  }
  return rows;
}

async function* pseudonymous(rows: AsyncIterable<Row>, pseudonymOf: (id: string) => string): AsyncGenerator<Row> {
  for await (const row of rows)
    yield row.customer_key == null ? row : { ...row, customer_key: pseudonymOf(row.customer_key) };
}

/** Texts of several lists, each once, sorted. */
export const union = (...lists: (readonly string[])[]): string[] => [...new Set(lists.flat())].toSorted();
