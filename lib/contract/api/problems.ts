/** Every problem the API answers with (RFC 9457), by code. The code is the last segment of `type`. */
export const problems = {
  'bad-request': { status: 400, title: 'The request is not well-formed' },
  'invalid-json': { status: 400, title: 'The body is not valid JSON' },
  'invalid-input': { status: 400, title: 'Some of the input is not valid' },
  'invalid-cursor': { status: 400, title: 'The cursor does not belong to this list' },
  'idempotency-key-missing': { status: 400, title: 'This operation needs an Idempotency-Key' },
  'idempotency-key-invalid': { status: 400, title: 'The Idempotency-Key is not valid' },
  'token-invalid': { status: 400, title: 'The token is not valid' },
  'webhook-signature-invalid': { status: 400, title: 'The signature of the event is not valid' },
  unauthenticated: { status: 401, title: 'Credentials are missing or not valid' },
  'sign-in-again': { status: 401, title: 'This needs a recent sign-in' },
  'customer-suspended': { status: 403, title: 'The account is suspended' },
  'invalid-credentials': { status: 401, title: 'E-mail or password is wrong' },
  'scopes-exceeded': { status: 403, title: 'An application can only grant scopes it has' },
  'owners-application': { status: 403, title: 'Only an application of the shop’s owner can do this' },
  'id-token-invalid': { status: 401, title: 'The id token is not valid here' },
  forbidden: { status: 403, title: 'These credentials do not allow this' },
  'not-found': { status: 404, title: 'The resource does not exist, or is not yours' },
  'route-not-found': { status: 404, title: 'The endpoint does not exist' },
  'method-not-allowed': { status: 405, title: 'The endpoint does not support this method' },
  'not-acceptable': { status: 406, title: 'The answer does not come in any form that the client takes' },
  'identity-not-linked': { status: 409, title: 'The identity is not linked to a customer and cannot be matched' },
  'identity-taken': { status: 409, title: 'The identity is linked to another customer' },
  'access-changed': { status: 409, title: 'How the customer signs in was changed at this moment' },
  'slug-taken': { status: 409, title: 'A category with this parent and slug already exists' },
  'category-cycle': { status: 409, title: 'A category cannot be below itself' },
  'category-too-deep': { status: 409, title: 'The tree of categories would have too many levels' },
  'too-many-categories': { status: 409, title: 'The shop has reached its limit of categories' },
  'sku-taken': { status: 409, title: 'A product with this SKU already exists' },
  'variant-exists': { status: 409, title: 'The product has a variant with these values already' },
  'variants-do-not-fit': { status: 409, title: 'The variants of the product do not fit these options' },
  'too-many-variants': { status: 409, title: 'The product has reached its limit of variants' },
  'product-without-options': { status: 409, title: 'Only a product with options has variants' },
  'request-in-flight': { status: 409, title: 'The first request with this Idempotency-Key is still in progress' },
  'stock-reserved': { status: 409, title: 'Stock cannot fall below the reserved quantity' },
  'too-many-unpaid-orders': { status: 409, title: 'The customer has too many orders that are not paid yet' },
  'orders-under-way': { status: 409, title: 'Some orders of the customer have not ended yet' },
  'order-ended': { status: 409, title: 'The order has already ended' },
  'order-not-in-review': { status: 409, title: 'The order is not in manual review' },
  'outcome-does-not-fit': { status: 409, title: 'The order cannot end like this' },
  'order-shipped': { status: 409, title: 'A parcel of the order has shipped' },
  'order-not-fulfillable': { status: 409, title: 'The order is not confirmed' },
  'order-paid-back': { status: 409, title: 'All that was paid for the order has been refunded' },
  'fulfilment-status': { status: 409, title: 'The fulfilment has a status that does not allow this' },
  'cancellation-too-large': { status: 409, title: 'The order has fewer units left to cancel' },
  'fulfilment-too-large': { status: 409, title: 'The order has fewer units left to fulfil' },
  'return-status': { status: 409, title: 'The return is decided already' },
  'return-too-large': { status: 409, title: 'Fewer units can come back' },
  'order-too-late-to-cancel': { status: 409, title: 'It is too late to cancel this order' },
  'payment-not-waiting': { status: 409, title: 'The payment does not wait for the customer' },
  'total-changed': { status: 409, title: 'The order would cost something else than expected' },
  'coupon-used-up': { status: 409, title: 'The coupon has been used as often as it may' },
  'coupon-limit-too-low': { status: 409, title: 'More orders use the coupon than it would allow' },
  'tax-rate-overlaps': { status: 409, title: 'Another rate is valid for the same place, class and time' },
  'too-many-shipping-methods': { status: 409, title: 'The shop has reached its limit of shipping methods' },
  'order-archived': { status: 409, title: 'The order is in the archive' },
  'address-changes-price': { status: 409, title: 'The price was computed for another address' },
  'order-not-capturable': { status: 409, title: 'The order has no payment to capture' },
  'order-not-refundable': { status: 409, title: 'The order has no payment to refund' },
  'refund-too-large': { status: 409, title: 'The refund is larger than what is left of the payment' },
  'line-not-shipped': { status: 409, title: 'Units of a line have not shipped' },
  'line-refunded': { status: 409, title: 'Units of a line are refunded already' },
  'return-refunded': { status: 409, title: 'The return is refunded already' },
  'own-application': { status: 409, title: 'An application cannot do this to itself' },
  'too-many-applications': { status: 409, title: 'The shop has reached its limit of applications' },
  'too-many-keys': { status: 409, title: 'The application has reached its limit of keys' },
  'export-under-way': { status: 409, title: 'The application has an export that is not ready yet' },
  'too-many-report-subscriptions': {
    status: 409,
    title: 'The application has reached its limit of report subscriptions',
  },
  'too-many-addresses': { status: 409, title: 'The customer keeps as many addresses as they can' },
  'too-many-webhook-endpoints': { status: 409, title: 'The application has reached its limit of webhook endpoints' },
  'kind-has-no-keys': { status: 409, title: 'Applications of this kind have no keys' },
  'identity-client-taken': { status: 409, title: 'Another application uses this client of the identity provider' },
  'version-stale': { status: 412, title: 'The resource has changed since it was read' },
  'body-too-large': { status: 413, title: 'The body is too large' },
  'unsupported-media-type': { status: 415, title: 'The body has another media type than it must have' },
  'idempotency-key-reused': { status: 422, title: 'This Idempotency-Key was used for a different request' },
  'contact-missing': { status: 422, title: 'A guest’s order needs an e-mail address' },
  'customer-unknown': { status: 422, title: 'The customer cannot order' },
  'country-unknown': { status: 422, title: 'The country does not exist' },
  'postal-code-invalid': { status: 422, title: 'The postal code does not have the form of its country' },
  'search-without-words': { status: 422, title: 'The search has no word to search for' },
  'shipping-method-missing': { status: 422, title: 'The order needs a shipping method' },
  'shipping-address-missing': { status: 422, title: 'The order needs an address to go to' },
  'shipping-method-unavailable': { status: 422, title: 'The shipping method does not serve this order' },
  'tax-rate-missing': { status: 422, title: 'The shop has no tax rate for this order' },
  'coupon-unknown': { status: 422, title: 'The coupon does not exist' },
  'coupon-not-valid': { status: 422, title: 'The coupon is not valid now' },
  'coupon-needs-account': { status: 422, title: 'The coupon is for customers with an account' },
  'coupon-without-effect': { status: 422, title: 'The coupon takes nothing off this order' },
  'period-reversed': { status: 422, title: 'The period ends before it begins' },
  'period-too-long': { status: 422, title: 'The period is longer than a report can have' },
  'zone-unknown': { status: 422, title: 'The time zone does not exist' },
  'grouping-unknown': { status: 422, title: 'The report cannot be grouped like this' },
  'report-unknown': { status: 422, title: 'There is no such report to send' },
  'range-unknown': { status: 422, title: 'The range does not exist, or does not fit the report' },
  'schedule-invalid': { status: 422, title: 'The schedule is not valid' },
  'recipient-invalid': { status: 422, title: 'A recipient is missing or not valid' },
  'report-too-large': { status: 422, title: 'The report is too large for one answer' },
  'category-unknown': { status: 422, title: 'A category that the request names does not exist' },
  'line-unknown': { status: 422, title: 'A product that the request names is not in the order' },
  'product-not-available': { status: 422, title: 'A product in the order does not exist or is not on sale' },
  'product-has-options': { status: 422, title: 'A product with options is sold as its variants' },
  'option-repeated': { status: 422, title: 'An option or value occurs twice' },
  'options-not-met': { status: 422, title: 'A variant needs one value of each option of its product' },
  'product-is-variant': { status: 422, title: 'A variant shares this with its product' },
  'currencies-mixed': { status: 422, title: 'The prices of an order, or of a product, must have one currency' },
  'amount-too-large': { status: 422, title: 'The total exceeds the largest amount an order can have' },
  'sign-in-locked': { status: 429, title: 'Too many failed sign-ins' },
  'rate-limited': { status: 429, title: 'Too many requests' },
  'too-many-at-once': { status: 429, title: 'Too many requests to this operation at the same time' },
  internal: { status: 500, title: 'Something went wrong on our side' },
  'history-broken': { status: 503, title: 'The history that the report needs is damaged' },
  'reader-behind': { status: 503, title: 'The copy that reports read is too old for this one' },
  'read-model-behind': { status: 503, title: 'The copy that is read has not come so far yet' },
  unavailable: { status: 503, title: 'A dependency of the service does not answer' },
} as const satisfies Record<string, { status: number; title: string }>;

export type ProblemCode = keyof typeof problems;

/** One invalid piece of input: a JSON pointer (RFC 6901) into the body, `?name` for a query parameter, or a header's name. */
export type InputError = { pointer: string; detail: string };

/** The prefix of a problem's `type`; the code follows it. */
export const problemTypeBase = 'https://counterfoil.dev/problems/';

/** Answers the request with this problem, from anywhere below a handler. The client sees everything it carries. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly code: ProblemCode;
  readonly errors: InputError[] | undefined;
  readonly headers: Record<string, string>;
  /** The quote of what the order would cost now, if that is the problem. */
  readonly quote: object | undefined;

  constructor(
    code: ProblemCode,
    detail: string,
    options: ErrorOptions & { errors?: InputError[]; headers?: Record<string, string>; quote?: object } = {},
  ) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.errors = options.errors;
    this.headers = options.headers ?? {};
    this.quote = options.quote;
  }

  get status(): number {
    return problems[this.code].status;
  }
}
