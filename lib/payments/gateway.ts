import { type Charge, type DeclineCode, declineMessage, type Refund } from '../contract/saga.ts';
import { PaymentDeclined } from '../kernel/errors.ts';

/** `amount` in minor units of `currency`, above 0. */
export type ChargeRequest = { orderId: string; amount: number; currency: string; paymentMethod: string };

/** `reference` is what the charge answered, where it did. */
export type UndoRequest = { orderId: string; amount: number; currency: string; reference?: string | undefined };

/** A payment provider as the order saga uses it: one charge an order, and one way back. */
export type PaymentGateway = {
  readonly provider: 'simulated' | 'stripe';
  /**
   * Charges once per order: asked again, it gives the first answer. An order that was undone is never charged.
   * @throws PaymentDeclined final; AnswerLost when the provider did not answer in time
   */
  charge(request: ChargeRequest): Promise<Charge>;
  /**
   * Makes sure that no money of this order is kept and that none can be taken later: refunds a captured charge, ends
   * an unfinished one, and forbids one that never reached the provider. Asked again, it gives the first answer.
   * @throws AnswerLost when the provider did not answer in time
   */
  undo(request: UndoRequest): Promise<Refund>;
};

/** A refusal in the form in which it survives the way through the state machine. */
export const declined = (code: DeclineCode): PaymentDeclined => new PaymentDeclined(code, declineMessage(code));

/** The charge that the provider knows is not the one that is asked about. Nothing was done. */
export class ChargeDiffers extends Error {
  override readonly name = 'ChargeDiffers';
  constructor(orderId: string, what: string, expected: unknown, actual: unknown) {
    super(`the charge of ${orderId} has ${what} ${actual}, not ${expected}`);
  }
}

/** There is no charge under the reference that an undo was given. */
export class ChargeUnknown extends Error {
  override readonly name = 'ChargeUnknown';
  constructor(orderId: string, reference: string) {
    super(`the provider knows no charge ${reference} of ${orderId}`);
  }
}
