import type { Clock } from '../../lib/kernel/clock.ts';
import { OutOfStock } from '../../lib/kernel/errors.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { config } from '../../lib/platform/config.ts';
import { stepHandler } from '../../lib/platform/handlers/step.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import type { Meter } from '../../lib/platform/telemetry.ts';
import { reserveAllOrNothing } from '../../lib/saga/reserve.sql.ts';
import { type PlacingState, placingState } from '../../lib/saga/state.ts';
import { outOfStock } from '../../lib/shop/orders/out-of-stock.ts';
import { steps } from '../steps.ts';

type Deps = { sql: () => Sql; clock: Clock; meter: Meter; reservationSeconds: number };

export async function run({ orderId }: PlacingState, { sql, clock, meter, reservationSeconds }: Deps) {
  const now = clock.now();
  const expiresAt = new Date(now + reservationSeconds * 1000);
  try {
    await reserveAllOrNothing(sql(), { orderId, eventId: newId('event', clock), at: new Date(now), expiresAt });
  } catch (error) {
    if (error instanceof OutOfStock && !error.repeated) {
      meter.count('StockOuts');
      meter.count('OrdersFailed', 1, outOfStock.code);
    }
    throw error;
  }
  return { expiresAt: expiresAt.toISOString() };
}

export const handler = stepHandler(steps.ReserveStock, placingState, run, ({ clock, meter }) => ({
  sql: () => sqlAs('saga'),
  clock,
  meter,
  reservationSeconds: config().RESERVATION_SECONDS,
}));
