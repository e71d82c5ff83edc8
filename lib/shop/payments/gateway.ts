import type { PaymentAction } from '../../contract/api/payment-action.ts';
import type { RefundRefusalCode } from '../../contract/api/refunds.ts';
import { CaptureRefused, PaymentDeclined, RefundRefused } from '../../kernel/errors.ts';

/** `amount` in minor units of `currency`, above 0. */
export type ChargeRequest = { orderId: string; amount: number; currency: string; paymentMethod: string };

/**
 * A charge. `reference` is the provider's id of it. With an `action` nothing is charged yet: the customer has to act
 * first. With an `authorization` the money is held until `expiresAt` (RFC 3339) and nothing is taken yet. Provider `none`
 * stands for an order that costs nothing; its reference is the order's id.
 */
export type Charge = {
  provider: string;
  reference: string;
  action?: PaymentAction | undefined;
  authorization?: { expiresAt: string } | undefined;
};

/**
 * `amount` and `reference` are the authorized charge's; `captureAmount` is what of it is taken, above 0, and absent for the
 * whole; `attempt`, from 1, tells a new try from a repeated delivery of the last.
 */
export type CaptureRequest = {
  orderId: string;
  amount: number;
  captureAmount?: number | undefined;
  currency: string;
  reference: string;
  attempt: number;
};

/** `reference` is the charge's, where it is known. `captureAt` is the order's: without it, the charge is no authorization. */
export type CompensationRequest = {
  orderId: string;
  amount: number;
  currency: string;
  reference?: string | undefined;
  captureAt?: 'shipment' | undefined;
};

/** How a charge was compensated: `refunded` returned money, `voided` made sure that none was taken and none can be. */
export type CompensationOutcome = {
  outcome: 'refunded' | 'voided';
  provider: string;
  reference: string | null;
  refundReference: string | null;
};

/** `amount` is the part, in minor units of `currency`, above 0; `reference` is the charge's. */
export type RefundPartRequest = {
  orderId: string;
  refundId: string;
  amount: number;
  currency: string;
  reference: string;
};

/** A page of the provider's transactions: `from` ≤ time < `to`, in milliseconds since the epoch. */
export type TransactionsRequest = { from: number; to: number; cursor?: string | undefined };

/**
 * One charge as the provider has it now, amounts in minor units (ISO 4217), times in milliseconds since the epoch.
 * `orderId` is null when the charge is not ours: other products may use the same account. `captured` stays after a
 * refund, and `refundedAmount` says how much was refunded. A `pending` charge may still be captured, a `declined` one
 * only when it is tried again, a `voided` one never. An `authorized` one is held and not captured; `amount` is what is held,
 * and of a captured one what was taken.
 */
export type ProviderCharge = {
  orderId: string | null;
  reference: string;
  status: 'authorized' | 'captured' | 'pending' | 'declined' | 'voided';
  amount: number;
  refundedAmount: number;
  currency: string;
  createdAt: number;
};

/** Without a `cursor` this was the last page. A page may be empty and not the last. */
export type ProviderCharges = { charges: ProviderCharge[]; cursor?: string | undefined };

/** A payment provider as the order saga uses it: one charge an order, and the ways to refund it. */
export type PaymentGateway = {
  readonly provider: 'simulated' | 'stripe';
  /**
   * Charges once per order. A repeated call returns what became of that charge. With an `action` the charge waits for
   * the customer and nothing is captured yet. An order that was compensated is never charged.
   * @throws PaymentDeclined final, and nothing can be captured any more; OutcomeUnknown when the provider did not answer
   */
  charge(request: ChargeRequest): Promise<Charge>;
  /**
   * Holds the money of an order once, to be captured later; otherwise as `charge`. A repeated call returns what became of
   * it, captured meanwhile or not.
   * @throws PaymentDeclined final, and nothing can be taken any more; OutcomeUnknown when the provider did not answer
   */
  authorize(request: ChargeRequest): Promise<Charge>;
  /**
   * Takes an authorized charge, once: the whole, or a part, and then the rest is given up. A charge that is captured already is a success.
   * @throws CaptureRefused nothing was taken; OutcomeUnknown when the provider did not answer in time
   */
  capture(request: CaptureRequest): Promise<void>;
  /**
   * Makes sure that no money of this order is kept and that none can be taken later. Refunds what is left of a captured
   * charge, voids an authorized one, ends an unfinished one, and forbids one that never reached the provider. A repeated call returns the first
   * answer.
   * @throws OutcomeUnknown when the provider did not answer in time
   */
  compensate(request: CompensationRequest): Promise<CompensationOutcome>;
  /**
   * Refunds a part of a captured charge, once per `refundId`. A repeated call returns the first answer.
   * @throws RefundRefused final; OutcomeUnknown when the provider did not answer in time
   */
  refundPart(request: RefundPartRequest): Promise<{ refundReference: string }>;
  /**
   * The provider's charges by the time at which they were made, in no order.
   * @throws OutcomeUnknown when the provider did not answer in time
   */
  listCharges(request: TransactionsRequest): Promise<ProviderCharges>;
  /**
   * The charges whose latest refund was made within the time, however old they are, as they are now. One may be listed
   * more than once.
   * @throws OutcomeUnknown when the provider did not answer in time
   */
  listRefunded(request: TransactionsRequest): Promise<ProviderCharges>;
};

/** Why a charge is declined. Stable: shops translate by code. */
export const declineCodes = [
  'card_declined',
  'insufficient_funds',
  'expired_card',
  'incorrect_cvc',
  'incorrect_number',
  'card_not_supported',
  'limit_exceeded',
  'authentication_required',
  'authentication_failed',
  'payment_method_invalid',
  'amount_invalid',
  /** The order was compensated before it was charged. */
  'charge_voided',
] as const;
export type DeclineCode = (typeof declineCodes)[number];

export const declined = (code: DeclineCode): PaymentDeclined => new PaymentDeclined(code);

export const refundRefused = (code: RefundRefusalCode): RefundRefused => new RefundRefused(code);

/** Why an authorized charge cannot be captured. */
export const captureRefusalCodes = [
  'authorization_expired',
  'card_declined',
  /** The charge was voided, or never authorized. */
  'not_authorized',
  'not_capturable',
] as const;
export type CaptureRefusalCode = (typeof captureRefusalCodes)[number];

export const captureRefused = (code: CaptureRefusalCode): CaptureRefused => new CaptureRefused(code);

/** The provider has another charge than the one that was asked about. Nothing was done. */
export class ChargeDiffers extends Error {
  override readonly name = 'ChargeDiffers';
  constructor(orderId: string, what: string, expected: unknown, actual: unknown) {
    super(`the charge of ${orderId} has ${what} ${actual}, not ${expected}`);
  }
}

/** The provider has no charge under the reference of a compensation or a refund. */
export class ChargeUnknown extends Error {
  override readonly name = 'ChargeUnknown';
  constructor(orderId: string, reference: string) {
    super(`the provider knows no charge ${reference} of ${orderId}`);
  }
}

/** This charge does not wait for its customer, or does not wait any more. */
export class ChargeNotWaiting extends Error {
  override readonly name = 'ChargeNotWaiting';
  readonly status: string;
  constructor(orderId: string, status: string) {
    super(`the charge of ${orderId} does not wait for its customer: it is ${status}`);
    this.status = status;
  }
}
