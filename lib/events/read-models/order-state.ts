import type { AnnouncedStatus, OrderStory } from '../../contract/api/order-details.ts';
import type { OrderFailureCode } from '../../contract/api/orders.ts';
import type { EventOf, StoredEvent } from '../../contract/events/define-event.ts';
import {
  orderCancelled,
  orderConfirmed,
  orderDelivered,
  orderFailed,
  orderInReview,
  orderPlaced,
  orderReserved,
  orderShipped,
  orderUnitsCancelled,
  orderUpdated,
  paymentAuthorized,
  paymentCaptured,
  paymentRefunded,
  paymentVoided,
  refundFailed,
  refundSucceeded,
  returnReceived,
  returnRejected,
  returnRequested,
} from '../../contract/events/domain-events.ts';

/** An order as its events up to `sequence` describe it. */
export type OrderState = {
  orderId: string;
  customerId: string | null;
  sequence: number;
  status: AnnouncedStatus;
  placedAt: string;
  changedAt: string;
  details: OrderStory;
};

type OrderEvent = EventOf<
  | typeof orderPlaced
  | typeof orderReserved
  | typeof orderConfirmed
  | typeof orderFailed
  | typeof orderCancelled
  | typeof orderInReview
  | typeof orderUpdated
  | typeof paymentAuthorized
  | typeof paymentCaptured
  | typeof paymentVoided
  | typeof paymentRefunded
  | typeof refundSucceeded
  | typeof refundFailed
  | typeof orderShipped
  | typeof orderDelivered
  | typeof orderUnitsCancelled
  | typeof returnRequested
  | typeof returnReceived
  | typeof returnRejected
>;

/**
 * An order after an event. An event that is in it already changes nothing. It depends on the events alone, so that a rebuilt
 * order equals the one before.
 * @throws Error for an event before `order.placed`, which the feed never shows
 */
export function applyEvent(state: OrderState | undefined, stored: StoredEvent): OrderState {
  const event = stored as OrderEvent;
  if (state !== undefined && event.sequence <= state.sequence) return state;
  if (event.type === orderPlaced.type) return toldOf(placed(event), event);
  if (state === undefined) throw new Error(`${event.type} of ${event.aggregateId} came before the order was placed`);
  return toldOf({ ...state, ...change(state, event) }, event);
}

function placed(event: EventOf<typeof orderPlaced>): OrderState {
  // What is personal stays with the order, where it can be erased.
  const { orderId, customerId, placedBy, shippingAddress, billingAddress, contact, note, metadata, ...priced } =
    event.data;
  return {
    orderId,
    customerId,
    sequence: event.sequence,
    status: 'pending',
    placedAt: event.occurredAt,
    changedAt: event.occurredAt,
    details: { ...priced, payment: null, refunds: [], ...nothingShipped, failure: null, timeline: [] },
  };
}

function toldOf(state: OrderState, { sequence, type, occurredAt: at, correlationId }: OrderEvent): OrderState {
  const timeline = [...state.details.timeline, { sequence, type, at, correlationId }];
  return { ...state, sequence, changedAt: at, details: { ...state.details, timeline } };
}

