import { type OrderFailureCode, orderFailureCodes } from '../contract/api/orders.ts';
import { type RefundRefusalCode, refundRefusalCodes } from '../contract/api/refunds.ts';
import { type DeclineCode, declineCodes } from '../shop/payments/gateway.ts';
import { type Caught, type CompensationState, leavesOpen, messageOf } from './state.ts';

/** Why an order failed or is in manual review, as its customer reads it. Codes are stable: shops translate by them. */
export type Failure = { code: OrderFailureCode; detail: string };

/**
 * Codes of what a saga could not do: all but the sweeper's, of an execution that ended without ending its order, and those of
 * confirmed orders whose payment is not captured.
 */
export const sagaFailureCodes = orderFailureCodes.filter(
  (code) => !['saga-ended', 'capture-failed', 'authorization-expiring'].includes(code),
);

const declineDetails: Readonly<Record<DeclineCode, string>> = {
  card_declined: 'The card was declined',
  insufficient_funds: 'The card has insufficient funds',
  expired_card: 'The card has expired',
  incorrect_cvc: 'The security code of the card is wrong',
  incorrect_number: 'The number of the card is wrong',
  card_not_supported: 'The card does not support this purchase',
  limit_exceeded: 'The purchase exceeds a limit of the card',
  authentication_required: 'The bank asks the card holder to authenticate',
  authentication_failed: 'The card holder did not authenticate',
  payment_method_invalid: 'The payment method is unknown or cannot be used',
  amount_invalid: 'The payment provider does not take this amount in this currency',
  charge_voided: 'The order was compensated before it was charged',
};

/** Of an order that was compensated for no reason that the customer could understand. */
export const compensated: Failure = {
  code: 'compensated',
  detail: 'The order could not be completed; no money is kept.',
};

/** Of an order whose compensation failed. */
export const compensationFailed: Failure = {
  code: 'compensation-failed',
  detail: 'The order is not compensated yet; we are looking into it.',
};

/** Of an order whose execution ended without ending it. */
export const sagaEnded: Failure = {
  code: 'saga-ended',
  detail: 'The order was left unfinished. Our staff are looking at it.',
};

/** Of a confirmed order whose authorized payment could not be captured. */
export const captureFailed: Failure = {
  code: 'capture-failed',
  detail: 'The payment could not be taken yet. Our staff are looking at it.',
};

/** Of a confirmed order that has not shipped and whose authorization ends soon. */
export const authorizationExpiring: Failure = {
  code: 'authorization-expiring',
  detail: 'The payment is held for a short time only. Our staff are looking at it.',
};

/** Of an order that a person compensated by hand. */
export const compensatedByHand: Failure = {
  code: 'compensated',
  detail: 'Our staff ended the order; no money is kept.',
};

/**
 * Why an order did not go through, or could not be compensated; undefined when nothing failed. A customer reads only
 * sentences of this file, never another error's message.
 */
export function failureOf(state: CompensationState): Failure | undefined {
  const { failure, compensationFailure } = state;
  const isCompensated = compensationFailure === undefined;
  if (failure === undefined) return isCompensated ? undefined : compensationFailed;
  switch (failure.Error) {
    case 'PaymentDeclined': {
      const code = codeIn(failure, declineCodes) ?? 'card_declined';
      return { code: 'payment-declined', detail: `${declineDetails[code]} (${code}).` };
    }
    case 'PaymentActionExpired':
      return { code: 'payment-expired', detail: 'The payment was not completed in time; nothing was charged.' };
    case 'OrderNotActive':
      return { code: 'cancelled', detail: 'The order was cancelled before it was confirmed.' };
  }
  if (failure.Error === 'States.Timeout' && state.charge?.action !== undefined && isCompensated) {
    return { code: 'payment-expired', detail: 'The payment was not completed in time; no money is kept.' };
  }
  if (leavesOpen(failure.Error) && state.reservation !== undefined && state.charge === undefined) {
    const detail = 'The payment provider did not answer in time;';
    return isCompensated
      ? { code: 'payment-unknown', detail: `${detail} no money is kept.` }
      : { code: 'payment-unknown', detail: `${detail} we are finding out whether money was taken.` };
  }
  return isCompensated
    ? {
        code: 'compensated',
        detail: 'Something went wrong on our side; the order was compensated and no money is kept.',
      }
    : { code: 'compensated', detail: 'Something went wrong on our side; we are looking into it.' };
}

/** The code of a partial refund that the provider refused. */
export const refusalCodeOf = (failure: Caught | undefined): RefundRefusalCode =>
  (failure && codeIn(failure, refundRefusalCodes)) ?? 'not_refundable';

/** The code that a refusal carries as its message. */
const codeIn = <C extends string>(failure: Caught, codes: readonly C[]): C | undefined =>
  codes.find((code) => code === messageOf(failure));
