import type { Sql } from 'postgres';
import type { LineInput, Order } from '../../contract/api/orders.ts';
import { Problem } from '../../contract/api/problems.ts';
import type { Answer, KeyOptions } from '../../database/idempotency.sql.ts';
import type { Clock } from '../../kernel/clock.ts';
import { idTimestamp, newId } from '../../kernel/ids.ts';
import type { Money } from '../../kernel/money.ts';
import { type BasketRequest, basketOf, type Pricing, priceBasket } from '../pricing/basket.ts';
import type { Priced } from '../pricing/price.ts';
import { toQuote } from '../pricing/quote.ts';
import { checkAddresses } from './check-addresses.ts';
import { type NewOrder, newOrder, type OrderDetails } from './order.ts';
import { insertOrder, type PlaceClaim, readBeforePlacing, type Unpaid } from './place.sql.ts';
import { askedFor, type OrderToPlace, type StartSaga, startOrLeave } from './start-saga.ts';

export type PlaceDeps = {
  sql: Sql;
  keys: KeyOptions;
  clock: Clock;
  /** What a customer's unpaid orders may come to, with the new one. */
  unpaidLimits: Unpaid;
  pricing: Pricing;
  /** What the numbers of orders begin with. */
  numberPrefix: string;
  startPlacing: StartSaga<OrderToPlace>;
  /** When the payment of a new order is captured; absent: at checkout. */
  captureAt?: 'shipment' | undefined;
};

/** What a request says of an order besides its lines. */
export type Said = { [Name in keyof OrderDetails]?: OrderDetails[Name] | undefined };

/** What a customer orders. */
export type OrderRequest = Said &
  BasketRequest & {
    /** Null for a guest. */
    customerId: string | null;
    /** The application that orders for somebody else. */
    placedBy?: string | null;
    /** The application that the request comes through, whoever orders. */
    applicationId?: string;
    /** Makes the token of a guest's order: its hash, and what to store of it with the answer. */
    newToken?: (orderId: string) => { hash: string; headers: Record<string, string> };
    paymentMethod: string;
    /** What the customer was quoted: with another total nothing is ordered. */
    expectedTotal?: Money | undefined;
  };

/**
 * Prices an order from the catalogue, stores it with everything that belongs to it in one transaction, and starts its
 * saga. The sweeper starts a saga that cannot be started now.
 * @returns the answer to the request; the order when it is new, which has failed already if there is not enough stock; why its saga
 *   could not be started
 * @throws Problem contact-missing, customer-unknown, country-unknown, postal-code-invalid; as `priceBasket` does;
 *   total-changed, too-many-unpaid-orders, request-in-flight, idempotency-key-reused
 */
