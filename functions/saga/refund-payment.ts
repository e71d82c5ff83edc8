import { stepHandler } from '../../lib/platform/handlers/step.ts';
import { paymentGateway } from '../../lib/platform/payments.ts';
import { type SagaState, sagaState } from '../../lib/saga/state.ts';
import { refundOrder } from '../../lib/shop/payments/charge.ts';
import type { PaymentGateway } from '../../lib/shop/payments/gateway.ts';
import { steps } from '../steps.ts';

export const run = (state: SagaState, { gateway }: { gateway: PaymentGateway }) => refundOrder(gateway, state);

export const handler = stepHandler(steps.RefundPayment, sagaState, run, () => ({ gateway: paymentGateway() }));
