import { expect, test } from 'vitest';
import * as z from 'zod/mini';
import { systemClock } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { compensatingExecution, placingExecution, refundingExecution } from '../../lib/saga/executions.ts';
import { compensatingInput, placingInput, refundingInput } from '../../lib/saga/inputs.ts';
import { retryInput } from '../../lib/saga/retry-compensation.ts';
import { orderToCancel } from '../../lib/shop/orders/cancel.ts';
import { orderToPlace } from '../../lib/shop/orders/place.ts';

const orderId = newId('order', systemClock);
const refundId = newId('refund', systemClock);
const order = {
  id: orderId,
  total: 1999,
  currency: 'EUR',
  paymentMethod: 'pm_card_visa',
  paymentProvider: 'simulated',
  paymentReference: 'ch_1',
};
const payment = { provider: 'simulated', reference: 'ch_1' };
const common = { orderId, amount: 1999, currency: 'EUR' };

test('a new order is placed with its payment method', () => {
  const input = orderToPlace(order);
  expect(input).toEqual({ ...common, paymentMethod: 'pm_card_visa' });
  expect(z.parse(placingInput, input)).toEqual(input);
});

test('a cancellation begins with the payment to refund, a retry with its number too', () => {
  const [cancellation, retry] = [orderToCancel(order), retryInput(order, 3)];
  expect(cancellation).toEqual({ ...common, reason: 'cancellation', payment });
  expect(retry).toEqual({ ...common, reason: 'retry', attempt: 3, payment });
  for (const input of [cancellation, retry]) expect(z.parse(compensatingInput, input)).toEqual(input);
});

test.each(['paymentProvider', 'paymentReference'])('without %s there is no payment to name', (name) => {
  expect(orderToCancel({ ...order, [name]: null })).toEqual({ ...common, reason: 'cancellation' });
});

test('a refund names its payment and its attempt', () => {
  const input = { ...common, refundId, attempt: 1, payment };
  expect(z.parse(refundingInput, input)).toEqual(input);
});

test.each([
  [placingExecution({ orderId }), 'placing', orderId],
  [compensatingExecution({ orderId, reason: 'cancellation' }), 'compensating', `${orderId}-cancellation`],
  [compensatingExecution({ orderId, reason: 'orphaned-charge' }), 'compensating', `${orderId}-orphaned-charge`],
  [compensatingExecution({ orderId, reason: 'retry', attempt: 2 }), 'compensating', `${orderId}-retry-2`],
  [refundingExecution({ refundId, attempt: 3 }), 'refunding', `${refundId}-3`],
])('an execution is named after what it works on: %o', (execution, machine, name) => {
  expect(execution).toEqual({ machine, name });
  expect(name.length).toBeLessThanOrEqual(80);
});
