import { PaymentDeclined } from '../../kernel/errors.ts';
import { type CaptureRequest, captureRefused } from './gateway.ts';
import { toStripeAmount } from './stripe-amount.ts';
import type { Call } from './stripe-calls.gateway.ts';
import { StripeRefused } from './stripe-errors.ts';
import { checkSame, type Intent, retrieve } from './stripe-intents.gateway.ts';

/** How long an authorization is taken to last when Stripe does not say: shorter than that of any card, in seconds. */
const shortestHold = 4 * 24 * 3600;

/** When Stripe drops an authorization, in RFC 3339: `capture_before` of its charge, which must be expanded. */
export function expiryOf({ latest_charge: charge, created }: Intent): string {
  const details = typeof charge === 'object' ? charge?.payment_method_details : undefined;
  return new Date((details?.card?.capture_before ?? created + shortestHold) * 1000).toISOString();
}

/**
 * Captures an intent, or a part of it, and then Stripe gives up the rest. The attempt is in the key, because Stripe would replay a refusal to the attempt that a
 * person asks for later. That is safe: an intent is captured at most once.
 */
export async function capture(call: Call, request: CaptureRequest): Promise<void> {
  const { orderId, captureAmount, currency, reference, attempt } = request;
  const part = captureAmount === undefined ? {} : { amount_to_capture: toStripeAmount(captureAmount, currency) };
  const intent = await retrieve(call, reference);
  checkSame(intent, request);
  if (intent.status !== 'requires_capture') return settle(intent);
  try {
    const captured = await call(
      (stripe, options) => stripe.paymentIntents.capture(reference, part, options),
      `${orderId}:capture:${attempt}`,
    );
    return settle(captured);
  } catch (error) {
    if (!(error instanceof StripeRefused || error instanceof PaymentDeclined)) throw error;
    // Another call may have captured or cancelled it between the look and the request.
    const now = await retrieve(call, reference);
    if (now.status !== 'requires_capture') return settle(now);
    if (error instanceof PaymentDeclined) throw captureRefused('card_declined');
    throw captureRefused(expired.has(error.code) ? 'authorization_expired' : 'not_capturable');
  }
}

const expired = new Set(['charge_expired_for_capture', 'capture_charge_authorization_expired']);

/** @throws CaptureRefused unless the intent was captured */
function settle({ status, cancellation_reason: reason }: Intent): void {
  if (status === 'succeeded') return;
  throw captureRefused(
    status === 'canceled' && (reason === 'automatic' || reason === 'expired')
      ? 'authorization_expired'
      : 'not_authorized',
  );
}
