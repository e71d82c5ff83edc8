import type { Clock } from '../../lib/kernel/clock.ts';
import { stepHandler } from '../../lib/platform/handlers/step.ts';
import { paymentGateway } from '../../lib/platform/payments.ts';
import { type Charge, type SagaState, sagaState } from '../../lib/saga/state.ts';
import { chargeOrder } from '../../lib/shop/payments/charge.ts';
import type { PaymentGateway } from '../../lib/shop/payments/gateway.ts';
import { steps } from '../steps.ts';

type Deps = { gateway: PaymentGateway; clock: Clock };

export async function run(state: SagaState, { gateway, clock }: Deps): Promise<Charge> {
  const charge = await chargeOrder(gateway, state);
  if (charge.action === undefined) return charge;
  // The customer has for it as long as the stock is reserved.
  const left = Date.parse(state.reservation?.expiresAt ?? '') - clock.now();
  return { ...charge, waitSeconds: Math.max(1, Math.ceil(left / 1000) || 1) };
}

export const handler = stepHandler(steps.ChargePayment, sagaState, run, ({ clock }) => ({
  gateway: paymentGateway(),
  clock,
}));
