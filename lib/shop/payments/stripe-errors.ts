import { OutcomeUnknown } from '../../kernel/errors.ts';
import { type DeclineCode, declined } from './gateway.ts';

/** Stripe refused the request for a reason that has to do with neither the card nor the amount. */
export class StripeRefused extends Error {
  override readonly name = 'StripeRefused';
  readonly code: string;
  constructor(code: string, details: string) {
    super(`Stripe refused: ${code}${details}`);
    this.code = code;
  }
}

/** What an error of the `stripe` package and a `last_payment_error` have in common. */
type CardError = { code?: string | undefined; decline_code?: string | undefined };
type StripeFailure = Error &
  CardError & {
    rawType?: string;
    statusCode?: number;
    requestId?: string;
    param?: string;
    detail?: unknown;
    headers?: Record<string, string>;
  };

/**
 * What a failed call to Stripe means for the saga. Stripe's own messages are dropped, because they repeat parts of keys and
 * of what the customer typed. The request id finds them in Stripe's log.
 * @returns PaymentDeclined, OutcomeUnknown, or StripeRefused for what needs a person
 */
export function fromStripe(error: unknown): unknown {
  if (!isStripeFailure(error)) return error;
  const { statusCode, rawType, code = '', param = '' } = error;
  const details = `${param && ` ${param}`} (status ${statusCode ?? 'none'}, request ${error.requestId ?? 'unknown'})`;
  if (statusCode === undefined || statusCode >= 500 || statusCode === 429 || statusCode === 409 || waits.has(code)) {
    return new OutcomeUnknown(`Stripe did not answer: ${code || reasonOf(error)}${details}`);
  }
  if (statusCode === 402 || rawType === 'card_error') {
    return fromCardError(error);
  }
  if (amountCodes.has(code)) return declined('amount_invalid');
  if (isAboutPaymentMethod(code, param)) return declined('payment_method_invalid');
  return new StripeRefused(code || rawType || 'unknown', details);
}

/**
 * Whether Stripe replayed a failure that it keeps under the idempotency key and that a new call may not meet. Stripe keeps
 * an answer for at least a day "regardless of whether it succeeds or fails" (docs.stripe.com/api/idempotent_requests).
 */
export const isKeptFailure = (error: unknown): boolean =>
  isStripeFailure(error) &&
  saysReplayed(error.headers) &&
  ((error.statusCode ?? 0) >= 500 || passingRefusals.has(error.code ?? ''));

/** Whether Stripe replayed an answer that it keeps under the idempotency key. */
export const saysReplayed = (headers: Readonly<Record<string, string>> | undefined): boolean =>
  headers?.['idempotent-replayed'] === 'true';

/** What the answer of the card's bank means. A temporary trouble is worth another try. */
export function fromCardError(error: CardError): Error {
  const codes = [error.decline_code, error.code].filter((code) => code !== undefined);
  const passing = codes.find((code) => passingDeclines.has(code));
  if (passing !== undefined) return new OutcomeUnknown(`the card could not be charged just now: ${passing}`);
  for (const code of codes) {
    const known = declineCodes.get(code);
    if (known !== undefined) return declined(known);
  }
  return declined('card_declined');
}

/** Stripe's decline and error codes (docs.stripe.com/declines/codes) that say more than "declined". */
const declineCodes = new Map<string, DeclineCode>([
  ['insufficient_funds', 'insufficient_funds'],
  ['expired_card', 'expired_card'],
  ['incorrect_cvc', 'incorrect_cvc'],
  ['invalid_cvc', 'incorrect_cvc'],
  ['incorrect_number', 'incorrect_number'],
  ['invalid_number', 'incorrect_number'],
  ['invalid_expiry_month', 'payment_method_invalid'],
  ['invalid_expiry_year', 'payment_method_invalid'],
  ['card_not_supported', 'card_not_supported'],
  ['currency_not_supported', 'card_not_supported'],
  ['transaction_not_allowed', 'card_not_supported'],
  ['card_velocity_exceeded', 'limit_exceeded'],
  ['withdrawal_count_limit_exceeded', 'limit_exceeded'],
  ['authentication_required', 'authentication_required'],
  ['authentication_not_handled', 'authentication_required'],
  ['offline_pin_required', 'authentication_required'],
  ['online_or_offline_pin_required', 'authentication_required'],
  ['payment_intent_authentication_failure', 'authentication_failed'],
  ['authentication_failure', 'authentication_failed'],
  ['payment_intent_payment_attempt_expired', 'authentication_failed'],
  ['invalid_amount', 'amount_invalid'],
]);

const passingDeclines = new Set(['processing_error', 'issuer_not_available', 'try_again_later', 'reenter_transaction']);

/** Another request holds the same key or object, so Stripe did not process this one. */
const waits = new Set(['idempotency_key_in_use', 'lock_timeout', 'rate_limit']);

/** Refusals that pass with time. */
const passingRefusals = new Set(['balance_insufficient']);

const amountCodes = new Set([
  'amount_too_small',
  'amount_too_large',
  'invalid_charge_amount',
  'invalid_charge_amount_no_decimal_compatible',
]);

const paymentMethodCodes = new Set([
  'payment_method_unactivated',
  'payment_method_unexpected_state',
  'payment_method_unsupported_type',
  'payment_method_currency_mismatch',
  'payment_method_invalid_parameter',
  'payment_method_not_available',
  'payment_intent_incompatible_payment_method',
]);

const isAboutPaymentMethod = (code: string, param: string): boolean =>
  paymentMethodCodes.has(code) || (code === 'resource_missing' && param === 'payment_method');

const isStripeFailure = (error: unknown): error is StripeFailure => error instanceof Error && 'rawType' in error;

/** System error code of a connection that failed, such as ECONNREFUSED. */
function reasonOf({ detail }: StripeFailure): string {
  const code = detail instanceof Error && 'code' in detail ? detail.code : undefined;
  return typeof code === 'string' ? code : 'no connection';
}
