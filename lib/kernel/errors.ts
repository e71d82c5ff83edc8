/**
 * Refusals of the order saga. A `Catch` in the state machine matches their `name`, so it is part of the contract: a
 * business refusal is final and never retried. A state machine passes on an error's name and message and nothing else,
 * so a refusal that carries data has it in its message.
 */
export abstract class SagaRefusal extends Error {
  abstract override readonly name: string;
}

/**
 * At least one line asks for more than is free. Nothing was reserved, and the order has failed. The message lists the SKUs
 * that are short. `repeated` says that an earlier delivery of the step had found it.
 */
export class OutOfStock extends SagaRefusal {
  override readonly name = 'OutOfStock';
  readonly repeated: boolean;
  constructor(skus: readonly string[], { repeated = false } = {}) {
    super(repeated ? 'out of stock, as an earlier delivery found' : `out of stock: ${skus.join(', ')}`);
    this.repeated = repeated;
  }
}

/** The provider declined the charge. Nothing was charged. The message is the code. */
export class PaymentDeclined extends SagaRefusal {
  override readonly name = 'PaymentDeclined';
  readonly code: string;
  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

/** The provider refused a partial refund. Nothing was refunded under its id, and nothing will be. The message is the code. */
export class RefundRefused extends SagaRefusal {
  override readonly name = 'RefundRefused';
  readonly code: string;
  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

/** The provider refused to capture an authorized payment. Nothing was taken. The message is the code. */
export class CaptureRefused extends SagaRefusal {
  override readonly name = 'CaptureRefused';
  readonly code: string;
  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

/** Nothing is charged yet: the customer has to act first, for instance authenticate at the bank. */
export class CustomerActionRequired extends SagaRefusal {
  override readonly name = 'CustomerActionRequired';
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
  readonly dependency: 'database' | 'cache' | 'sessions' | 'states' | 'payments' | 'identity' | 'warehouse' | 'files';
  constructor(dependency: DependencyUnavailable['dependency'], options?: ErrorOptions) {
    super(`${dependency} did not answer`, options);
    this.dependency = dependency;
  }
}

/** Errors of AWS are told apart by their names. */
export const isNamed = (error: unknown, ...names: readonly string[]): error is Error =>
  error instanceof Error && names.includes(error.name);
