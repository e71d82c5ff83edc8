/**
 * A business refusal in the order saga. It is final: the state machine never retries it. The state machine's `Catch`
 * clauses match on `name`, so the names are part of the contract.
 */
export abstract class SagaRefusal extends Error {
  abstract override readonly name: string;
}

/** At least one line asks for more than is available. Nothing was reserved. */
export class OutOfStock extends SagaRefusal {
  override readonly name = 'OutOfStock';
}

/** The payment provider declined the charge. Nothing was charged. */
export class PaymentDeclined extends SagaRefusal {
  override readonly name = 'PaymentDeclined';
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** The payment provider refuses this partial refund. Nothing was refunded under its id, and nothing will be. */
export class RefundRefused extends SagaRefusal {
  override readonly name = 'RefundRefused';
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** The order was cancelled or is being compensated, so its saga must not go forward. */
export class OrderNotActive extends SagaRefusal {
  override readonly name = 'OrderNotActive';
}

/** The order's stock reservation has expired or was released. */
export class ReservationLost extends SagaRefusal {
  override readonly name = 'ReservationLost';
}

/** The customer did not act on the payment in time. */
export class PaymentActionExpired extends SagaRefusal {
  override readonly name = 'PaymentActionExpired';
}

/** An external system did not answer in time, so the outcome of the request is unknown. Repeating it is safe. */
export class OutcomeUnknown extends Error {
  override readonly name = 'OutcomeUnknown';
}

/** A dependency that the request needs did not answer, or is overloaded. */
export class DependencyUnavailable extends Error {
  override readonly name = 'DependencyUnavailable';
  readonly dependency: 'database' | 'sessions' | 'states' | 'payments' | 'identity';
  constructor(dependency: DependencyUnavailable['dependency'], options?: ErrorOptions) {
    super(`${dependency} did not answer`, options);
    this.dependency = dependency;
  }
}
