import type { Charge, Refund, SagaState } from '../../saga/state.ts';
import { type PaymentGateway, type RefundPartRequest, refundRefused } from './gateway.ts';

/** An order that costs nothing never reaches a provider. */
const noProvider = 'none';

/**
 * Charges an order, or tells what became of its charge. Safe to repeat. With an `action` in the answer the customer has
 * to act first, and nothing is taken yet.
 * @throws PaymentDeclined, OutcomeUnknown
 */
export async function chargeOrder(gateway: PaymentGateway, state: SagaState): Promise<Charge> {
  const { orderId, amount, currency, paymentMethod } = state;
  if (amount === 0) return { provider: noProvider, reference: orderId };
  return gateway.charge({ orderId, amount, currency, paymentMethod });
}

/**
 * Makes sure that no money of an order is kept, whether or not the charge's answer came. Safe to repeat.
 * @throws OutcomeUnknown
 */
export async function refundOrder(gateway: PaymentGateway, state: SagaState): Promise<Refund> {
  const { orderId, amount, currency } = state;
  const taken = state.payment ?? state.charge;
  if (amount === 0) {
    return taken === undefined
      ? { outcome: 'voided', provider: noProvider, reference: null, refundReference: null }
      : { outcome: 'refunded', provider: noProvider, reference: taken.reference, refundReference: null };
  }
  if (taken !== undefined) checkProvider(gateway, orderId, taken.provider);
  return gateway.compensation({ orderId, amount, currency, reference: taken?.reference });
}

/**
 * Gives a part of an order's payment back, once per refund id. Safe to repeat.
 * @throws RefundRefused, OutcomeUnknown
 */
export async function refundPartOfOrder(
  gateway: PaymentGateway,
  { provider, ...request }: RefundPartRequest & { provider: string },
): Promise<{ refundReference: string }> {
  if (provider === noProvider) throw refundRefused('nothing_captured');
  checkProvider(gateway, request.orderId, provider);
  return gateway.refundPart(request);
}

function checkProvider(gateway: PaymentGateway, orderId: string, provider: string): void {
  if (provider !== gateway.provider) {
    throw new Error(`${orderId} was paid through ${provider}; ${gateway.provider} cannot give it back`);
  }
}
