import { stepHandler } from '../../lib/platform/handlers/step.ts';
import { paymentGateway } from '../../lib/platform/payments.ts';
import { type SagaState, sagaState } from '../../lib/saga/state.ts';
import { refundPartOfOrder } from '../../lib/shop/payments/charge.ts';
import type { PaymentGateway } from '../../lib/shop/payments/gateway.ts';
import { steps } from '../steps.ts';

export async function run(state: SagaState, { gateway }: { gateway: PaymentGateway }) {
  const { orderId, currency, payment, part } = state;
  if (part === undefined || payment === undefined) throw new Error('there is no payment to give a part of back');
  const { provider, reference } = payment;
  return refundPartOfOrder(gateway, { orderId, refundId: part.id, amount: part.amount, currency, provider, reference });
}

export const handler = stepHandler(steps.RefundPart, sagaState, run, () => ({ gateway: paymentGateway() }));
