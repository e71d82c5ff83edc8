import { stepHandler } from '../../lib/platform/handlers/step.ts';
import { paymentGateway } from '../../lib/platform/payments.ts';
import { type CompensationState, compensationState } from '../../lib/saga/state.ts';
import { refundOrder } from '../../lib/shop/payments/charge.ts';
import type { PaymentGateway } from '../../lib/shop/payments/gateway.ts';
import { steps } from '../steps.ts';

export const run = (
  { orderId, amount, currency, payment, charge, captureAt }: CompensationState,
  { gateway }: { gateway: PaymentGateway },
) => refundOrder(gateway, { orderId, amount, currency, charge: payment ?? charge, captureAt });

export const handler = stepHandler(steps.RefundPayment, compensationState, run, () => ({ gateway: paymentGateway() }));
