import type { TransactionSql } from 'postgres';
import { checkMonths } from './checks.ts';
import { readChanges, readFact, readTotals, type Totals } from './extract.sql.ts';
import { type Manifest, monthsOf, verifyFiles } from './files.ts';
import { checkContinues, type LoadDeps, union } from './load.ts';
import { readRows } from './parquet.ts';
import { inSnapshot } from './snapshot.ts';
import type { Store } from './store.ts';

/** Months are YYYY-MM. Those that differ because they have changed since the load are skipped. */
export type Checked = { findings: string[]; months: string[]; skipped: string[] };

/**
 * Checks a state of the warehouse whole: every byte of its files, and every month against the shop's tables as they are now.
 * @throws BrokenFile, OtherDatabase, AgeUnknown, ReaderBehind
 */
export async function check(
  { sql, store, sleep }: Pick<LoadDeps, 'sql' | 'store' | 'sleep'>,
  manifest: Manifest,
): Promise<Checked> {
  await verifyFiles(store, manifest, true);
  return inSnapshot(sql, sleep, async (tx, snapshot) => {
    checkContinues(manifest, snapshot);
    const changed = await readChanges(tx, manifest.watermark);
    const everything = await readChanges(tx, undefined);
    const months = union(monthsOf(manifest), everything.sales, everything.refunds);
    const totals = new Map<string, Totals>();
    for (const month of months) totals.set(month, await readTotals(tx, month));
    const all = await checkMonths(store, manifest, undefined, totals);
    const isOf = (month: string) => (finding: string) => finding.startsWith(`${month}: `);
    const skipped = union(changed.sales, changed.refunds).filter((month) => all.some(isOf(month)));
    const findings = all.filter((finding) => !skipped.some((month) => isOf(month)(finding)));
    // Rows are named one by one only where a sum is wrong.
    const wrong = months.filter((month) => findings.some(isOf(month)));
    for (const month of wrong) findings.push(...(await compareRows(tx, store, manifest, month)));
    return { findings, months, skipped };
  });
}

async function compareRows(sql: TransactionSql, store: Store, manifest: Manifest, month: string): Promise<string[]> {
  const findings: string[] = [];
  for (const [table, key, what] of [
    ['fact_orders', 'order_id', 'order'],
    ['fact_refunds', 'refund_key', 'refund'],
  ] as const) {
    const there = new Set<string>();
    for await (const batch of readFact(sql, table, month)) for (const row of batch) there.add(row[key] as string);
    const rows = await readRows(store, manifest.tables[table]?.[month], [key]);
    const here = new Set(rows.map((row) => row[key] as string));
    for (const id of here) if (!there.has(id)) findings.push(`${what} is not in the shop's tables: ${id}`);
    for (const id of there) if (!here.has(id)) findings.push(`${what} is not in the warehouse: ${id}`);
  }
  return findings;
}
