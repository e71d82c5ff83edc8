import type Stripe from 'stripe';
import { PaymentDeclined } from '../../kernel/errors.ts';
import type { ProviderCharge, ProviderCharges, TransactionsRequest } from './gateway.ts';
import { fromStripeAmount } from './stripe-amount.ts';
import type { Call } from './stripe-calls.gateway.ts';
import { fromCardError } from './stripe-errors.ts';
import { type Intent, refundedOf } from './stripe-intents.gateway.ts';

/** The account's intents that were created within the time. */
export async function listCharges(call: Call, request: TransactionsRequest): Promise<ProviderCharges> {
  const page = await call((stripe, options) =>
    stripe.paymentIntents.list({ ...pageOf(request), expand: ['data.latest_charge'] }, options),
  );
  return answer(page, page.data.map(toProviderCharge));
}

/** The intents of the refunds that were created within the time. A charge without an intent belongs to no order. */
export async function listRefunded(call: Call, request: TransactionsRequest): Promise<ProviderCharges> {
  const page = await call((stripe, options) =>
    stripe.refunds.list({ ...pageOf(request), expand: ['data.payment_intent.latest_charge'] }, options),
  );
  const intents = page.data.flatMap(({ payment_intent: intent }) =>
    typeof intent === 'object' && intent !== null ? [intent] : [],
  );
  return answer(page, intents.map(toProviderCharge));
}

/** Stripe filters by whole seconds: these are the seconds that begin within the time. */
const pageOf = ({ from, to, cursor }: TransactionsRequest) => ({
  created: { gte: Math.ceil(from / 1000), lt: Math.ceil(to / 1000) },
  limit: 100,
  ...(cursor === undefined ? {} : { starting_after: cursor }),
});

function answer(
  { data, has_more: hasMore }: Stripe.ApiList<{ id: string }>,
  charges: ProviderCharge[],
): ProviderCharges {
  const last = data.at(-1)?.id;
  return hasMore && last !== undefined ? { charges, cursor: last } : { charges };
}

function toProviderCharge(intent: Intent): ProviderCharge {
  const currency = intent.currency.toUpperCase();
  const status = statusOf(intent);
  const captured = status === 'captured';
  return {
    orderId: intent.metadata.orderId || null,
    reference: intent.id,
    status,
    // Less than the intent's may be captured by hand, in Stripe's dashboard.
    amount: fromStripeAmount(captured ? intent.amount_received : intent.amount, currency),
    // Stripe shows a voided authorization as refunded.
    refundedAmount: captured ? fromStripeAmount(refundedOf(intent), currency) : 0,
    currency,
    createdAt: intent.created * 1000,
  };
}

function statusOf({ status, last_payment_error: failure }: Intent): ProviderCharge['status'] {
  switch (status) {
    case 'succeeded':
      return 'captured';
    case 'requires_capture':
      return 'authorized';
    case 'canceled':
      return 'voided';
    case 'requires_payment_method':
      return failure !== null && fromCardError(failure) instanceof PaymentDeclined ? 'declined' : 'pending';
    default:
      return 'pending';
  }
}