export async function placeOrder(
  deps: PlaceDeps,
  claim: PlaceClaim,
  request: OrderRequest,
): Promise<{ answer: Answer; placed: Order | undefined; startError?: unknown }> {
  const { customerId, placedBy } = request;
  const guestEmail = customerId === null ? emailOf(request) : null;
  const at = deps.clock.now();
  const { lines } = request;
  const basket = { ...basketOf(request, customerId, at), customerId, guestEmail, lines };
  const before = await readBeforePlacing(deps.sql, claim, basket, deps.keys);
  if (before.answer !== undefined) return { answer: before.answer, placed: undefined };

  if (!before.known) throw new Problem('customer-unknown', `${customerId} does not exist, or may not order.`);
  checkAddresses(request);
  checkUnpaid(before.unpaid, request.lines, deps.unpaidLimits);
  const priced = await priceBasket(request, before, { ...deps.pricing, at, placing: true, customerId });
  checkExpected(priced, request.expectedTotal);
  const id = newId('order', deps.clock);
  const token = customerId === null ? request.newToken?.(id) : undefined;
  const order: NewOrder = {
    ...priced,
    id,
    eventId: newId('event', deps.clock),
    numberPrefix: deps.numberPrefix,
    customerId,
    placedBy: placedBy ?? null,
    applicationId: request.applicationId ?? null,
    segment: customerId === null ? 'guest' : before.premium ? 'premium' : 'standard',
    guestToken: token?.hash ?? null,
    ...detailsOf(request),
    paymentMethod: request.paymentMethod,
    captureAt: deps.captureAt,
    // The time in the id, so that orders are found by it.
    createdAt: idTimestamp(id),
  };
  const answerWith = (number: string) => ({
    status: 202,
    headers: { location: `/orders/${id}`, ...token?.headers },
    body: JSON.stringify(newOrder({ ...order, number, failureDetail: null })),
  });
  // What is sold out needs no saga, which would only find out. A saga gives back the use of a coupon.
  const failsIfShort = before.short && order.couponCode === null ? newId('event', deps.clock) : undefined;
  const written = await insertOrder(deps.sql, claim, order, answerWith, deps.keys, failsIfShort);
  if ('first' in written) return { answer: written.first, placed: undefined };

  const placed = newOrder({ ...order, ...written });
  if (placed.failure !== null) return { answer: answerWith(written.number), placed };
  return {
    answer: answerWith(written.number),
    placed,
    ...(await startOrLeave(() => deps.startPlacing(orderToPlace(order)))),
  };
}

/** @throws Problem contact-missing */
export function emailOf({ contact }: Pick<Said, 'contact'>): string {
  if (contact?.email !== undefined) return contact.email;
  throw new Problem('contact-missing', 'A guest’s order needs an e-mail address.', {
    errors: [{ pointer: '/contact/email', detail: 'is missing, and a guest’s order needs one' }],
  });
}

/** What a request says of its order, with null for what it leaves out. */
export const detailsOf = ({ shippingAddress, billingAddress, contact, note, metadata }: Said): OrderDetails => ({
  shippingAddress: shippingAddress ?? null,
  billingAddress: billingAddress ?? null,
  contact: contact ?? null,
  note: note ?? null,
  metadata: metadata ?? null,
});

/**
 * Nobody may hold stock for nothing. Orders that are placed at the same moment do not see each other, so a customer can
 * exceed the limits by as many as are under way.
 * @throws Problem too-many-unpaid-orders
 */
function checkUnpaid(unpaid: Unpaid, lines: readonly LineInput[], limits: Unpaid): void {
  if (unpaid.orders === 0) return;
  const units = lines.reduce((sum, { quantity }) => sum + quantity, unpaid.units);
  const todo = 'Pay or cancel some of them first.';
  if (unpaid.orders >= limits.orders) {
    throw new Problem('too-many-unpaid-orders', `${unpaid.orders} orders are not paid yet. ${todo}`);
  }
  if (units > limits.units) {
    throw new Problem('too-many-unpaid-orders', `${unpaid.units} units are in orders that are not paid yet. ${todo}`);
  }
}

/** @throws Problem total-changed, with the quote of now */
function checkExpected(priced: Priced, expected: Money | undefined): void {
  if (expected === undefined) return;
  if (expected.amount === priced.total && expected.currency === priced.currency) return;
  throw new Problem(
    'total-changed',
    `The order would cost ${priced.total} minor units of ${priced.currency}, not ${expected.amount} of ${expected.currency}.`,
    { errors: [{ pointer: '/expectedTotal', detail: 'is not what the order costs now' }], quote: toQuote(priced) },
  );
}

/** What the saga of a new order is started with. */
export const orderToPlace = (order: {
  id: string;
  total: number;
  currency: string;
  paymentMethod: string;
  captureAt?: 'shipment' | null | undefined;
  correlationId?: string | null;
}): OrderToPlace => ({
  orderId: order.id,
  amount: order.total,
  currency: order.currency,
  paymentMethod: order.paymentMethod,
  ...(order.captureAt === 'shipment' ? { captureAt: 'shipment' } : {}),
  ...askedFor(order),
});
