import { setTimeout as sleep } from 'node:timers/promises';
import type { LoadDeps } from '../analytics/warehouse/load.ts';
import type { Meter } from '../contract/deploy/metrics.ts';
import type { Runtime } from './handlers/lambda.ts';
import { loaderSql } from './sql.ts';
import { openStore } from './warehouse.gateway.ts';

/** What loads and checks of the warehouse need. The store is opened when it is asked for. */
export type WarehouseDeps = Omit<LoadDeps, 'store'> & { store: () => LoadDeps['store']; meter: Meter };

export const warehouseDeps = ({ clock, stopwatch, meter }: Runtime): WarehouseDeps => ({
  sql: loaderSql(),
  store: openStore,
  clock,
  stopwatch,
  sleep,
  meter,
});
