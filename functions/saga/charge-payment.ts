import type { Clock } from '../../lib/kernel/clock.ts';
import { stepHandler } from '../../lib/platform/handlers/step.ts';
import { paymentGateway } from '../../lib/platform/payments.ts';
import { type PlacingState, placingState } from '../../lib/saga/state.ts';
import { chargeOrder } from '../../lib/shop/payments/charge.ts';
import type { Charge, PaymentGateway } from '../../lib/shop/payments/gateway.ts';
import { steps } from '../steps.ts';

type Deps = { gateway: PaymentGateway; clock: Clock };

export async function run(state: PlacingState, { gateway, clock }: Deps): Promise<Charge & { waitSeconds?: number }> {
  const charge = await chargeOrder(gateway, state);
  if (charge.action === undefined) return charge;
  // The customer may act as long as the stock is reserved.
  const left = Date.parse(state.reservation?.expiresAt ?? '') - clock.now();
  return { ...charge, waitSeconds: Math.max(1, Math.ceil(left / 1000) || 1) };
}

export const handler = stepHandler(steps.ChargePayment, placingState, run, ({ clock }) => ({
  gateway: paymentGateway(),
  clock,
}));
