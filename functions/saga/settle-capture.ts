import type { Clock } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { stepHandler } from '../../lib/platform/handlers/step.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import type { Meter } from '../../lib/platform/telemetry.ts';
import { reviewCapture, settleCapture } from '../../lib/saga/capture.sql.ts';
import { capturingExecution } from '../../lib/saga/executions.ts';
import { captureFailed } from '../../lib/saga/failures.ts';
import { type CapturingState, capturingState, messageOf } from '../../lib/saga/state.ts';
import { steps } from '../steps.ts';

type Deps = { sql: () => Sql; clock: Clock; meter: Meter };

/** Without a `failure` the payment is captured. With one the provider refused, and only a person can do something about it. */
export async function run(state: CapturingState, { sql, clock, meter }: Deps) {
  const { orderId, failure } = state;
  const common = { orderId, eventId: newId('event', clock), at: new Date(clock.now()) };
  if (failure === undefined) {
    if (await settleCapture(sql(), common)) meter.count('CapturesSettled', 1, 'succeeded');
    return { outcome: 'captured' };
  }
  const { opened, inReview } = await reviewCapture(sql(), {
    ...common,
    failure: captureFailed,
    execution: capturingExecution(state).name,
    why: { error: failure.Error, message: messageOf(failure), certain: true },
  });
  if (opened) {
    meter.count('CapturesSettled', 1, 'failed');
    meter.count('ManualReviewsOpened', 1, captureFailed.code);
  }
  // An order that was cancelled meanwhile has its own saga.
  return { outcome: inReview ? 'in-review' : 'given-up' };
}

export const handler = stepHandler(steps.SettleCapture, capturingState, run, ({ clock, meter }) => ({
  sql: () => sqlAs('saga'),
  clock,
  meter,
}));
