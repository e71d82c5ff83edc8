import { jobDoor } from '../../lib/entry/job.ts';
import { readOpenOrders } from '../../lib/monitor/invariants.sql.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import type { Meter } from '../../lib/platform/telemetry.ts';
import { jobs } from '../jobs.ts';

export async function run({ sql, meter }: { sql: () => Sql; meter: Meter }) {
  const open = await readOpenOrders(sql());
  meter.count('OrdersUnended', open.unended);
  meter.count('OldestUnendedOrder', open.oldestUnended);
  meter.count('OrdersNeedingAttention', open.attention);
  meter.count('OldestOrderNeedingAttention', open.oldestAttention);
  return open;
}

export const handler = jobDoor(jobs['watch-orders'], run, ({ meter }) => ({
  sql: () => sqlAs('monitor'),
  meter,
}));