function change(
  { details }: OrderState,
  event: Exclude<OrderEvent, EventOf<typeof orderPlaced>>,
): Partial<Pick<OrderState, 'status' | 'details' | 'customerId'>> {
  const { data, occurredAt: at } = event;
  switch (event.type) {
    case orderUpdated.type:
      return { customerId: event.data.customerId };
    case orderReserved.type:
      return { status: 'reserved' };
    case orderConfirmed.type:
      return { status: 'confirmed' };
    case orderCancelled.type:
      return { status: 'cancelled', details: { ...details, failure: null } };
    case orderFailed.type:
      return { status: 'failed', details: { ...details, failure: event.data.reason } };
    case orderInReview.type:
      return { status: 'needs_attention', details: { ...details, failure: event.data.reason } };
    case paymentAuthorized.type:
    case paymentCaptured.type:
    case paymentVoided.type:
    case paymentRefunded.type: {
      const { paymentId, provider, amount } = event.data;
      const status = paymentStatusAfter[event.type];
      // What was given up before the capture stays so.
      const refunded = status === 'refunded' ? amount : (details.payment?.refunded ?? { ...amount, amount: 0 });
      const payment = { id: paymentId, provider, status, amount, refunded };
      // Of an order in manual review for its capture, the capture is what takes it out.
      const reviewed = status === 'captured' && captureReviews.has(details.failure ?? '');
      return reviewed
        ? { status: 'confirmed', details: { ...details, payment, failure: null } }
        : { details: { ...details, payment } };
    }
    case orderShipped.type: {
      const { orderId: _, customerId: __, fulfilmentId: id, fulfilmentStatus, ...parcel } = event.data;
      const shipped = { id, ...parcel, shippedAt: at, deliveredAt: null };
      return { details: { ...details, fulfilmentStatus, fulfilments: [...details.fulfilments, shipped] } };
    }
    case orderDelivered.type: {
      const { fulfilmentId, fulfilmentStatus } = event.data;
      const fulfilments = details.fulfilments.map((each) =>
        each.id === fulfilmentId ? { ...each, deliveredAt: at } : each,
      );
      return { details: { ...details, fulfilmentStatus, fulfilments } };
    }
    case orderUnitsCancelled.type: {
      const { cancellationId: id, lines, fulfilmentStatus } = event.data;
      return {
        details: { ...details, fulfilmentStatus, cancellations: [...details.cancellations, { id, lines, at }] },
      };
    }
    case returnRequested.type:
    case returnReceived.type:
    case returnRejected.type:
      return { details: { ...details, returns: returnsAfter(details.returns, event) } };
    case refundSucceeded.type:
    case refundFailed.type: {
      const { refundId, amount } = event.data;
      const succeeded = event.type === refundSucceeded.type;
      const refund = {
        id: refundId,
        status: succeeded ? ('succeeded' as const) : ('failed' as const),
        amount,
        reason: 'reason' in data ? data.reason : null,
        at,
      };
      const { payment } = details;
      const given = payment && succeeded ? addTo(payment, amount.amount) : payment;
      return { details: { ...details, payment: given, refunds: [...details.refunds, refund] } };
    }
  }
}

/** What has shipped and come back of a new order. */
const nothingShipped = { fulfilmentStatus: 'unfulfilled' as const, fulfilments: [], cancellations: [], returns: [] };

type ReturnEvent = EventOf<typeof returnRequested | typeof returnReceived | typeof returnRejected>;

/** The returns of an order after an event of one of them. */
function returnsAfter(returns: OrderStory['returns'], event: ReturnEvent): OrderStory['returns'] {
  const { returnId } = event.data;
  if (event.type === returnRequested.type) {
    const lines = event.data.lines.map((line) => ({ ...line, restocked: 0, writtenOff: 0 }));
    return [...returns, { id: returnId, status: 'requested', lines }];
  }
  return returns.map((each) => {
    if (each.id !== returnId) return each;
    if (event.type === returnRejected.type) return { ...each, status: 'rejected' as const };
    const arrived = new Map(event.data.lines.map(({ productId, ...line }) => [productId, line]));
    return {
      ...each,
      status: 'received' as const,
      lines: each.lines.map((line) => ({ ...line, ...arrived.get(line.productId) })),
    };
  });
}

const paymentStatusAfter = {
  [paymentAuthorized.type]: 'authorized',
  [paymentCaptured.type]: 'captured',
  [paymentVoided.type]: 'voided',
  [paymentRefunded.type]: 'refunded',
} as const;

const captureReviews: ReadonlySet<string> = new Set<OrderFailureCode>(['capture-failed', 'authorization-expiring']);

type Payment = NonNullable<OrderStory['payment']>;

const addTo = (payment: Payment, amount: number): Payment => ({
  ...payment,
  refunded: { ...payment.refunded, amount: payment.refunded.amount + amount },
});
