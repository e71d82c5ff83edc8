import type { Row, Sql, TransactionSql } from 'postgres';
import {
  readChanges,
  readCustomers,
  readFact,
  readStockLevels,
  readTotals,
  type Snapshot,
  type Totals,
} from '../../lib/analytics/warehouse/extract.sql.ts';
import type { TableName } from '../../lib/analytics/warehouse/model.ts';
import { checkMonths, LoadRefused } from './checks.ts';
import { customerVersions } from './customers.ts';
import { applications, days, productVersions, summarize } from './dimensions.ts';
import { namesOf, type Query, relation, withEngine } from './engine.ts';
import {
  addFile,
  findManifest,
  type Manifest,
  manifestVersion,
  publish,
  readPseudonyms,
  verifyFile,
  verifyFiles,
  withLock,
} from './files.ts';
import { writeParquet } from './parquet.ts';
import { type Fence, fence, inSnapshot } from './snapshot.ts';

/** The database cannot continue what the warehouse has. */
export class OtherDatabase extends Error {
  override readonly name = 'OtherDatabase';
}

export type LoadOptions = {
  /** Loads every month anew. */
  full?: boolean;
  /** Also loads these months anew, as YYYY-MM. */
  months?: readonly string[];
  /** How long to wait for open transactions. Those that are longer hold back what counts as complete. */
  patienceMs?: number;
};

const usualPatienceMs = 10_000;

export type Loaded = { manifest: Manifest; months: string[]; rows: number; milliseconds: number };

/**
 * Brings the warehouse to the state of one snapshot of the database: it writes anew the months in which something has changed since
 * the load before, checks them, and publishes them at once. A load that is killed leaves the warehouse as it was.
 * @throws LoadRefused naming wrong rows, LoadRunning, OtherDatabase, BrokenFile
 */
export async function load(sql: Sql, root: string, options: LoadOptions = {}): Promise<Loaded> {
  const begun = performance.now();
  const loaded = await withLock(root, async () => {
    const before = await fence(sql, options.patienceMs ?? usualPatienceMs);
    return withEngine(root, (query) =>
      inSnapshot(sql, (tx, snapshot) => loadSnapshot(tx, { ...snapshot, fence: before }, query, root, options)),
    );
  });
  return { ...loaded, milliseconds: Math.round(performance.now() - begun) };
}

async function loadSnapshot(
  sql: TransactionSql,
  snapshot: Snapshot & { fence: Fence },
  query: Query,
  root: string,
  { full, months = [] }: LoadOptions,
) {
  const last = await findManifest(root);
  const before = last?.version === manifestVersion ? last : undefined;
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
    version: manifestVersion,
    number: (last?.number ?? 0) + 1,
    asOf: snapshot.asOf.toISOString(),
    completeUntil: completeUntil(snapshot) ?? (continues ? before.completeUntil : null),
    source: snapshot.source,
    watermark: snapshot.watermark,
    epoch: snapshot.epoch,
    tables: structuredClone(before?.tables ?? {}),
  };
  if (full) await dropBroken(root, manifest);
  const put = createPut(root, manifest);
  await loadDimensions(
    sql,
    query,
    root,
    { manifest, before: continues ? { ...before, tables: manifest.tables } : undefined, anew },
    put,
  );
  const rows = await loadFacts(sql, query, root, manifest, anew, put);
  if (changes.customers || anew.length > 0 || !continues || full) {
    const known = continues ? manifest.tables.dim_customer?.all : undefined;
    const orders = anew.map((month) => manifest.tables.fact_orders?.[month]);
    const now = pseudonymous(readCustomers(sql), await readPseudonyms(root));
    await put('dim_customer', 'all', await customerVersions(query, root, { known, orders, now, at: snapshot.asOf }));
  }
  await loadStock(sql, query, root, manifest, put);
  const orders = relation(root, 'fact_orders', Object.values(manifest.tables.fact_orders ?? {}));
  await put('dim_application', 'all', await applications(query, orders));

  const totals = new Map<string, Totals>();
  for (const month of anew) totals.set(month, await readTotals(sql, month));
  const findings = await checkMonths(query, root, manifest, continues ? before : undefined, totals);
  if (findings.length > 0) throw new LoadRefused(findings);
  await publish(root, manifest);
  return { manifest, months: anew, rows };
}

const dayMs = 24 * 3600 * 1000;
/**
 * A row has the time of the function that writes it, which is before its transaction begins: by the longest that a function may
 * take, and by the difference of two clocks.
 */
const marginMs = 120_000;

/** The beginning of the day (in UTC) that the snapshot is of: it has every row of before. Undefined if that cannot be said. */
function completeUntil({ watermark, fence: { next, asOf } }: Snapshot & { fence: Fence }): string | undefined {
  if (BigInt(watermark) < next) return undefined;
  const known = asOf.getTime() - marginMs;
  return new Date(known - (known % dayMs)).toISOString();
}

/** A full load makes everything anew but what only the warehouse knows, as far as that is whole. */
async function dropBroken(root: string, manifest: Manifest): Promise<void> {
  for (const table of ['fact_stock', 'dim_product', 'dim_customer'] as const) {
    const files = manifest.tables[table] ?? {};
    for (const [part, file] of Object.entries(files)) {
      await verifyFile(root, file, true).catch(() => delete files[part]);
    }
  }
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

type Scope = { manifest: Manifest; before: Manifest | undefined; anew: string[] };

async function loadDimensions(
  sql: TransactionSql,
  query: Query,
  root: string,
  { manifest, before, anew }: Scope,
  put: Put,
): Promise<void> {
  const at = new Date(manifest.asOf);
  await put('dim_product', 'all', await productVersions(sql, query, root, before?.tables.dim_product?.all, at));
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
    for (const table of ['fact_orders', 'fact_sales', 'fact_refunds', 'fact_refund_lines'] as const) {
      rows += await put(table, month, pseudonymous(readFact(sql, table, month), pseudonymOf));
    }
    const of = (table: TableName) => relation(root, table, [manifest.tables[table]?.[month]]);
    await put('daily_sales_summary', month, await summarize(query, of));
  }
  return rows;
}

/** The stock of today takes the place of what an earlier load of today found. */
async function loadStock(sql: TransactionSql, query: Query, root: string, manifest: Manifest, put: Put): Promise<void> {
  const date = manifest.asOf.slice(0, 10);
  const month = date.slice(0, 7);
  const known = relation(root, 'fact_stock', [manifest.tables.fact_stock?.[month]]);
  const { rows } = await query(
    `select ${namesOf('fact_stock')} from ${known} where date < cast(? as date) order by date, product_id`,
    [date],
  );
  await put('fact_stock', month, [...rows, ...(await readStockLevels(sql)).map((row) => ({ date, ...row }))]);
}

async function* pseudonymous(rows: AsyncIterable<Row>, pseudonymOf: (id: string) => string): AsyncGenerator<Row> {
  for await (const row of rows)
    yield row.customer_key == null ? row : { ...row, customer_key: pseudonymOf(row.customer_key) };
}

/** Texts of several lists, each once, sorted. */
export const union = (...lists: (readonly string[])[]): string[] => [...new Set(lists.flat())].toSorted();
