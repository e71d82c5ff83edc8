import { type SagaState, sagaState } from '../../lib/contract/saga.ts';
import { stepDoor } from '../../lib/entry/step.ts';
import type { Clock } from '../../lib/kernel/clock.ts';
import { abandonUnlessConfirmed } from '../../lib/orders/undo.sql.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { steps } from '../steps.ts';

export const run = ({ orderId }: SagaState, { sql, clock }: { sql: () => Sql; clock: Clock }) =>
  abandonUnlessConfirmed(sql(), { orderId, at: new Date(clock.now()) });

export const handler = stepDoor(steps.AbandonOrder, sagaState, run, ({ clock }) => ({
  sql: () => sqlAs('saga'),
  clock,
}));
