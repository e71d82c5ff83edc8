import * as z from 'zod/mini';
import { load } from '../../lib/analytics/warehouse/load.ts';
import { jobHandler } from '../../lib/platform/handlers/job.ts';
import { type WarehouseDeps, warehouseDeps } from '../../lib/platform/warehouse-jobs.ts';
import { jobs } from '../jobs.ts';

/** A schedule says nothing; whoever mends the warehouse may ask for more. */
const asked = z.object({
  full: z._default(z.boolean(), false),
  months: z._default(z.array(z.string().check(z.regex(/^\d{4}-(0[1-9]|1[0-2])$/))), []),
});

/** Brings the warehouse to the state of now. Fails, and leaves it as it was, when what it wrote does not add up. */
export async function run({ store, meter, ...deps }: WarehouseDeps, payload: unknown) {
  const wanted = asked.parse(payload ?? {});
  const { manifest, months, rows, milliseconds } = await load({ ...deps, store: store() }, wanted);
  const { number, asOf, source } = manifest;
  meter.count('WarehouseLoads');
  meter.count('WarehouseRows', rows);
  meter.count('WarehouseLoadTime', milliseconds / 1000);
  return { number, asOf, source, months: months.length, rows, milliseconds };
}

export const handler = jobHandler(jobs['load-warehouse'], run, warehouseDeps);
