import type { Sql, TransactionSql } from 'postgres';
import type { Clock, Stopwatch } from '../../kernel/clock.ts';
import { checkMonths, LoadRefused } from './checks.ts';
import { addLaterSales, createCustomers } from './customers.ts';
import { allDays } from './days.ts';
import { createApplications, days, productVersions } from './dimensions.ts';
import {
  readChanges,
  readCustomers,
  readFact,
  readStockLevels,
  readTotals,
  type Snapshot,
  type Totals,
} from './extract.sql.ts';
import {
  addFile,
  type DataFile,
  findManifest,
  type Manifest,
  manifestVersion,
  monthsOf,
  publish,
  readPseudonyms,
  verifyFile,
  verifyFiles,
} from './files.ts';
import { withLease } from './lease.ts';
import { columnNames, type TableName } from './model.ts';
import { type Batches, type Row, readRows, toParquet } from './parquet.ts';
import { type Fence, fence, inSnapshot } from './snapshot.ts';
import type { Store } from './store.ts';
import { createSummary } from './summary.ts';

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

export type LoadDeps = {
  sql: Sql;
  store: Store;
  clock: Clock;
  stopwatch: Stopwatch;
  sleep: (milliseconds: number) => Promise<unknown>;
};

const usualPatienceMs = 10_000;

export type Loaded = { manifest: Manifest; months: string[]; rows: number; milliseconds: number };

/**
 * Brings the warehouse to the state of one snapshot of the database: it writes anew the months in which something has changed since
 * the load before, checks them, and publishes them at once. A load that is killed leaves the warehouse as it was.
 * @throws LoadRefused naming wrong rows, LoadRunning, OtherDatabase, BrokenFile, AgeUnknown, ReaderBehind
 */
export async function load(deps: LoadDeps, options: LoadOptions = {}): Promise<Loaded> {
  const { sql, store, clock, stopwatch } = deps;
  const begun = stopwatch.elapsed();
  const loaded = await withLease(store, clock, async () => {
    const before = await fence(deps, options.patienceMs ?? usualPatienceMs);
    const written = await inSnapshot(sql, deps.sleep, (tx, snapshot) =>
      writeSnapshot(tx, { ...snapshot, fence: before }, store, options),
    );
    return checkAndPublish(store, written);
  });
  return { ...loaded, milliseconds: stopwatch.elapsed() - begun };
}

/** What a load has written, and what it has to add up to. */
type Written = {
  manifest: Manifest;
  /** The newest manifest, and the one that this load continues. */
  last: Manifest | undefined;
  before: Manifest | undefined;
  totals: ReadonlyMap<string, Totals>;
  rows: number;
};

/** @throws LoadRefused */
async function checkAndPublish(store: Store, { manifest, last, before, totals, rows }: Written) {
  const findings = await checkMonths(store, manifest, before, totals);
  if (findings.length > 0) throw new LoadRefused(findings);
  await publish(store, manifest, last);
  return { manifest, months: [...totals.keys()], rows };
}

async function writeSnapshot(
  sql: TransactionSql,
  snapshot: Snapshot & { fence: Fence },
  store: Store,
  { full, months = [] }: LoadOptions,
): Promise<Written> {
  const last = await findManifest(store);
  const before = last?.version === manifestVersion ? last : undefined;
  // After a restore the orders may be fewer.
  const continues = before?.epoch === snapshot.epoch;
  if (before !== undefined && !full) {
    checkContinues(before, snapshot);
    await verifyFiles(store, before);
  }
  const changes = await readChanges(sql, full ? undefined : before?.watermark);
  const old = full && before !== undefined ? monthsOf(before) : [];
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
  if (full) await dropBroken(store, manifest);
  const pseudonymOf = await readPseudonyms(store);
  const scope = { sql, store, manifest, put: createPut(store, manifest), pseudonymOf };
  await loadDimensions(scope, { continues, anew });
  const known = full ? undefined : manifest.tables.dim_application?.all;
  const applications = createApplications(await readRows(store, known, columnNames('dim_application')));
  const tellsCustomers = changes.customers || anew.length > 0 || full || !continues;
  const knownCustomers = tellsCustomers && continues ? manifest.tables.dim_customer?.all : undefined;
  const customers = createCustomers(await readRows(store, knownCustomers, columnNames('dim_customer')));
  const { rows, days } = await loadFacts(scope, anew, { applications, customers });
  const knownDays = full ? undefined : before?.tables.daily_sales_summary?.all;
  await scope.put('daily_sales_summary', 'all', [await allDays(store, knownDays, { months: anew, days })]);
  await addLaterSales(store, without(manifest.tables.fact_orders ?? {}, anew), customers);
  if (tellsCustomers) {
    const now = pseudonymous(readCustomers(sql), pseudonymOf);
    await scope.put('dim_customer', 'all', [await customers.rows(now, snapshot.asOf)]);
  }
  await loadStock(scope);
  await scope.put('dim_application', 'all', [applications.rows()]);

  const totals = new Map<string, Totals>();
  for (const month of anew) totals.set(month, await readTotals(sql, month));
  return { manifest, last, before: continues ? before : undefined, totals, rows };
}

