import type { InputError, ProblemCode } from '../../lib/contract/api/problems.ts';

export type ProblemNote = {
  /** When it comes. */
  when: string;
  /** What the client does about it. */
  todo: string;
  /** A `detail` as it may read. */
  detail?: string;
  errors?: InputError[];
  /** Path that was called in the example; `/orders` when absent. */
  path?: string;
};

/** What docs/problems.md and the examples of the OpenAPI document say of each code. */
export const problemNotes: Readonly<Record<ProblemCode, ProblemNote>> = {
  'bad-request': {
    when: 'The request cannot be read as HTTP: a broken percent-encoding in the path or the query, for example.',
    todo: 'Correct the client; the same request will never pass.',
    detail: 'The path cannot be decoded.',
  },
  'invalid-json': {
    when: 'The body was sent as JSON but cannot be parsed, or its arrays and objects stand in each other deeper than 32 levels.',
    todo: 'Send what a JSON library writes, encoded as UTF-8.',
    detail: 'The body cannot be parsed as JSON.',
  },
  'invalid-input': {
    when: 'The body, the query or a header field does not fit the operation’s schema, unknown fields included.',
    todo: 'Correct each place that `errors` names. The same input will never pass.',
    detail: '/lines/0/quantity must be at least 1.',
    errors: [
      { pointer: '/lines/0/quantity', detail: 'must be at least 1' },
      { pointer: '/coupon', detail: 'is not known here' },
    ],
  },
  'scopes-exceeded': {
    when: 'An application with `applications:manage` gives a scope that it has not itself, or changes an application that has one.',
    todo: 'Let an application do it that has all these scopes.',
    detail: 'Your application has not itself the scope orders:refund.',
    path: '/applications',
  },
  'own-application': {
    when: 'An application changes its own scopes or status, or removes itself.',
    todo: 'Let another application with `applications:manage` do it.',
    detail: 'Let another application do this to yours.',
    path: '/applications/app_0198c6b2f1d07a3e9c54d2a1b7e60f38',
  },
  'too-many-applications': {
    when: 'A shop has 100 applications.',
    todo: 'Remove one that is not used any more: its usage tells.',
    detail: 'A shop has at most 100; remove one first.',
    path: '/applications',
  },
  'too-many-keys': {
    when: 'An application has five keys, those that have expired included.',
    todo: 'Delete one that is not used any more: `lastUsedAt` tells.',
    detail: 'An application has at most 5 keys; delete one first.',
    path: '/applications/app_0198c6b2f1d07a3e9c54d2a1b7e60f38/keys',
  },
  'kind-has-no-keys': {
    when: 'A key is asked for a `mobile` or `web` application, out of which anybody could take it.',
    todo: 'Send its id as `Client-Id`; sign customers in for the rest.',
    detail: 'What is built into a mobile application is no secret: send its Client-Id.',
    path: '/applications/app_0198c6b2f1d07a3e9c54d2a1b7e60f38/keys',
  },
  'identity-client-taken': {
    when: 'A client id of the identity provider belongs to another application.',
    todo: 'Take it away there first, or register a client of its own at the provider.',
    detail: 'Another application has this client of the identity provider.',
    path: '/applications',
  },
  'invalid-cursor': {
    when: 'The cursor was altered, or comes from another list, another filter or another caller.',
    todo: 'Use `nextCursor` exactly as it came, with the same filter; or begin again without a cursor.',
    detail: 'Use nextCursor as it came, with the same filter.',
    errors: [{ pointer: '?cursor', detail: 'is not one that this list gave' }],
  },
  'idempotency-key-missing': {
    when: 'The operation must not happen twice, and the request has no `Idempotency-Key`.',
    todo: 'Make a new key (a UUID will do) for each order that somebody wants, and send it with every attempt.',
    detail: 'Send an Idempotency-Key header: any text that is new for each order.',
  },
  'idempotency-key-invalid': {
    when: 'The `Idempotency-Key` is longer than 255 characters or has others than visible ASCII.',
    todo: 'Use a UUID or another short token.',
    detail: 'An Idempotency-Key is 1 to 255 visible ASCII characters.',
  },
  'token-invalid': {
    path: '/password-resets/confirmations',
    when: 'The token of a mail is unknown, was used, is past its time, or a newer one was mailed. Which of these it is, it does not tell.',
    todo: 'Ask for another mail, and use the token of the newest.',
    detail: 'The token is unknown, was used, or is past its time. Ask for another.',
  },
  'webhook-signature-invalid': {
    path: '/webhooks/stripe',
    when: 'The header that signs the event is missing or broken, fits neither the body nor a secret of ours, or is older than five minutes.',
    todo: 'Compare the endpoint’s signing secret at the provider with the one that is deployed, and that nothing on the way changes the body. Events are sent again.',
    detail: 'No signature fits the body.',
  },
  unauthenticated: {
    when: 'There is no `Authorization` header, it is not `Bearer` and a token, or the token is unknown, expired, revoked or of the wrong kind.',
    todo: 'Sign in again, or check the application’s key.',
    detail: 'The token is not known, or has expired or been revoked.',
  },
  'invalid-credentials': {
    path: '/sessions',
    when: 'The e-mail is unknown or the password is wrong; the answer does not say which.',
    todo: 'Ask the customer again. Many failures lock signing in for a while.',
    detail: 'E-mail or password is wrong.',
  },
  'id-token-invalid': {
    path: '/sessions',
    when: 'The id token is expired, altered, of another issuer, for another application than the one that calls, or no id token. Which of them is not told.',
    todo: 'Get a new one from the identity provider, and send it with the `Client-Id` of the application that it was made for.',
    detail: 'The id token is expired, of another issuer or for nobody here.',
  },
  'identity-not-linked': {
    path: '/sessions',
    when: 'Somebody comes from the identity provider for the first time, and it has confirmed no e-mail address of theirs, or a customer has that address and has not confirmed it here.',
    todo: 'Let them sign in with e-mail and password, resetting it if need be, then link the identity by `POST /customers/me/identities`.',
    detail:
      'A customer has your e-mail address and has not confirmed it. Sign in with e-mail and password, then link the identity by POST /customers/me/identities.',
  },
  'identity-taken': {
    path: '/customers/me/identities',
    when: 'The identity is linked to another customer.',
    todo: 'Let them sign in with it, and unlink it there first, if both are theirs.',
    detail: 'Another customer signs in with this identity.',
  },
  forbidden: {
    path: '/products',
    when: 'The application’s key is good but lacks a scope that the operation needs.',
    todo: 'Use a key with the scope that `detail` names.',
    detail: 'This key lacks the scope catalog:write.',
  },
  'not-found': {
    path: '/products/prd_0198c6a17e2f7c44b8d16a0f9e3c2b75',
    when: 'There is nothing under this id, or it belongs to somebody else; the answer does not say which.',
    todo: 'Check the id and who is signed in.',
    detail: 'There is nothing under this address.',
  },
  'route-not-found': {
    path: '/ordres',
    when: 'No operation has this path.',
    todo: 'Compare the path with `GET /docs`.',
    detail: 'There is no such endpoint.',
  },
  'method-not-allowed': {
    path: '/quotes',
    when: 'The path exists, but not with this method; on the laptop the `Allow` header lists those that do.',
    todo: 'Compare the method with `GET /docs`.',
    detail: 'This endpoint does not know the method.',
  },
  'sku-taken': {
    path: '/products',
    when: 'Another product has this SKU, on sale or not.',
    todo: 'Change that product, or choose another SKU.',
    detail: 'A product with this SKU exists already.',
  },
  'request-in-flight': {
    when: 'A request with the same `Idempotency-Key` is being worked on right now.',
    todo: 'Wait for as long as `Retry-After` says and send the same request again: you will get its answer.',
    detail: 'Try again in a moment: the first answer will be given then.',
  },
  'stock-reserved': {
    path: '/products/prd_0198c6a17e2f7c44b8d16a0f9e3c2b75/stock-movements',
    when: 'Taking this much out would leave less than what orders under way have reserved, or less than nothing; or putting it in would exceed what a product can have.',
    todo: 'Read the level with `GET /products/{productId}/stock-movements` and take out at most what is available.',
    detail: '5 on hand, 3 of them reserved: a movement of -4 is not possible.',
    errors: [{ pointer: '/quantity', detail: 'would leave 1 on hand' }],
  },
  'order-ended': {
    path: '/orders/ord_0198c6b2f1d07a3e9c54d2a1b7e60f38/cancel',
    when: 'The order is failed, cancelled or waiting in manual review.',
    todo: 'Nothing: `GET /orders/{orderId}` shows how it ended.',
    detail: 'The order is failed and cannot be cancelled.',
  },
  'order-not-in-review': {
    path: '/manual-review/orders/ord_0198c6b2f1d07a3e9c54d2a1b7e60f38/retry',
    when: 'The order does not wait in manual review: it has ended, or its compensation is under way again.',
    todo: 'Read it with `GET /manual-review/orders/{orderId}`; perhaps a colleague was faster.',
    detail: 'The order is reserved; only one that is needs_attention waits in manual review.',
  },
  'outcome-does-not-fit': {
    path: '/manual-review/orders/ord_0198c6b2f1d07a3e9c54d2a1b7e60f38/resolve',
    when: 'An order that was confirmed or being cancelled ends `cancelled`, any other `failed`.',
    todo: 'Send the outcome that `detail` names.',
    detail: 'The order was never confirmed, so it can only end failed.',
  },
  'order-too-late-to-cancel': {
    path: '/orders/ord_0198c6b2f1d07a3e9c54d2a1b7e60f38/cancel',
    when: 'The order was confirmed longer ago than the shop lets orders be cancelled.',
    todo: 'Ask the shop for a return.',
    detail: 'An order can be cancelled for 336 hours after it was confirmed.',
  },
  'payment-not-waiting': {
    path: '/simulated-payments/ord_0198c6b2f1d07a3e9c54d2a1b7e60f38',
    when: 'The simulated payment waits for nobody: another payment method was used, the other outcome was played before, or the order was compensated meanwhile.',
    todo: 'Nothing: `GET /orders/{orderId}` shows how the order goes on. Only orders with `pm_requiresAction` wait.',
    detail: 'The payment does not wait for you: it is captured.',
  },
  'order-not-refundable': {
    path: '/orders/ord_0198c6b2f1d07a3e9c54d2a1b7e60f38/refunds',
    when: 'The order is not confirmed, cost nothing, or all of its payment was given back or is being given back.',
    todo: 'Read the order: its status and `payment.refunded` tell which it is.',
    detail: 'Only a confirmed order can be refunded in part; this one is cancelled.',
  },
  'refund-too-large': {
    path: '/orders/ord_0198c6b2f1d07a3e9c54d2a1b7e60f38/refunds',
    when: 'More is asked for than is left of the payment after all refunds that were made or are under way.',
    todo: 'Ask for less, or leave `amount` out for all that is left.',
    detail: 'At most 8830 EUR minor units are left.',
  },
  'version-stale': {
    path: '/customers/me',
    when: 'Somebody changed the resource after the version that `If-Match` names.',
    todo: 'Read it again, decide again, and send the change with the new `ETag`.',
    detail: 'The resource has changed since it was read; read it again.',
  },
  'body-too-large': {
    when: 'The body has more than 64 KiB, or 256 KiB where it is signed.',
    todo: 'Send less; no operation needs that much.',
    detail: 'The body has 70000 bytes; at most 65536 are taken.',
  },
  'unsupported-media-type': {
    when: 'The body was sent with another `Content-Type` than `application/json`.',
    todo: 'Send `Content-Type: application/json`.',
    detail: 'Send the body as application/json.',
  },
  'idempotency-key-reused': {
    when: 'This `Idempotency-Key` came before with another body or another path.',
    todo: 'If it is a new order, make a new key. If it is the old one, send exactly what was sent first.',
    detail: 'This key came first with another request; use a new key for a new one.',
  },
  'product-not-available': {
    when: 'A line names a product that does not exist or is not on sale.',
    todo: 'Take the lines that `errors` names out of the basket and show the customer what is left.',
    detail: '/lines/0/productId prd_0198c6b2f1d07a3e9c54d2a1b7e60f38 is unknown or not on sale.',
    errors: [
      { pointer: '/lines/0/productId', detail: 'prd_0198c6b2f1d07a3e9c54d2a1b7e60f38 is unknown or not on sale' },
    ],
  },
  'currencies-mixed': {
    when: 'The products of the basket are priced in more than one currency.',
    todo: 'Order them apart, one currency at a time.',
    detail: '/lines/1/productId is priced in USD, but the first line in EUR.',
    errors: [{ pointer: '/lines/1/productId', detail: 'is priced in USD, but the first line in EUR' }],
  },
  'amount-too-large': {
    when: 'The total is above the largest amount that one order can have.',
    todo: 'Split the order.',
    detail: 'The total is 1200000000000 minor units of EUR; at most 1000000000000 go.',
  },
  'sign-in-locked': {
    path: '/sessions',
    when: 'There were too many failed sign-ins for this e-mail from this network, from everywhere that it was never signed in from, or from this network for any e-mail.',
    todo: 'Wait for as long as `Retry-After` says. The right password does not help before that.',
    detail: 'Too many failed sign-ins; wait before trying again.',
  },
  'rate-limited': {
    when: 'This address, customer or application made more requests than it may in the window that `RateLimit-Policy` tells.',
    todo: 'Wait for as long as `Retry-After` says, and slow down: `RateLimit` tells what is left.',
    detail: 'At most 100 requests in 60 seconds for each address.',
  },
  'too-many-at-once': {
    when: 'An expensive operation is already running as often at the same time as it may for this caller.',
    todo: 'Wait until your own requests to it have ended, or for as long as `Retry-After` says; make them one after the other.',
    detail: 'At most 4 such requests at the same time for each application.',
  },
  internal: {
    when: 'Something happened that should not have. It has been logged under `requestId`.',
    todo: 'Try again later, a `POST` with the same `Idempotency-Key`; when it stays, report the `requestId`.',
  },
  unavailable: {
    when: 'The database, the session store or the order saga does not answer in time.',
    todo: 'Try again after `Retry-After`, a `POST` with the same `Idempotency-Key`: nothing happens twice.',
    detail: 'A part of the service is not answering; try again shortly.',
  },
};
