/**
 * Refusals of the order saga. Their `name` is what a `Catch` in the state machine matches, so it is part of the
 * contract: a business refusal is final and never retried.
 */
export abstract class SagaRefusal extends Error {
  abstract override readonly name: string;
}

/** At least one line asks for more than is free. Nothing was reserved. */
export class OutOfStock extends SagaRefusal {
  override readonly name = 'OutOfStock';
}

/** The provider said no. Nothing was charged. */
export class PaymentDeclined extends SagaRefusal {
  override readonly name = 'PaymentDeclined';
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** The provider does not give this part of a charge back. Nothing was given back under its id, now or later. */
export class RefundRefused extends SagaRefusal {
  override readonly name = 'RefundRefused';
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** The customer or a compensation got there first: this order does not go forward any more. */
export class OrderNotActive extends SagaRefusal {
  override readonly name = 'OrderNotActive';
}

/** The reservation that the order needs is gone. */
export class ReservationLost extends SagaRefusal {
  override readonly name = 'ReservationLost';
}

/** The customer did not act on the payment in time. */
export class PaymentActionExpired extends SagaRefusal {
  override readonly name = 'PaymentActionExpired';
}

/** A thing outside did not answer in time, so whether its effect happened is unknown. Asking again is safe. */
export class OutcomeUnknown extends Error {
  override readonly name = 'OutcomeUnknown';
}

/** A part that the request needs is away. */
export class DependencyUnavailable extends Error {
  override readonly name = 'DependencyUnavailable';
  readonly part: 'database' | 'sessions' | 'states' | 'payments' | 'identity';
  constructor(part: DependencyUnavailable['part'], options?: ErrorOptions) {
    super(`${part} did not answer`, options);
    this.part = part;
  }
}
