import { check } from '../../lib/analytics/warehouse/check.ts';
import { LoadRefused } from '../../lib/analytics/warehouse/checks.ts';
import { readManifest } from '../../lib/analytics/warehouse/files.ts';
import { prune } from '../../lib/analytics/warehouse/prune.ts';
import { warehouseKeeps } from '../../lib/contract/deploy/retention.ts';
import { jobHandler } from '../../lib/platform/handlers/job.ts';
import { type WarehouseDeps, warehouseDeps } from '../../lib/platform/warehouse-jobs.ts';
import { jobs } from '../jobs.ts';

/** Compares every file and month of the warehouse with the database, and removes old states. Fails when something is wrong. */
export async function run({ store: open, meter, ...deps }: WarehouseDeps) {
  const store = open();
  const manifest = await readManifest(store);
  const { findings, months, skipped } = await check({ ...deps, store }, manifest);
  meter.count('WarehouseFindings', findings.length);
  if (findings.length > 0) throw new LoadRefused(findings);
  const removed = await prune(store, deps.clock, warehouseKeeps);
  return { number: manifest.number, months: months.length, skipped: skipped.length, ...removed };
}

export const handler = jobHandler(jobs['check-warehouse'], run, warehouseDeps);
