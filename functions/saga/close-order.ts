import type { Clock } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { stepHandler } from '../../lib/platform/handlers/step.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import type { Meter } from '../../lib/platform/telemetry.ts';
import { closeCompensated } from '../../lib/saga/compensate.sql.ts';
import { compensated, failureOf } from '../../lib/saga/failures.ts';
import { type CompensationState, compensationState } from '../../lib/saga/state.ts';
import { steps } from '../steps.ts';

type Deps = { sql: () => Sql; clock: Clock; meter: Meter };

export async function run(state: CompensationState, { sql, clock, meter }: Deps) {
  const failure = failureOf(state) ?? compensated;
  const { status, closed } = await closeCompensated(sql(), {
    orderId: state.orderId,
    paymentId: newId('payment', clock),
    eventId: newId('event', clock),
    paymentEventId: newId('event', clock),
    failure,
    refund: state.refund,
    at: new Date(clock.now()),
  });
  if (closed) {
    if (status === 'cancelled') meter.count('OrdersCancelled');
    else meter.count('OrdersFailed', 1, failure.code);
  }
  return { status };
}

export const handler = stepHandler(steps.CloseOrder, compensationState, run, ({ clock, meter }) => ({
  sql: () => sqlAs('saga'),
  clock,
  meter,
}));
