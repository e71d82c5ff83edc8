import type { Clock } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { stepHandler } from '../../lib/platform/handlers/step.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import type { Meter } from '../../lib/platform/telemetry.ts';
import { requestManualReview } from '../../lib/saga/compensate.sql.ts';
import { compensationFailureOf } from '../../lib/saga/compensation-failure.ts';
import { compensatingExecution, placingExecution } from '../../lib/saga/executions.ts';
import { compensationFailed, failureOf } from '../../lib/saga/failures.ts';
import { type CompensationState, compensationState } from '../../lib/saga/state.ts';
import { steps } from '../steps.ts';

type Deps = { sql: () => Sql; clock: Clock; meter: Meter };

export async function run(state: CompensationState, { sql, clock, meter }: Deps) {
  const { code, detail } = failureOf(state) ?? compensationFailed;
  const { orderId, reason, attempt } = state;
  const execution =
    reason === undefined ? placingExecution({ orderId }) : compensatingExecution({ orderId, reason, attempt });
  const { status, opened } = await requestManualReview(sql(), {
    orderId,
    eventId: newId('event', clock),
    reason: code,
    detail,
    at: new Date(clock.now()),
    unlessConfirmed: reason === undefined,
    execution: execution.name,
    attempt: attempt ?? 0,
    why: compensationFailureOf(state),
  });
  if (opened) meter.count('ManualReviewsOpened', 1, code);
  return { status };
}

export const handler = stepHandler(steps.RequestManualReview, compensationState, run, ({ clock, meter }) => ({
  sql: () => sqlAs('saga'),
  clock,
  meter,
}));
