import { stepHandler } from '../../lib/platform/handlers/step.ts';
import { paymentGateway } from '../../lib/platform/payments.ts';
import { type CapturingState, capturingState } from '../../lib/saga/state.ts';
import { captureOrder } from '../../lib/shop/payments/charge.ts';
import type { PaymentGateway } from '../../lib/shop/payments/gateway.ts';
import { steps } from '../steps.ts';

export async function run(
  { orderId, amount, captureAmount, currency, attempt, payment }: CapturingState,
  { gateway }: { gateway: PaymentGateway },
) {
  await captureOrder(gateway, { orderId, amount, captureAmount, currency, attempt, ...payment });
  return { captured: true };
}

export const handler = stepHandler(steps.CapturePayment, capturingState, run, () => ({ gateway: paymentGateway() }));
