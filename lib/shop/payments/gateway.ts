import { PaymentDeclined, RefundRefused } from '../../kernel/errors.ts';
import {
  type Charge,
  type DeclineCode,
  declineMessage,
  type Refund,
  type RefundRefusalCode,
  refundRefusalMessage,
} from '../../saga/state.ts';

/** `amount` in minor units of `currency`, above 0. */
export type ChargeRequest = { orderId: string; amount: number; currency: string; paymentMethod: string };

/** `reference` is what the charge answered, where it did. */
export type CompensationRequest = { orderId: string; amount: number; currency: string; reference?: string | undefined };

/** `amount` is the part, in minor units of `currency`, above 0; `reference` is what the charge answered. */
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
 * `orderId` is null when the charge is not ours: other products may use the same account. `captured` stays when money
 * goes back, and `refundedAmount` says how much; `pending` may still be captured, `declined` only when it is tried anew,
 * `voided` never.
 */
export type ProviderCharge = {
  orderId: string | null;
  reference: string;
  status: 'captured' | 'pending' | 'declined' | 'voided';
  amount: number;
  refundedAmount: number;
  currency: string;
  createdAt: number;
};

/** Without a `cursor` this was the last page; a page may be empty and not the last. */
export type ProviderCharges = { charges: ProviderCharge[]; cursor?: string | undefined };

/** A payment provider as the order saga uses it: one charge an order, and the ways back. */
export type PaymentGateway = {
  readonly provider: 'simulated' | 'stripe';
  /**
   * Charges once per order: asked again, it tells what became of that charge. With an `action` the charge waits for the
   * customer and nothing is captured yet. An order that was compensated is never charged.
   * @throws PaymentDeclined final, and nothing can be captured any more; OutcomeUnknown when the provider did not answer
   */
  charge(request: ChargeRequest): Promise<Charge>;
  /**
   * Makes sure that no money of this order is kept and that none can be taken later: gives back what is kept of a
   * captured charge, ends an unfinished one, and forbids one that never reached the provider. Asked again, it gives the
   * first answer.
   * @throws OutcomeUnknown when the provider did not answer in time
   */
  compensation(request: CompensationRequest): Promise<Refund>;
  /**
   * Gives a part of a captured charge back, once per `refundId`: asked again, it gives the first answer.
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

/** A refusal in the form in which it survives the way through the state machine. */
export const declined = (code: DeclineCode): PaymentDeclined => new PaymentDeclined(code, declineMessage(code));

/** As `declined`, of a refund. */
export const refundRefused = (code: RefundRefusalCode): RefundRefused =>
  new RefundRefused(code, refundRefusalMessage(code));

/** The charge that the provider knows is not the one that is asked about. Nothing was done. */
export class ChargeDiffers extends Error {
  override readonly name = 'ChargeDiffers';
  constructor(orderId: string, what: string, expected: unknown, actual: unknown) {
    super(`the charge of ${orderId} has ${what} ${actual}, not ${expected}`);
  }
}

/** There is no charge under the reference that a compensation or a refund was given. */
export class ChargeUnknown extends Error {
  override readonly name = 'ChargeUnknown';
  constructor(orderId: string, reference: string) {
    super(`the provider knows no charge ${reference} of ${orderId}`);
  }
}

/** The customer has nothing to do for this charge, or did something else already. */
export class ChargeNotWaiting extends Error {
  override readonly name = 'ChargeNotWaiting';
  readonly status: string;
  constructor(orderId: string, status: string) {
    super(`the charge of ${orderId} does not wait for its customer: it is ${status}`);
    this.status = status;
  }
}
