import { type SagaState, sagaState } from '../../lib/saga/state.ts';
import { stepDoor } from '../../lib/platform/handlers/step.ts';
import type { Clock } from '../../lib/kernel/clock.ts';
import { abandonUnlessConfirmed } from '../../lib/saga/compensate.sql.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { steps } from '../steps.ts';

export const run = ({ orderId }: SagaState, { sql, clock }: { sql: () => Sql; clock: Clock }) =>
  abandonUnlessConfirmed(sql(), { orderId, at: new Date(clock.now()) });

export const handler = stepDoor(steps.AbandonOrder, sagaState, run, ({ clock }) => ({
  sql: () => sqlAs('saga'),
  clock,
}));
