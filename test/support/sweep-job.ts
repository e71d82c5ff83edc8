import { run } from '../../functions/jobs/sweep-orders.ts';
import { stopwatch } from '../../lib/kernel/clock.ts';
import type { Sql } from '../../lib/platform/sql.ts';
import type { Saga } from './saga.ts';

type Deps = Parameters<typeof run>[0];

/** Runs the scheduled sweep as if it were `later` milliseconds from now. What it starts may go on after it. */
export const runSweep = (saga: Saga, later: number, deps: Partial<Deps> = {}) =>
  run({
    sql: () => saga.saga as unknown as Sql,
    clock: { now: () => saga.clock.now() + later },
    stopwatch,
    meter: saga.deps.meter,
    budgetSeconds: 45,
    quietSeconds: 60,
    reservationSeconds: saga.deps.reservationSeconds,
    startPlacing: saga.startPlacing,
    startCompensating: saga.startCompensating,
    startRefunding: saga.startRefunding,
    startCapturing: saga.startCapturing,
    expiryMarginSeconds: 2 * 24 * 3600,
    expiryAction: 'capture',
    resumeSaga: saga.resumeSaga,
    describeExecution: saga.describeExecution,
    onError: () => {},
    ...deps,
  });
