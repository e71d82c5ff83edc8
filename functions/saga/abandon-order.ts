import type { Clock } from '../../lib/kernel/clock.ts';
import { stepHandler } from '../../lib/platform/handlers/step.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { abandonUnlessConfirmed } from '../../lib/saga/compensate.sql.ts';
import { type PlacingState, placingState } from '../../lib/saga/state.ts';
import { steps } from '../steps.ts';

export const run = ({ orderId }: PlacingState, { sql, clock }: { sql: () => Sql; clock: Clock }) =>
  abandonUnlessConfirmed(sql(), { orderId, at: new Date(clock.now()) });

export const handler = stepHandler(steps.AbandonOrder, placingState, run, ({ clock }) => ({
  sql: () => sqlAs('saga'),
  clock,
}));
