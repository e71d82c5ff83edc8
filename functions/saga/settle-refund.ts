import type { Clock } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { stepHandler } from '../../lib/platform/handlers/step.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import type { Meter } from '../../lib/platform/telemetry.ts';
import { refusalCodeOf, type SagaState, sagaState } from '../../lib/saga/state.ts';
import { settleRefund } from '../../lib/shop/payments/settle-refund.sql.ts';
import { steps } from '../steps.ts';

type Deps = { sql: () => Sql; clock: Clock; meter: Meter };

export async function run({ part, partRefund, failure }: SagaState, { sql, clock, meter }: Deps) {
  if (part === undefined) throw new Error('there is no refund to settle');
  const common = { refundId: part.id, eventId: newId('event', clock), at: new Date(clock.now()) };
  const settlement =
    partRefund === undefined
      ? { ...common, outcome: 'failed' as const, code: refusalCodeOf(failure) }
      : { ...common, outcome: 'succeeded' as const, reference: partRefund.refundReference };
  const settled = await settleRefund(sql(), settlement);
  if (settled) meter.count('RefundsSettled', 1, settlement.outcome);
  return { outcome: settlement.outcome };
}

export const handler = stepHandler(steps.SettleRefund, sagaState, run, ({ clock, meter }) => ({
  sql: () => sqlAs('saga'),
  clock,
  meter,
}));
