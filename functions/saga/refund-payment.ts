import { type SagaState, sagaState } from '../../lib/contract/saga.ts';
import { stepDoor } from '../../lib/entry/step.ts';
import { refundOrder } from '../../lib/payments/charge.ts';
import type { PaymentGateway } from '../../lib/payments/gateway.ts';
import { paymentGateway } from '../../lib/platform/payments.ts';
import { steps } from '../steps.ts';

export const run = (state: SagaState, { gateway }: { gateway: PaymentGateway }) => refundOrder(gateway, state);

export const handler = stepDoor(steps.RefundPayment, sagaState, run, () => ({ gateway: paymentGateway() }));
