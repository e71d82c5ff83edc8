import type { Clock } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { stepHandler } from '../../lib/platform/handlers/step.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import type { Meter } from '../../lib/platform/telemetry.ts';
import { refusalCodeOf } from '../../lib/saga/failures.ts';
import { type RefundingState, refundingState } from '../../lib/saga/state.ts';
import { settleRefund } from '../../lib/shop/payments/settle-refund.sql.ts';
import { steps } from '../steps.ts';

type Deps = { sql: () => Sql; clock: Clock; meter: Meter };

export async function run({ refundId, refund, failure }: RefundingState, { sql, clock, meter }: Deps) {
  const common = { refundId, eventId: newId('event', clock), at: new Date(clock.now()) };
  const settlement =
    refund === undefined
      ? { ...common, outcome: 'failed' as const, code: refusalCodeOf(failure) }
      : { ...common, outcome: 'succeeded' as const, reference: refund.refundReference };
  const settled = await settleRefund(sql(), settlement);
  if (settled) meter.count('RefundsSettled', 1, settlement.outcome);
  return { outcome: settlement.outcome };
}

export const handler = stepHandler(steps.SettleRefund, refundingState, run, ({ clock, meter }) => ({
  sql: () => sqlAs('saga'),
  clock,
  meter,
}));
