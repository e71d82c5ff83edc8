import { jobDoor } from '../../lib/platform/handlers/job.ts';
import { type SweepDeps, sweepOrders } from '../../lib/saga/sweep.ts';
import { undoAgain } from '../../lib/saga/retry-compensation.ts';
import { sweepRefunds } from '../../lib/shop/payments/refunds.ts';
import { config } from '../../lib/platform/config.ts';
import { describeSaga, startSaga } from '../../lib/platform/executions.ts';
import { sqlAs } from '../../lib/platform/sql.ts';
import type { Meter } from '../../lib/platform/telemetry.ts';
import { resumeSaga } from '../../lib/platform/resume.ts';
import { jobs } from '../jobs.ts';

type Deps = Omit<SweepDeps, 'sql' | 'untilMs'> & {
  sql: () => SweepDeps['sql'];
  meter: Meter;
  /** After so long nothing more is begun. */
  budgetSeconds: number;
};

export async function run(deps: Deps) {
  const sql = deps.sql();
  const untilMs = deps.stopwatch.elapsed() + deps.budgetSeconds * 1000;
  // Each part is counted as soon as it is done: what comes after it may fail.
  const orders = await sweepOrders({ ...deps, sql, untilMs });
  deps.meter.count('ReservationsExpired', orders.released);
  if (orders.flagged > 0) deps.meter.count('OrdersFlagged', orders.flagged, 'saga-ended');
  deps.meter.count('SagasStartedLate', orders.started);
  const refunds = await sweepRefunds({ ...deps, sql, untilMs });
  deps.meter.count('SagasStartedLate', refunds);
  const undoneAgain = await undoAgain({ ...deps, sql, untilMs });
  deps.meter.count('UndosRunAgain', undoneAgain);
  return { ...orders, refunds, undoneAgain };
}

export const handler = jobDoor(jobs['sweep-orders'], run, ({ clock, stopwatch, meter, log }) => ({
  sql: () => sqlAs('saga'),
  clock,
  stopwatch,
  meter,
  startSaga,
  describeSaga,
  budgetSeconds: jobs['sweep-orders'].timeoutSeconds - 10,
  resumeSaga,
  quietSeconds: config().SWEEP_AFTER_SECONDS,
  reservationSeconds: config().RESERVATION_SECONDS,
  onError: (id, error) => log.error('not swept', { id, reason: String(error) }),
}));
