import type { Clock } from '../../lib/kernel/clock.ts';
import { readOpenOrders } from '../../lib/operations/monitoring/orders.sql.ts';
import { jobHandler } from '../../lib/platform/handlers/job.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import type { Meter } from '../../lib/platform/telemetry.ts';
import { jobs } from '../jobs.ts';

export async function run({ sql, clock, meter }: { sql: () => Sql; clock: Clock; meter: Meter }) {
  const open = await readOpenOrders(sql(), new Date(clock.now()));
  meter.count('OrdersStuck', open.unended);
  meter.count('OldestStuckOrder', open.oldestUnended);
  meter.count('OrdersInManualReview', open.inManualReview);
  meter.count('OldestManualReview', open.oldestManualReview);
  meter.count('OldestOpenCapture', open.oldestOpenCapture);
  return open;
}

export const handler = jobHandler(jobs['watch-orders'], run, ({ clock, meter }) => ({
  sql: () => sqlAs('monitor'),
  clock,
  meter,
}));
