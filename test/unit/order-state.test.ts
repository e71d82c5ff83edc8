import { expect, test } from 'vitest';
import type { StoredEvent } from '../../lib/contract/events/define-event.ts';
import {
  domainEvents,
  orderCancelled,
  orderConfirmed,
  orderInReview,
  orderPlaced,
  orderReserved,
  paymentAuthorized,
  paymentCaptured,
  paymentVoided,
} from '../../lib/contract/events/domain-events.ts';
import { applyEvent, type OrderState } from '../../lib/events/read-models/order-state.ts';

/** The order after these events, each with the data of its example, or other data. */
function after(...events: (readonly [type: string, data?: object])[]): OrderState {
  let state: OrderState | undefined;
  for (const [index, [type, data]] of events.entries()) {
    const { example } = domainEvents.find((definition) => definition.type === type)!;
    const event = {
      id: `evt_${index}`,
      type,
      version: 1,
      aggregateId: 'ord_1',
      sequence: index + 1,
      correlationId: null,
      occurredAt: '2026-03-14T09:26:54.000Z',
      data: { ...(example as object), ...data },
    };
    state = applyEvent(state, event as unknown as StoredEvent);
  }
  return state!;
}

const held = [[orderPlaced.type], [orderReserved.type], [paymentAuthorized.type], [orderConfirmed.type]] as const;
const inReview = (reason: string) => [orderInReview.type, { reason }] as const;

test('an order is paid once its authorized payment is captured', () => {
  expect(after(...held)).toMatchObject({
    status: 'confirmed',
    details: { payment: { status: 'authorized', refunded: { amount: 0 } } },
  });
  expect(after(...held, [paymentCaptured.type])).toMatchObject({
    status: 'confirmed',
    details: { payment: { status: 'captured', refunded: { amount: 0 } } },
  });
});

test('a voided payment has given nothing back', () => {
  expect(after(...held, [paymentVoided.type], [orderCancelled.type])).toMatchObject({
    status: 'cancelled',
    details: { payment: { status: 'voided', refunded: { amount: 0 } } },
  });
});

test.each(['capture-failed', 'authorization-expiring'])('a capture takes an order out of review for %s', (reason) => {
  const reviewed = after(...held, inReview(reason));
  expect(reviewed).toMatchObject({ status: 'needs_attention', details: { failure: reason } });
  expect(after(...held, inReview(reason), [paymentCaptured.type])).toMatchObject({
    status: 'confirmed',
    details: { failure: null, payment: { status: 'captured' } },
  });
});

test('a late capture does not take an order out of review for something else', () => {
  expect(after(...held, inReview('compensation-failed'), [paymentCaptured.type])).toMatchObject({
    status: 'needs_attention',
    details: { failure: 'compensation-failed' },
  });
});
