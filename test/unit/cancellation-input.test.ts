import { expect, test } from 'vitest';
import { cancellationInput, compensationInput } from '../../lib/shop/orders/cancel.ts';

const order = {
  id: 'ord_1',
  total: 1999,
  currency: 'EUR',
  paymentMethod: 'pm_card_visa',
  paymentId: 'pay_1',
  paymentProvider: 'simulated',
  paymentReference: 'ch_1',
};
const payment = { id: 'pay_1', provider: 'simulated', reference: 'ch_1' };
const common = { orderId: 'ord_1', amount: 1999, currency: 'EUR', paymentMethod: 'pm_card_visa' };

test('a cancellation begins with the payment to give back, a compensation with its number too', () => {
  expect(cancellationInput(order)).toEqual({ ...common, intent: 'cancel', payment });
  expect(compensationInput(order, 3)).toEqual({ ...common, intent: 'compensation', attempt: 3, payment });
});

test.each(['paymentId', 'paymentProvider', 'paymentReference'])('without %s there is no payment to name', (name) => {
  expect(cancellationInput({ ...order, [name]: null })).toEqual({ ...common, intent: 'cancel' });
});
