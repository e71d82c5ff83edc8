import { config } from '../../lib/platform/config.ts';
import * as executions from '../../lib/platform/executions.ts';
import { jobHandler } from '../../lib/platform/handlers/job.ts';
import { resumeSaga } from '../../lib/platform/resume.ts';
import { sqlAs } from '../../lib/platform/sql.ts';
import type { Meter } from '../../lib/platform/telemetry.ts';
import { sagaEnded } from '../../lib/saga/failures.ts';
import { retryCompensations } from '../../lib/saga/retry-compensation.ts';
import { type SweepDeps, sweepOrders } from '../../lib/saga/sweep.ts';
import { type SweepCapturesDeps, sweepCaptures } from '../../lib/saga/sweep-captures.ts';
import { type SweepRefundsDeps, sweepRefunds } from '../../lib/saga/sweep-refunds.ts';
import { jobs } from '../jobs.ts';

type Deps = Omit<SweepDeps & SweepRefundsDeps & SweepCapturesDeps, 'sql' | 'untilMs'> & {
  sql: () => SweepDeps['sql'];
  meter: Meter;
  /** After this time nothing more is started. */
  budgetSeconds: number;
};

export async function run(deps: Deps) {
  const sql = deps.sql();
  const untilMs = deps.stopwatch.elapsed() + deps.budgetSeconds * 1000;
  // Count each part as soon as it is done, because a later one may fail.
  const orders = await sweepOrders({ ...deps, sql, untilMs });
  deps.meter.count('ReservationsExpired', orders.released);
  if (orders.opened > 0) deps.meter.count('ManualReviewsOpened', orders.opened, sagaEnded.code);
  deps.meter.count('SagasStartedLate', orders.started);
  const refunds = await sweepRefunds({ ...deps, sql, untilMs });
  deps.meter.count('SagasStartedLate', refunds);
  const captures = await sweepCaptures({ ...deps, sql, untilMs });
  deps.meter.count('SagasStartedLate', captures.late);
  for (const [code, opened] of Object.entries(captures.opened)) deps.meter.count('ManualReviewsOpened', opened, code);
  const compensatedAgain = await retryCompensations({ ...deps, sql, untilMs });
  deps.meter.count('CompensationsRetried', compensatedAgain);
  return { ...orders, refunds, captures, compensatedAgain };
}

export const handler = jobHandler(jobs['sweep-orders'], run, ({ clock, stopwatch, meter, log }) => ({
  sql: () => sqlAs('saga'),
  clock,
  stopwatch,
  meter,
  ...executions,
  budgetSeconds: jobs['sweep-orders'].timeoutSeconds - 10,
  resumeSaga,
  quietSeconds: config().SWEEP_AFTER_SECONDS,
  reservationSeconds: config().RESERVATION_SECONDS,
  expiryMarginSeconds: config().AUTHORIZATION_MARGIN_SECONDS,
  expiryAction: config().AUTHORIZATION_EXPIRY,
  onError: (id, error) => log.error('not swept', { id, reason: String(error) }),
}));
