import type { Sql } from 'postgres';
import type { LineInput, Order } from '../../contract/api/orders.ts';
import type { Answer, KeyOptions } from '../../database/idempotency.sql.ts';
import type { Clock } from '../../kernel/clock.ts';
import { newId } from '../../kernel/ids.ts';
import { priceOrder } from '../pricing/price.ts';
import { type NewOrder, pendingOrder } from './order.ts';
import { insertOrder, type PlaceClaim, readBeforePlacing } from './place.sql.ts';
import { type OrderToPlace, type StartSaga, startOrLeave } from './start-saga.ts';

export type PlaceDeps = { sql: Sql; keys: KeyOptions; clock: Clock; startPlacing: StartSaga<OrderToPlace> };

/**
 * Prices an order from the catalogue, stores it with everything that belongs to it in one transaction, and starts its
 * saga. The sweeper starts a saga that cannot be started now.
 * @returns the answer to the request; the order when it is new; why its saga could not be started
 * @throws Problem product-not-available, currencies-mixed, amount-too-large, request-in-flight, idempotency-key-reused
 */
export async function placeOrder(
  deps: PlaceDeps,
  claim: PlaceClaim,
  request: { customerId: string; lines: readonly LineInput[]; paymentMethod: string },
): Promise<{ answer: Answer; placed: Order | undefined; startError?: unknown }> {
  const productIds = [...new Set(request.lines.map((line) => line.productId))];
  const before = await readBeforePlacing(deps.sql, claim, { customerId: request.customerId, productIds }, deps.keys);
  if (before.answer !== undefined) return { answer: before.answer, placed: undefined };

  const order: NewOrder = {
    ...priceOrder({ lines: request.lines, products: before.products, premium: before.premium }),
    id: newId('order', deps.clock),
    eventId: newId('event', deps.clock),
    customerId: request.customerId,
    paymentMethod: request.paymentMethod,
    createdAt: deps.clock.now(),
  };
  const placed = pendingOrder(order);
  const answer = { status: 202, headers: { location: `/orders/${order.id}` }, body: JSON.stringify(placed) };
  const first = await insertOrder(deps.sql, claim, order, answer, deps.keys);
  if (first !== undefined) return { answer: first, placed: undefined };

  return { answer, placed, ...(await startOrLeave(() => deps.startPlacing(orderToPlace(order)))) };
}

/** What the saga of a new order is started with. */
export const orderToPlace = (order: {
  id: string;
  total: number;
  currency: string;
  paymentMethod: string;
}): OrderToPlace => ({
  orderId: order.id,
  amount: order.total,
  currency: order.currency,
  paymentMethod: order.paymentMethod,
});
