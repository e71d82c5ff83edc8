/** Every problem the API answers with (RFC 9457), by code. The code is the last segment of `type`. */
export const problems = {
  'bad-request': { status: 400, title: 'The request is not well-formed' },
  'invalid-json': { status: 400, title: 'The body is not valid JSON' },
  'invalid-input': { status: 400, title: 'Some of the input is not valid' },
  'invalid-cursor': { status: 400, title: 'The cursor is not one that this list gave' },
  'idempotency-key-missing': { status: 400, title: 'This operation needs an Idempotency-Key' },
  'idempotency-key-invalid': { status: 400, title: 'The Idempotency-Key is not valid' },
  'token-invalid': { status: 400, title: 'The token is not valid' },
  'webhook-signature-invalid': { status: 400, title: 'The signature of the event is not valid' },
  unauthenticated: { status: 401, title: 'Credentials are missing or not valid' },
  'invalid-credentials': { status: 401, title: 'E-mail or password is wrong' },
  'scopes-exceeded': { status: 403, title: 'An application cannot give what it has not' },
  'id-token-invalid': { status: 401, title: 'The id token is not valid here' },
  forbidden: { status: 403, title: 'These credentials do not allow this' },
  'not-found': { status: 404, title: 'There is no such thing, or it is not yours' },
  'route-not-found': { status: 404, title: 'There is no such endpoint' },
  'method-not-allowed': { status: 405, title: 'This endpoint does not know the method' },
  'identity-not-linked': { status: 409, title: 'The identity belongs to no customer yet, and cannot be matched' },
  'identity-taken': { status: 409, title: 'The identity is linked to another customer' },
  'sku-taken': { status: 409, title: 'A product with this SKU exists already' },
  'request-in-flight': { status: 409, title: 'The first request with this Idempotency-Key is still being worked on' },
  'stock-reserved': { status: 409, title: 'Stock cannot fall below what is reserved' },
  'order-ended': { status: 409, title: 'The order has already ended' },
  'order-not-in-review': { status: 409, title: 'The order does not wait in manual review' },
  'outcome-does-not-fit': { status: 409, title: 'The order cannot end like this' },
  'order-too-late-to-cancel': { status: 409, title: 'It is too late to cancel this order' },
  'payment-not-waiting': { status: 409, title: 'The payment does not wait for its customer' },
  'order-not-refundable': { status: 409, title: 'There is no payment of this order to refund' },
  'refund-too-large': { status: 409, title: 'The refund is larger than what is left of the payment' },
  'own-application': { status: 409, title: 'An application cannot do this to itself' },
  'too-many-applications': { status: 409, title: 'There are as many applications as there may be' },
  'too-many-keys': { status: 409, title: 'The application has as many keys as it may have' },
  'kind-has-no-keys': { status: 409, title: 'Applications of this kind have no keys' },
  'identity-client-taken': { status: 409, title: 'This client of the identity provider is taken' },
  'version-stale': { status: 412, title: 'The resource has changed since it was read' },
  'body-too-large': { status: 413, title: 'The body is too large' },
  'unsupported-media-type': { status: 415, title: 'The body must be application/json' },
  'idempotency-key-reused': { status: 422, title: 'This Idempotency-Key was used for a different request' },
  'product-not-available': { status: 422, title: 'A product in the order is unknown or not on sale' },
  'currencies-mixed': { status: 422, title: 'All lines of an order must have one currency' },
  'amount-too-large': { status: 422, title: 'The order is larger than this shop takes' },
  'sign-in-locked': { status: 429, title: 'Too many failed sign-ins' },
  'rate-limited': { status: 429, title: 'Too many requests' },
  'too-many-at-once': { status: 429, title: 'Too many such requests at the same time' },
  internal: { status: 500, title: 'Something went wrong on our side' },
  unavailable: { status: 503, title: 'A part of the service is not answering' },
} as const satisfies Record<string, { status: number; title: string }>;

export type ProblemCode = keyof typeof problems;

/** One piece of input that is not valid: a JSON pointer (RFC 6901) into the body, or `?name` / `header-name`. */
export type InputError = { pointer: string; detail: string };

/** Where problem types are explained; `type` is this plus the code. */
export const problemTypeBase = 'https://counterfoil.dev/problems/';

/** Thrown anywhere below a handler to answer with this problem. What it carries is shown to the client. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly code: ProblemCode;
  readonly errors: InputError[] | undefined;
  readonly headers: Record<string, string>;

  constructor(
    code: ProblemCode,
    detail: string,
    options: ErrorOptions & { errors?: InputError[]; headers?: Record<string, string> } = {},
  ) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.errors = options.errors;
    this.headers = options.headers ?? {};
  }

  get status(): number {
    return problems[this.code].status;
  }
}
