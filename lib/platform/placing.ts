import type { Order } from '../contract/api/orders.ts';
import type { Meter } from '../contract/deploy/metrics.ts';
import type { PlaceDeps } from '../shop/orders/place.ts';
import { config } from './config.ts';
import { startPlacing } from './executions.ts';
import { pricing } from './pricing.ts';
import { idempotency, unpaidLimits } from './stores.ts';

/** What placing an order needs of the process, besides the database and the clock. */
export const placing = (): Omit<PlaceDeps, 'sql' | 'clock'> => ({
  keys: idempotency('orders.idempotency_keys'),
  unpaidLimits: unpaidLimits(),
  pricing: pricing(),
  numberPrefix: config().ORDER_NUMBER_PREFIX,
  startPlacing,
  captureAt: config().CAPTURE_AT === 'shipment' ? ('shipment' as const) : undefined,
});

/** Counts a new order, and that it failed at once, which no step of a saga counts. */
export function countPlaced(meter: Pick<Meter, 'count'>, { failure }: Pick<Order, 'failure'>): void {
  meter.count('OrdersPlaced');
  if (failure === null) return;
  meter.count('StockOuts');
  meter.count('OrdersFailed', 1, failure.code);
}
