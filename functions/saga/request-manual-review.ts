import type { Clock } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { stepHandler } from '../../lib/platform/handlers/step.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import type { Meter } from '../../lib/platform/telemetry.ts';
import { requestManualReview } from '../../lib/saga/compensate.sql.ts';
import { executionName } from '../../lib/saga/execution-name.ts';
import { compensationFailureOf, failureOf, type SagaState, sagaState } from '../../lib/saga/state.ts';
import { steps } from '../steps.ts';

type Deps = { sql: () => Sql; clock: Clock; meter: Meter };

/** Told only when nothing more exact is known. */
const unfinished = { code: 'compensation-failed', detail: 'The order is not compensated yet; we are looking into it.' };

export async function run(state: SagaState, { sql, clock, meter }: Deps) {
  const { code, detail } = failureOf(state) ?? unfinished;
  const { status, opened } = await requestManualReview(sql(), {
    orderId: state.orderId,
    eventId: newId('event', clock),
    reason: code,
    detail,
    at: new Date(clock.now()),
    unlessConfirmed: state.intent === 'place',
    execution: executionName(state),
    attempt: state.attempt ?? 0,
    why: compensationFailureOf(state),
  });
  if (opened) meter.count('ManualReviewsOpened', 1, code);
  return { status };
}

export const handler = stepHandler(steps.RequestManualReview, sagaState, run, ({ clock, meter }) => ({
  sql: () => sqlAs('saga'),
  clock,
  meter,
}));
