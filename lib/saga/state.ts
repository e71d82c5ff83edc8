import * as z from 'zod/mini';
import { amount, currency, id, timestamp } from '../contract/api/common.ts';
import { paymentAction } from '../contract/api/payment-action.ts';
import { redacted } from '../kernel/redact.ts';

/**
 * What starts an execution of infra/saga/order.asl.json; `payment` comes with `cancel` and `compensation` when money was taken,
 * and with `refund`, which gives `part` of it back; `attempt` with `compensation`: the how many-th that was run again it is.
 */
const input = {
  orderId: id('order'),
  intent: z.enum(['place', 'cancel', 'compensation', 'refund', 'refund-orphaned-charge']),
  attempt: z.optional(z.int().check(z.gte(1))),
  amount,
  currency,
  paymentMethod: z.string(),
  payment: z.optional(z.object({ id: z.optional(id('payment')), provider: z.string(), reference: z.string() })),
  part: z.optional(z.object({ id: id('refund'), amount, attempt: z.int() })),
};
export const sagaInput = z.object(input);
export type SagaInput = z.output<typeof sagaInput>;

/**
 * Result of ChargePayment. Provider `none` is an order that costs nothing; its reference is the order's id. With `action`
 * nothing is charged yet: the customer has to act first, and `waitSeconds` is how long the saga waits for it.
 */
export const charge = z.object({
  provider: z.string(),
  reference: z.string(),
  action: z.optional(paymentAction),
  waitSeconds: z.optional(z.int()),
});
export type Charge = z.output<typeof charge>;

/** Result of RefundPayment: `refunded` gave money back, `voided` made sure that none was and none can be taken. */
export const refund = z.object({
  outcome: z.enum(['refunded', 'voided']),
  provider: z.string(),
  reference: z.nullable(z.string()),
  refundReference: z.nullable(z.string()),
});
export type Refund = z.output<typeof refund>;

/** Result of AbandonOrder: whether the order turned out to be confirmed, its answer having been lost. */
export const abandonment = z.looseObject({ confirmed: z.boolean() });

/** Result of RefundPart. */
export const partRefund = z.object({ refundReference: z.string() });

/** What a `Catch` puts into the state: the error's name, and of a Lambda function JSON as its cause. */
export const caught = z.object({ Error: z.string(), Cause: z.optional(z.string()) });
export type Caught = z.output<typeof caught>;

/** What a step is handed: the input, and what the steps before it left under their names. */
export const sagaState = z.looseObject({
  ...input,
  reservation: z.optional(z.looseObject({ expiresAt: z.optional(timestamp) })),
  charge: z.optional(charge),
  confirmation: z.optional(z.unknown()),
  failure: z.optional(caught),
  abandonment: z.optional(abandonment),
  refund: z.optional(refund),
  release: z.optional(z.unknown()),
  compensationFailure: z.optional(caught),
  partRefund: z.optional(partRefund),
});
export type SagaState = z.output<typeof sagaState>;

/** Why a provider refuses, in the words that a customer is shown. Stable: shops translate by code. */
export const declines = {
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
} as const satisfies Record<string, string>;
export type DeclineCode = keyof typeof declines;

/**
 * Message of a `PaymentDeclined`. The state machine is given an error's name and message only, so the code stands in
 * front of the sentence.
 */
export const declineMessage = (code: DeclineCode): string => `${code}: ${declines[code]}.`;

/** Why a provider does not give a part of a charge back. Stable. */
export const refundRefusals = {
  more_than_is_left: 'More is asked for than is left of the payment',
  nothing_captured: 'No money was taken that could be given back',
  amount_invalid: 'The payment provider does not give back this amount in this currency',
  disputed: 'The card holder disputes the payment at the bank',
  not_refundable: 'The payment provider does not refund this payment',
  refund_failed: 'The bank did not take the money back',
} as const satisfies Record<string, string>;
export type RefundRefusalCode = keyof typeof refundRefusals;

/** Message of a `RefundRefused`, with its code in front as in `declineMessage`. */
export const refundRefusalMessage = (code: RefundRefusalCode): string => `${code}: ${refundRefusals[code]}.`;

/** Message of an `OutOfStock` that names what is missing. */
export const outOfStockMessage = (skus: readonly string[]): string => `Out of stock: ${skus.join(', ')}.`;

export const failureCodes = [
  'out-of-stock',
  'payment-declined',
  'payment-unknown',
  'payment-expired',
  'cancelled',
  'compensated',
  'compensation-failed',
] as const;
export type Failure = { code: (typeof failureCodes)[number]; detail: string };

/**
 * What a client is told of why an order did not go through, or could not be compensated; undefined when nothing failed.
 * Only sentences that are written here reach the client: never another error's message.
 */
