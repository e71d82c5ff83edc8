import { cachePointers } from '../../lib/platform/cache.ts';
import { jobHandler } from '../../lib/platform/handlers/job.ts';
import { sqlAs } from '../../lib/platform/sql.ts';
import { type ImportDeps, runImports } from '../../lib/shop/imports/run.ts';
import { jobs } from '../jobs.ts';

type Deps = Omit<ImportDeps, 'sql' | 'untilMs'> & { sql: () => ImportDeps['sql']; limitMs: number };

/** Checks and applies files of products and stock movements. What is left when the time is over, the next run goes on with. */
export async function run({ limitMs, ...deps }: Deps) {
  return await runImports({ ...deps, sql: deps.sql(), untilMs: deps.stopwatch.elapsed() + limitMs });
}

const job = jobs['run-imports'];

export const handler = jobHandler(job, run, ({ clock, stopwatch }) => ({
  sql: () => sqlAs('catalog_api'),
  clock,
  stopwatch,
  pointers: cachePointers(),
  limitMs: (job.timeoutSeconds - 15) * 1000,
}));
