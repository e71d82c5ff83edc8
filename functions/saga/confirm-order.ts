import type { Clock } from '../../lib/kernel/clock.ts';
import { CustomerActionRequired } from '../../lib/kernel/errors.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { stepHandler } from '../../lib/platform/handlers/step.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import type { Meter } from '../../lib/platform/telemetry.ts';
import { confirmIfReserved } from '../../lib/saga/confirm.sql.ts';
import { type PlacingState, placingState } from '../../lib/saga/state.ts';
import { steps } from '../steps.ts';

type Deps = { sql: () => Sql; clock: Clock; meter: Meter };

export async function run({ orderId, charge }: PlacingState, { sql, clock, meter }: Deps) {
  if (charge === undefined) throw new Error('there is no charge to confirm the order by');
  if (charge.action !== undefined) throw new CustomerActionRequired('the customer has not completed the payment');
  const now = clock.now();
  const placedAt = await confirmIfReserved(sql(), {
    orderId,
    ...charge,
    paymentId: newId('payment', clock),
    eventId: newId('event', clock),
    paymentEventId: newId('event', clock),
    at: new Date(now),
  });
  if (placedAt !== undefined) {
    meter.count('OrdersConfirmed');
    meter.count('SagaDuration', now - placedAt.getTime());
  }
  return { confirmed: true };
}

export const handler = stepHandler(steps.ConfirmOrder, placingState, run, ({ clock, meter }) => ({
  sql: () => sqlAs('saga'),
  clock,
  meter,
}));