export function failureOf(state: SagaState): Failure | undefined {
  const { failure, compensationFailure } = state;
  const compensated = compensationFailure === undefined;
  if (failure === undefined) {
    return compensated
      ? undefined
      : { code: 'compensation-failed', detail: 'The order is not compensated yet; we are looking into it.' };
  }
  switch (failure.Error) {
    case 'OutOfStock':
      return { code: 'out-of-stock', detail: outOfStockDetail(messageOf(failure)) };
    case 'PaymentDeclined': {
      const code = codeOf(messageOf(failure), declines, 'card_declined');
      return { code: 'payment-declined', detail: `${declines[code]} (${code}).` };
    }
    case 'PaymentActionExpired':
      return { code: 'payment-expired', detail: 'The payment was not completed in time; nothing was charged.' };
    case 'OrderNotActive':
      return { code: 'cancelled', detail: 'The order was cancelled before it was confirmed.' };
  }
  if (failure.Error === 'States.Timeout' && state.charge?.action !== undefined && compensated) {
    return { code: 'payment-expired', detail: 'The payment was not completed in time; no money is kept.' };
  }
  if (silences.has(failure.Error) && state.reservation !== undefined && state.charge === undefined) {
    const detail = 'The payment provider did not answer in time;';
    return compensated
      ? { code: 'payment-unknown', detail: `${detail} no money is kept.` }
      : { code: 'payment-unknown', detail: `${detail} we are finding out whether money was taken.` };
  }
  return compensated
    ? {
        code: 'compensated',
        detail: 'Something went wrong on our side; the order was compensated and no money is kept.',
      }
    : { code: 'compensated', detail: 'Something went wrong on our side; we are looking into it.' };
}

export type CompensationStep = 'AbandonOrder' | 'RefundPayment' | 'ReleaseStock' | 'CloseOrder';

/**
 * What a person is told of a compensation that could not finish: the steps that did not get through, the last error, and the
 * most that the provider may keep, in minor units (certain when it is known to keep exactly that).
 */
export type CompensationFailure = {
  steps: CompensationStep[];
  error: string;
  message: string;
  money: { amount: number; certain: boolean };
};

export function compensationFailureOf(state: SagaState): CompensationFailure {
  const { compensationFailure } = state;
  const steps = stepsNotDone(state);
  return {
    steps,
    error: redacted(compensationFailure?.Error ?? 'Unknown'),
    message: redacted(
      compensationFailure === undefined ? '' : messageOf(compensationFailure) || (compensationFailure.Cause ?? ''),
    ),
    money: moneyAtStake(state, steps),
  };
}

/** A compensation goes abandon, refund, release, close; a release is tried although the refund failed. */
function stepsNotDone(state: SagaState): CompensationStep[] {
  if (state.intent === 'place' && isTaken(state.charge) && state.abandonment === undefined) return ['AbandonOrder'];
  const steps: CompensationStep[] = [];
  if (mayHoldMoney(state) && state.refund === undefined) steps.push('RefundPayment');
  if (state.release === undefined) steps.push('ReleaseStock');
  return steps.length === 0 ? ['CloseOrder'] : steps;
}

function moneyAtStake(state: SagaState, steps: readonly CompensationStep[]): CompensationFailure['money'] {
  if (state.amount === 0 || state.refund !== undefined || !mayHoldMoney(state)) return { amount: 0, certain: true };
  const taken = state.payment !== undefined || isTaken(state.charge);
  const heard =
    !steps.includes('RefundPayment') || (steps.length === 1 && !silences.has(state.compensationFailure?.Error ?? ''));
  return { amount: state.amount, certain: taken && heard };
}

/** Whether the provider may have been asked for money without having refused it. */
const mayHoldMoney = ({ intent, failure, reservation }: SagaState): boolean =>
  intent !== 'place' || (reservation !== undefined && failure?.Error !== 'PaymentDeclined');

/** A charge on which the customer has to act first has taken nothing yet. */
const isTaken = (made: Charge | undefined): boolean => made !== undefined && made.action === undefined;

/** Errors that leave open whether the step's effect happened. */
const silences = new Set([
  'OutcomeUnknown',
  'DeadlineExceeded',
  'States.Timeout',
  'Lambda.Unknown',
  'Sandbox.Timedout',
]);

/** Message of the error that a Lambda function threw; empty when the cause is not its JSON. */
function messageOf({ Cause }: Caught): string {
  try {
    const message = (JSON.parse(Cause ?? '') as { errorMessage?: unknown } | null)?.errorMessage;
    return typeof message === 'string' ? message : '';
  } catch {
    return '';
  }
}

/** The code of a `RefundRefused`, which stands in front of its message. */
export const refusalCodeOf = (failure: Caught | undefined): RefundRefusalCode =>
  codeOf(failure === undefined ? '' : messageOf(failure), refundRefusals, 'not_refundable');

function codeOf<C extends string>(message: string, codes: Readonly<Record<C, unknown>>, otherwise: C): C {
  const code = message.slice(0, Math.max(0, message.indexOf(':')));
  return Object.hasOwn(codes, code) ? (code as C) : otherwise;
}

const outOfStockDetail = (message: string): string =>
  /^Out of stock: [A-Za-z0-9._-]{1,64}(, [A-Za-z0-9._-]{1,64}){0,49}\.$/.test(message)
    ? message
    : 'At least one product is out of stock.';
