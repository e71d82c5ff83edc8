import {
  type CaptureRequest,
  type Charge,
  type ChargeRequest,
  type CompensationOutcome,
  type PaymentGateway,
  type RefundPartRequest,
  refundRefused,
} from './gateway.ts';

/** An order that costs nothing never reaches a provider. */
const noProvider = 'none';

/**
 * Charges an order, or holds its money when it is captured at shipment, or returns what became of that. Safe to repeat.
 * @throws PaymentDeclined, OutcomeUnknown
 */
export async function chargeOrder(
  gateway: PaymentGateway,
  { orderId, amount, currency, paymentMethod, captureAt }: ChargeRequest & { captureAt?: 'shipment' | undefined },
): Promise<Charge> {
  if (amount === 0) return { provider: noProvider, reference: orderId };
  const request = { orderId, amount, currency, paymentMethod };
  return captureAt === 'shipment' ? gateway.authorize(request) : gateway.charge(request);
}

/**
 * Captures an order's authorized charge, as far as it was not given up; voids it if nothing is left. Safe to repeat.
 * @throws CaptureRefused, OutcomeUnknown
 */
export async function captureOrder(
  gateway: PaymentGateway,
  { provider, ...request }: CaptureRequest & { provider: string },
): Promise<void> {
  checkProvider(gateway, request.orderId, provider);
  if (request.captureAmount !== 0) return await gateway.capture(request);
  const { orderId, amount, currency, reference } = request;
  await gateway.compensate({ orderId, amount, currency, reference, captureAt: 'shipment' });
}

/** An order whose money is given back; `charge` where one is known. */
export type OrderToRefund = Omit<ChargeRequest, 'paymentMethod'> & {
  charge: { provider: string; reference: string } | undefined;
  captureAt?: 'shipment' | undefined;
};

/**
 * Makes sure that no money of an order is kept, whether or not the charge was ever answered. Safe to repeat.
 * @throws OutcomeUnknown
 */
export async function refundOrder(
  gateway: PaymentGateway,
  { orderId, amount, currency, charge, captureAt }: OrderToRefund,
): Promise<CompensationOutcome> {
  if (amount === 0) {
    return charge === undefined
      ? { outcome: 'voided', provider: noProvider, reference: null, refundReference: null }
      : { outcome: 'refunded', provider: noProvider, reference: charge.reference, refundReference: null };
  }
  if (charge !== undefined) checkProvider(gateway, orderId, charge.provider);
  return gateway.compensate({ orderId, amount, currency, reference: charge?.reference, captureAt });
}

/**
 * Refunds a part of an order's payment, once per refund id. Safe to repeat.
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
    throw new Error(`${orderId} was paid through ${provider}; ${gateway.provider} cannot do anything with it`);
  }
}
