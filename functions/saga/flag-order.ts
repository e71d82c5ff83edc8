import { type SagaState, sagaState } from '../../lib/contract/saga.ts';
import { stepDoor } from '../../lib/entry/step.ts';
import type { Clock } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { flagForAttention } from '../../lib/orders/undo.sql.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import type { Meter } from '../../lib/platform/telemetry.ts';
import { steps } from '../steps.ts';

type Deps = { sql: () => Sql; clock: Clock; meter: Meter };

export const reason = 'undo-failed';

export async function run({ orderId }: SagaState, { sql, clock, meter }: Deps) {
  const flagged = await flagForAttention(sql(), {
    orderId,
    eventId: newId('event', clock),
    reason,
    detail: 'The order could not be undone completely. Our staff are looking at it.',
    at: new Date(clock.now()),
  });
  if (flagged) meter.count('OrdersFlagged', 1, reason);
  return { status: 'needs_attention' };
}

export const handler = stepDoor(steps.FlagOrder, sagaState, run, ({ clock, meter }) => ({
  sql: () => sqlAs('saga'),
  clock,
  meter,
}));
