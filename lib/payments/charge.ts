import type { Charge, Refund, SagaState } from '../contract/saga.ts';
import type { PaymentGateway } from './gateway.ts';

/** An order that costs nothing never reaches a provider. */
const noProvider = 'none';

/**
 * Charges an order. Safe to repeat.
 * @throws PaymentDeclined, AnswerLost
 */
export async function chargeOrder(gateway: PaymentGateway, state: SagaState): Promise<Charge> {
  const { orderId, amount, currency, paymentMethod } = state;
  if (amount === 0) return { provider: noProvider, reference: orderId };
  return gateway.charge({ orderId, amount, currency, paymentMethod });
}

/**
 * Makes sure that no money of an order is kept, whether or not the charge's answer came. Safe to repeat.
 * @throws AnswerLost
 */
export async function refundOrder(gateway: PaymentGateway, state: SagaState): Promise<Refund> {
  const { orderId, amount, currency } = state;
  const taken = state.payment ?? state.charge;
  if (amount === 0) {
    return taken === undefined
      ? { outcome: 'voided', provider: noProvider, reference: null, refundReference: null }
      : { outcome: 'refunded', provider: noProvider, reference: taken.reference, refundReference: null };
  }
  if (taken !== undefined && taken.provider !== gateway.provider) {
    throw new Error(`${orderId} was paid through ${taken.provider}; ${gateway.provider} cannot give it back`);
  }
  return gateway.undo({ orderId, amount, currency, reference: taken?.reference });
}
