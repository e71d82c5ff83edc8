import type { Clock } from '../../lib/kernel/clock.ts';
import { stepHandler } from '../../lib/platform/handlers/step.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { type CompensationState, compensationState } from '../../lib/saga/state.ts';
import { releaseWhatIsHeld } from '../../lib/shop/stock/reservations.sql.ts';
import { steps } from '../steps.ts';

export async function run({ orderId }: CompensationState, { sql, clock }: { sql: () => Sql; clock: Clock }) {
  return { units: await releaseWhatIsHeld(sql(), { orderId, at: new Date(clock.now()) }) };
}

export const handler = stepHandler(steps.ReleaseStock, compensationState, run, ({ clock }) => ({
  sql: () => sqlAs('saga'),
  clock,
}));