const hourMs = 3600 * 1000;
/**
 * A row has the time of the function that writes it, which is before its transaction begins: by the longest that a function may
 * take, and by the difference of two clocks.
 */
const marginMs = 120_000;

/** The beginning of the hour that the snapshot is of: it has every row of before. Undefined if that cannot be said. */
function completeUntil({ watermark, fence: { next, asOf } }: Snapshot & { fence: Fence }): string | undefined {
  if (BigInt(watermark) < next) return undefined;
  const known = asOf.getTime() - marginMs;
  return new Date(known - (known % hourMs)).toISOString();
}

/** A full load makes everything anew but what only the warehouse knows, as far as that is whole. */
async function dropBroken(store: Store, manifest: Manifest): Promise<void> {
  for (const table of ['fact_stock', 'dim_product', 'dim_customer'] as const) {
    const files = manifest.tables[table] ?? {};
    for (const [part, file] of Object.entries(files)) {
      await verifyFile(store, file, true).catch(() => delete files[part]);
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

type Put = (table: TableName, part: string, rows: Batches, groups?: readonly number[]) => Promise<number>;

/** Writes a file of a table, and enters it into the manifest. Returns how many rows it has. */
function createPut(store: Store, manifest: Manifest): Put {
  return async (table, part, rows, groups) => {
    const file = await addFile(store, table, part, await toParquet(table, rows, groups));
    const files = { ...manifest.tables[table] };
    if (file === undefined) delete files[part];
    else files[part] = file;
    manifest.tables[table] = files;
    return file?.rows ?? 0;
  };
}

type Scope = {
  sql: TransactionSql;
  store: Store;
  manifest: Manifest;
  put: Put;
  /** Of customers. It remembers those that it has made. */
  pseudonymOf: (customerId: string) => string;
};

async function loadDimensions(
  { sql, store, manifest, put }: Scope,
  { continues, anew }: { continues: boolean; anew: string[] },
): Promise<void> {
  const at = new Date(manifest.asOf);
  const known = await readRows(
    store,
    continues ? manifest.tables.dim_product?.all : undefined,
    columnNames('dim_product'),
  );
  await put('dim_product', 'all', [await productVersions(sql, known, at)]);
  const months = [...monthsOf(manifest), ...anew];
  const years = months.map((month) => Number(month.slice(0, 4)));
  const thisYear = at.getUTCFullYear();
  await put('dim_date', 'all', [[...days(Math.min(thisYear, ...years), Math.max(thisYear, ...years) + 1)]]);
}

async function loadFacts(
  { sql, put, pseudonymOf }: Scope,
  months: readonly string[],
  dimensions: { applications: ReturnType<typeof createApplications>; customers: ReturnType<typeof createCustomers> },
): Promise<{ rows: number; days: Row[] }> {
  let rows = 0;
  const sold: Row[] = [];
  for (const month of months) {
    const summary = createSummary();
    const added = {
      fact_orders: (row: Row) => {
        summary.order(row);
        dimensions.applications.order(row);
        dimensions.customers.order(row);
      },
      fact_sales: summary.line,
      fact_refunds: summary.refund,
      fact_refund_lines: summary.refundLine,
    };
    for (const [table, add] of Object.entries(added) as [keyof typeof added, (row: Row) => void][]) {
      const facts = pseudonymous(readFact(sql, table, month), pseudonymOf);
      rows += await put(table, month, passing(facts, add));
    }
    dimensions.customers.endMonth();
    sold.push(...summary.days());
    const sums = summary.rows();
    await put('sales_summary', month, [sums.rows], sums.groups.length === 0 ? undefined : sums.groups);
  }
  return { rows, days: sold };
}

/** The stock of today takes the place of what an earlier load of today found. */
async function loadStock({ sql, store, manifest, put }: Scope): Promise<void> {
  const date = manifest.asOf.slice(0, 10);
  const month = date.slice(0, 7);
  const rows = await readRows(store, manifest.tables.fact_stock?.[month], columnNames('fact_stock'));
  const before = rows.filter((row) => (row.date as Date) < new Date(date));
  const now = (await readStockLevels(sql)).map((row) => ({ date, ...row }));
  await put('fact_stock', month, [before, now]);
}

/** Rows that are nobody else's, with pseudonyms in place of ids. */
async function* pseudonymous<R extends Row>(
  batches: AsyncIterable<R[]>,
  pseudonymOf: (id: string) => string,
): AsyncGenerator<R[]> {
  for await (const batch of batches) {
    for (const row of batch as Record<string, unknown>[])
      if (row.customer_key != null) row.customer_key = pseudonymOf(row.customer_key as string);
    yield batch;
  }
}

async function* passing(batches: AsyncIterable<Row[]>, see: (row: Row) => void): AsyncGenerator<Row[]> {
  for await (const batch of batches) {
    for (const row of batch) see(row);
    yield batch;
  }
}

/** The files of other months. */
const without = (files: Readonly<Record<string, DataFile>>, months: readonly string[]) =>
  Object.fromEntries(Object.entries(files).filter(([month]) => !months.includes(month)));

/** Texts of several lists, each once, sorted. */
export const union = (...lists: (readonly string[])[]): string[] => [...new Set(lists.flat())].toSorted();
