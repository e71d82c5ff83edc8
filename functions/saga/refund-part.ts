import { stepHandler } from '../../lib/platform/handlers/step.ts';
import { paymentGateway } from '../../lib/platform/payments.ts';
import { type RefundingState, refundingState } from '../../lib/saga/state.ts';
import { refundPartOfOrder } from '../../lib/shop/payments/charge.ts';
import type { PaymentGateway } from '../../lib/shop/payments/gateway.ts';
import { steps } from '../steps.ts';

export const run = (
  { orderId, refundId, amount, currency, payment }: RefundingState,
  { gateway }: { gateway: PaymentGateway },
) => refundPartOfOrder(gateway, { orderId, refundId, amount, currency, ...payment });

export const handler = stepHandler(steps.RefundPart, refundingState, run, () => ({ gateway: paymentGateway() }));
