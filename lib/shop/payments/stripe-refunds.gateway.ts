import type Stripe from 'stripe';
import type { RefundRefusalCode } from '../../contract/api/refunds.ts';
import { PaymentDeclined } from '../../kernel/errors.ts';
import { ChargeDiffers, type RefundPartRequest, refundRefused } from './gateway.ts';
import { toStripeAmount } from './stripe-amount.ts';
import type { Call } from './stripe-calls.gateway.ts';
import { StripeRefused } from './stripe-errors.ts';
import { checkSame, type Intent, refundedOf, retrieve } from './stripe-intents.gateway.ts';

/** Refunds what is left of the intent's money. @returns the id of the refund */
export async function refundRest(call: Call, orderId: string, { id }: Intent): Promise<string> {
  try {
    const made = await call(
      (stripe, options) => stripe.refunds.create({ payment_intent: id, metadata: { orderId } }, options),
      `${orderId}:refund`,
    );
    if (!isStanding(made)) throw new Error(`refund ${made.id} is ${made.status}`);
    return made.id;
  } catch (error) {
    if (!(error instanceof StripeRefused && error.code === 'charge_already_refunded')) throw error;
  }
  const known = await findRefund(call, id, isStanding);
  if (known === undefined) throw new Error(`${id} is refunded without a refund`);
  return known.id;
}

/**
 * Refunds a part of an intent's money. The refund's id is in its metadata, because Stripe drops keys after a day and this
 * may be repeated later than that.
 */
export async function refundPart(call: Call, request: RefundPartRequest): Promise<{ refundReference: string }> {
  const { orderId, refundId, currency, reference } = request;
  const amount = stripeAmountOf(request);
  const known = await findRefund(call, reference, ({ metadata }) => metadata?.refundId === refundId);
  if (known !== undefined) return answer(known, request, amount);
  const intent = await retrieve(call, reference);
  checkSame(intent, { orderId, currency });
  checkLeft(intent, amount);
  try {
    const made = await call(
      (stripe, options) =>
        stripe.refunds.create({ payment_intent: reference, amount, metadata: { orderId, refundId } }, options),
      `${orderId}:refund:${refundId}`,
    );
    return answer(made, request, amount);
  } catch (error) {
    if (!(error instanceof StripeRefused || error instanceof PaymentDeclined)) throw error;
    // Another refund may have been made between the check and the request.
    checkLeft(await retrieve(call, reference), amount);
    const refusal = refusals.get(error.code);
    throw refusal === undefined ? error : refundRefused(refusal);
  }
}

/** Stripe's codes for refunds that it refuses for good. */
const refusals = new Map<string, RefundRefusalCode>([
  ['charge_already_refunded', 'more_than_is_left'],
  ['charge_disputed', 'disputed'],
  ['refund_disputed_payment', 'disputed'],
  ['charge_not_refundable', 'not_refundable'],
  ['amount_invalid', 'amount_invalid'],
]);

function stripeAmountOf({ amount, currency }: RefundPartRequest): number {
  try {
    return toStripeAmount(amount, currency);
  } catch (error) {
    throw error instanceof PaymentDeclined ? refundRefused('amount_invalid') : error;
  }
}

/** @throws RefundRefused */
function checkLeft(intent: Intent, amount: number): void {
  if (intent.status !== 'succeeded') throw refundRefused('nothing_captured');
  if (amount > intent.amount_received - refundedOf(intent)) throw refundRefused('more_than_is_left');
}

/** @throws RefundRefused when the bank returned the money; ChargeDiffers when the refund of this id has another amount */
function answer(made: Stripe.Refund, { orderId, refundId }: RefundPartRequest, amount: number) {
  if (made.metadata?.orderId !== orderId) {
    throw new ChargeDiffers(orderId, `in ${refundId} the order`, orderId, made.metadata?.orderId);
  }
  if (made.amount !== amount) throw new ChargeDiffers(orderId, `in ${refundId} the amount`, amount, made.amount);
  if (!isStanding(made)) throw refundRefused('refund_failed');
  return { refundReference: made.id };
}

/** The newest refund of an intent that `fits`. */
async function findRefund(
  call: Call,
  id: string,
  fits: (refund: Stripe.Refund) => boolean,
): Promise<Stripe.Refund | undefined> {
  let after: string | undefined;
  for (;;) {
    const page = await call((stripe, options) =>
      stripe.refunds.list(
        { payment_intent: id, limit: 100, ...(after === undefined ? {} : { starting_after: after }) },
        options,
      ),
    );
    const found = page.data.find(fits);
    after = page.data.at(-1)?.id;
    if (found !== undefined || !page.has_more || after === undefined) return found;
  }
}

const isStanding = ({ status }: Stripe.Refund): boolean => status !== 'failed' && status !== 'canceled';
