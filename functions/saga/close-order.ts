import type { Clock } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { stepHandler } from '../../lib/platform/handlers/step.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import type { Meter } from '../../lib/platform/telemetry.ts';
import { closeCompensated } from '../../lib/saga/compensate.sql.ts';
import { failureOf, type SagaState, sagaState } from '../../lib/saga/state.ts';
import { steps } from '../steps.ts';

type Deps = { sql: () => Sql; clock: Clock; meter: Meter };

/** Told only when nothing more exact is known. */
const compensated = { code: 'compensated', detail: 'The order could not be completed; no money is kept.' };

export async function run(state: SagaState, { sql, clock, meter }: Deps) {
  const failure = failureOf(state) ?? compensated;
  const { status, closed } = await closeCompensated(sql(), {
    orderId: state.orderId,
    paymentId: newId('payment', clock),
    eventId: newId('event', clock),
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

export const handler = stepHandler(steps.CloseOrder, sagaState, run, ({ clock, meter }) => ({
  sql: () => sqlAs('saga'),
  clock,
  meter,
}));
