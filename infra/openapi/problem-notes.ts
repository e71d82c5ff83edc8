import type { InputError, ProblemCode } from '../../lib/contract/api/problems.ts';

export type ProblemNote = {
  /** When the API answers with it. */
  when: string;
  /** What the client can do. */
  todo: string;
  /** An example of `detail`. */
  detail?: string;
  errors?: InputError[];
  /** The path in the example; `/orders` when absent. */
  path?: string;
};

/** The explanation of each code in docs/problems.md and in the examples of the OpenAPI document. */
export const problemNotes: Readonly<Record<ProblemCode, ProblemNote>> = {
  'bad-request': {
    when: 'The request is not valid HTTP. For example, the path or the query has a broken percent-encoding.',
    todo: 'Correct the client. The same request never succeeds.',
    detail: 'The path cannot be decoded.',
  },
  'invalid-json': {
    when: 'The body cannot be parsed as JSON, or its arrays and objects are nested more than 32 levels deep.',
    todo: 'Send JSON from a JSON library, encoded as UTF-8.',
    detail: 'The body cannot be parsed as JSON.',
  },
  'invalid-input': {
    when: 'The body, the query or a header field does not match the operation’s schema. Unknown fields are errors too.',
    todo: 'Correct each place that `errors` names. The same input never succeeds.',
    detail: '/lines/0/quantity must be at least 1.',
    errors: [
      { pointer: '/lines/0/quantity', detail: 'must be at least 1' },
      { pointer: '/coupon', detail: 'is unknown' },
    ],
  },
  'sign-in-again': {
    when: 'The operation changes how the customer signs in, or shows or erases everything about them, and the session was opened by a sign-in more than ten minutes ago.',
    todo: 'Let the customer sign in again (RFC 9470), and repeat the request with the new session.',
    detail: 'Sign in again and repeat the request within 10 minutes.',
    path: '/customers/me/identities',
  },
  'customer-suspended': {
    when: 'The credentials are right, and the shop has suspended the account.',
    todo: 'Tell the customer to contact the shop.',
    detail: 'This account is suspended. Contact the shop.',
    path: '/sessions',
  },
  'access-changed': {
    when: 'The password, an identity or another way to sign in was changed while the customer signed in.',
    todo: 'Sign in again.',
    detail: 'How you sign in was changed at this moment. Sign in again.',
    path: '/sessions',
  },
  'orders-under-way': {
    when: 'The customer wants their data erased, and an order of theirs has not ended yet.',
    todo: 'Cancel the order or wait until it has ended, and repeat the request.',
    detail: '1 order has not ended yet. Cancel it, or wait until it has ended.',
    path: '/customers/me',
  },
  'scopes-exceeded': {
    when: 'An application with `applications:manage` grants a scope that it lacks, or changes an application that has such a scope.',
    todo: 'Use an application that has all these scopes.',
    detail: 'Your application lacks the scope orders:refund.',
    path: '/applications',
  },
  'owners-application': {
    when: 'An application that another application registered changes one that was registered when the stage was set up, or one of its keys.',
    todo: 'Use an application that was registered when the stage was set up.',
    detail: 'This application was registered when the stage was set up. Only such an application can change it.',
    path: '/applications/app_0198c6b2f1d07a3e9c54d2a1b7e60f38',
  },
  'own-application': {
    when: 'An application changes its own scopes, status or rate class, or deletes itself.',
    todo: 'Use another application with `applications:manage`.',
    detail: 'Use the key of another application for this.',
    path: '/applications/app_0198c6b2f1d07a3e9c54d2a1b7e60f38',
  },
  'too-many-applications': {
    when: 'The shop already has 100 applications.',
    todo: 'Delete an unused application; its usage figures show which one.',
    detail: 'A shop has at most 100; remove one first.',
    path: '/applications',
  },
  'too-many-webhook-endpoints': {
    when: 'The application already has 20 webhook endpoints. Disabled ones count.',
    todo: 'Delete an unused endpoint, or have one endpoint get more types of events.',
    detail: 'An application has at most 20 webhook endpoints; delete one first.',
    path: '/webhook-endpoints',
  },
  'too-many-keys': {
    when: 'The application already has five keys. Expired keys count.',
    todo: 'Delete an unused key; `lastUsedAt` shows which one.',
    detail: 'An application has at most 5 keys; delete one first.',
    path: '/applications/app_0198c6b2f1d07a3e9c54d2a1b7e60f38/keys',
  },
  'kind-has-no-keys': {
    when: 'The request asks for a key for a `mobile` or `web` application. Anyone could extract a key from such an application.',
    todo: 'Send the application’s id as `Client-Id`, and sign customers in for the rest.',
    detail: 'A mobile application cannot keep a key secret. Send its Client-Id instead.',
    path: '/applications/app_0198c6b2f1d07a3e9c54d2a1b7e60f38/keys',
  },
  'identity-client-taken': {
    when: 'Another application already uses this client id of the identity provider.',
    todo: 'Remove it there first, or register a separate client at the provider.',
    detail: 'This client id of the identity provider belongs to another application.',
    path: '/applications',
  },
  'invalid-cursor': {
    when: 'The cursor was changed, or belongs to another list, filter or caller.',
    todo: 'Use `nextCursor` unchanged with the same filter, or start over without a cursor.',
    detail: 'Use nextCursor unchanged, with the same filter.',
    errors: [{ pointer: '?cursor', detail: 'does not belong to this list' }],
  },
  'idempotency-key-missing': {
    when: 'The operation must not happen twice, but the request has no `Idempotency-Key`.',
    todo: 'Create a new key, such as a UUID, for each new order. Send the same key with every attempt.',
    detail: 'Send an Idempotency-Key header with a new value for each order.',
  },
  'idempotency-key-invalid': {
    when: 'The `Idempotency-Key` has more than 255 characters, or characters other than visible ASCII.',
    todo: 'Use a UUID or another short token.',
    detail: 'An Idempotency-Key is 1 to 255 visible ASCII characters.',
  },
  'token-invalid': {
    path: '/password-resets/confirmations',
    when: 'The e-mailed token is unknown, used, expired or replaced by a newer one. The answer does not say which.',
    todo: 'Request another e-mail and use the newest token.',
    detail: 'The token is unknown, expired, or was used before. Request a new one.',
  },
  'webhook-signature-invalid': {
    path: '/webhooks/stripe',
    when: 'The signature header is missing or malformed, does not match the body and our secret, or is older than five minutes.',
    todo: 'Check that the endpoint’s signing secret at the provider is the deployed one, and that no proxy changes the body. The provider sends the event again.',
    detail: 'No signature fits the body.',
  },
  unauthenticated: {
    when: 'The `Authorization` header is missing or is not `Bearer` with a token, or the token is unknown, expired, revoked or of the wrong kind.',
    todo: 'Sign in again, or check the application’s key.',
    detail: 'The token is not known, or has expired or been revoked.',
  },
  'invalid-credentials': {
    path: '/sessions',
    when: 'The e-mail is unknown or the password is wrong; the answer does not say which.',
    todo: 'Ask the customer to try again. Repeated failures lock sign-in for a while.',
    detail: 'E-mail or password is wrong.',
  },
  'id-token-invalid': {
    path: '/sessions',
    when: 'The id token is expired, changed, from another issuer, for another application than the caller, or not an id token. The answer does not say which.',
    todo: 'Get a new id token from the identity provider, and send it with the `Client-Id` of the application that it was issued for.',
    detail: 'The id token has expired, or its issuer or audience is not accepted here.',
  },
  'identity-not-linked': {
    path: '/sessions',
    when: 'A user of the identity provider signs in for the first time, and either the provider has not confirmed their e-mail, or a customer has that e-mail and has not confirmed it here.',
    todo: 'Let the customer sign in with e-mail and password (reset it if needed), then link the identity with `POST /customers/me/identities`.',
    detail:
      'A customer has your e-mail address and has not confirmed it. Sign in with e-mail and password, then link the identity by POST /customers/me/identities.',
  },
  'identity-taken': {
    path: '/customers/me/identities',
    when: 'The identity is linked to another customer.',
    todo: 'If both accounts are theirs, sign in with the identity and unlink it there first.',
    detail: 'Another customer signs in with this identity.',
  },
  forbidden: {
    path: '/products',
    when: 'The credentials are valid, but the application lacks a scope that the operation needs.',
    todo: 'Use an application with the scope that `detail` names.',
    detail: 'This key lacks the scope catalog:write.',
  },
  'not-found': {
    path: '/products/prd_0198c6a17e2f7c44b8d16a0f9e3c2b75',
    when: 'Nothing has this id, or it belongs to someone else. The answer does not say which.',
    todo: 'Check the id and the signed-in customer.',
    detail: 'There is no resource at this path.',
  },
  'route-not-found': {
    path: '/ordres',
    when: 'No operation has this path.',
    todo: 'Compare the path with `GET /docs`.',
    detail: 'There is no such endpoint.',
  },
  'method-not-allowed': {
    path: '/quotes',
    when: 'The path exists, but not with this method.',
    todo: 'Compare the method with `GET /docs`.',
    detail: 'This endpoint does not know the method.',
  },
  'slug-taken': {
    path: '/categories',
    when: 'Another category with the same parent already has this slug.',
    todo: 'Choose another slug, or another parent.',
    detail: 'Another category with this parent has the slug teapots.',
    errors: [{ pointer: '/slug', detail: 'is taken among the siblings' }],
  },
  'category-cycle': {
    path: '/categories/cat_0198c6a17e2f7c44b8d16a0f9e3c2b75',
    when: 'The new parent is the category itself, or below it.',
    todo: 'Move the category below one that is not below it.',
    detail: 'A category cannot be below itself.',
    errors: [{ pointer: '/parentId', detail: 'is the category itself, or below it' }],
  },
  'category-too-deep': {
    path: '/categories',
    when: 'The category, or one below it, would be on a sixth level.',
    todo: 'Choose a parent further up. The tree has at most five levels.',
    detail: 'The tree would have 6 levels. At most 5 are allowed.',
    errors: [{ pointer: '/parentId', detail: 'would lead to 6 levels' }],
  },
  'too-many-categories': {
    path: '/categories',
    when: 'The shop has 1,000 categories.',
    todo: 'Change one that is no longer used. What is fine-grained fits into attributes.',
    detail: 'The shop has 1000 categories. More are not possible.',
  },
  'search-without-words': {
    path: '/products',
    when: 'What `q` asks for has no word that says something: signs alone, or words as common as `the`.',
    todo: 'Search for what the product is called, or list without `q`.',
    detail: 'Search for words that say more than “the” or “of”.',
    errors: [{ pointer: '?q', detail: 'has no word to search for' }],
  },
  'period-reversed': {
    when: '`from` is the same day as `to`, or after it. `to` is the first day after the period.',
    todo: 'Send an earlier `from` or a later `to`.',
    detail: 'from (2026-03-14) must be before to (2026-03-01), which is the first day after the period.',
    path: '/reports/sales',
  },
  'period-too-long': {
    when: 'The period of a report has more than ten years.',
    todo: 'Ask for shorter periods and add them up.',
    detail: 'A report has at most 10 years; 2010-01-01 to 2026-01-01 is more.',
    path: '/reports/sales',
  },
  'zone-unknown': {
    when: '`zone` is no name of the IANA time zone database. An offset such as `+02:00` is none.',
    todo: 'Send a name such as `Europe/Berlin`, or `UTC`.',
    detail: '?zone is not a time zone, such as Europe/Berlin.',
    errors: [{ pointer: '?zone', detail: 'is not a time zone, such as Europe/Berlin' }],
    path: '/reports/sales',
  },
  'grouping-unknown': {
    when: '`groupBy` is none of the groupings that the report has.',
    todo: 'Choose one that the reference lists.',
    detail: '?groupBy must be one of day, week, month.',
    errors: [{ pointer: '?groupBy', detail: 'must be one of day, week, month' }],
    path: '/reports/sales',
  },
  'report-too-large': {
    when: 'The report would have more than 10,000 rows, or adding it up takes longer than a request may take.',
    todo: 'Choose larger groups, a shorter period or one currency.',
    detail: 'The report has more than 10000 rows. Choose larger groups or a shorter period.',
    path: '/reports/sales',
  },
  'reader-behind': {
    when: 'The copy of the database that reports read is older than this report may show.',
    todo: 'Wait as long as `Retry-After` says, and try again. Docs say which reports show old data with their age instead.',
    detail: 'The data are 95 s old; this report shows none older than 60 s.',
    path: '/reports/margin',
  },
  'category-unknown': {
    path: '/products',
    when: 'The request names a category that does not exist.',
    todo: 'Take an id from `GET /categories`.',
    detail: 'There is no category cat_0198c6a17e2f7c44b8d16a0f9e3c2b75.',
    errors: [{ pointer: '/categoryId', detail: 'is no category' }],
  },
  'sku-taken': {
    path: '/products',
    when: 'Another product already has this SKU. It may be off sale.',
    todo: 'Change that product, or choose another SKU.',
    detail: 'A product with this SKU exists already.',
  },
  'variant-exists': {
    path: '/products/prd_0198c6a17e2f7c44b8d16a0f9e3c2b75/variants',
    when: 'The product has a variant with the same values. It may be off sale.',
    todo: 'Change that variant, or choose other values.',
    detail: 'Another variant of the product has these values.',
    errors: [{ pointer: '/optionValues', detail: 'are those of another variant' }],
  },
  'variants-do-not-fit': {
    path: '/products/prd_0198c6a17e2f7c44b8d16a0f9e3c2b75',
    when: 'With the new options, a variant would have a value that no longer exists, or would lack one.',
    todo: 'Keep the options and values that variants have; add values freely. Give the variant another value first.',
    detail: 'Variant TEAPOT-1-L has Size large, which these options do not allow.',
    errors: [{ pointer: '/options', detail: 'do not fit variant TEAPOT-1-L' }],
  },
  'too-many-variants': {
    path: '/products/prd_0198c6a17e2f7c44b8d16a0f9e3c2b75/variants',
    when: 'The product has 100 variants.',
    todo: 'Change a variant that is off sale, or add another product.',
    detail: 'The product has 100 variants. More are not possible.',
  },
  'product-without-options': {
    path: '/products/prd_0198c6a17e2f7c44b8d16a0f9e3c2b75/variants',
    when: 'The product was added without options, or is a variant itself.',
    todo: 'Add a product with `options`, and its variants below it.',
    detail: 'This product has no options. Options are given when a product is added.',
  },
  'request-in-flight': {
    when: 'Another request with the same `Idempotency-Key` is in progress.',
    todo: 'Wait as long as `Retry-After` says, then send the same request again to get its answer.',
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
    todo: 'Nothing. `GET /orders/{orderId}` shows how it ended.',
    detail: 'The order is failed and cannot be cancelled.',
  },
  'order-not-in-review': {
    path: '/manual-review/orders/ord_0198c6b2f1d07a3e9c54d2a1b7e60f38/retry',
    when: 'The order is not in manual review. It has ended, or its compensation is running again.',
    todo: 'Read it with `GET /manual-review/orders/{orderId}`. A colleague may have been faster.',
    detail: 'The order is reserved; only one that is needs_attention waits in manual review.',
  },
  'outcome-does-not-fit': {
    path: '/manual-review/orders/ord_0198c6b2f1d07a3e9c54d2a1b7e60f38/resolve',
    when: 'The outcome does not match the order. An order that was confirmed or being cancelled ends `cancelled`, any other `failed`.',
    todo: 'Send the outcome that `detail` names.',
    detail: 'The order was never confirmed, so it can only end failed.',
  },
  'order-too-late-to-cancel': {
    path: '/orders/ord_0198c6b2f1d07a3e9c54d2a1b7e60f38/cancel',
    when: 'The shop’s time limit for cancellation has passed since the order was confirmed.',
    todo: 'Ask the shop for a return.',
    detail: 'An order can be cancelled for 336 hours after it was confirmed.',
  },
  'payment-not-waiting': {
    path: '/simulated-payments/ord_0198c6b2f1d07a3e9c54d2a1b7e60f38',
    when: 'The simulated payment does not wait for the customer: the order uses another payment method, the payment already ended, or the order was compensated meanwhile.',
    todo: 'Nothing. `GET /orders/{orderId}` shows how the order goes on. Only orders with `pm_requiresAction` wait.',
    detail: 'The payment is captured and does not wait for an action.',
  },
  'order-archived': {
    path: '/orders/ord_0198c6b2f1d07a3e9c54d2a1b7e60f38/refunds',
    when: 'The order ended long ago and is in the archive, where nothing changes.',
    todo: 'Take it out with `POST /manual-review/orders/{orderId}/unarchive`, then send the request again with the same key.',
    detail: 'The order is old and in the archive, where nothing changes. Take it out of the archive, then refund it.',
  },
  'order-not-capturable': {
    path: '/orders/ord_0198c6b2f1d07a3e9c54d2a1b7e60f38/capture',
    when: 'The order is not confirmed, or its payment was voided or given back.',
    todo: 'Read the capture with `GET /orders/{orderId}/capture`. An order in manual review is captured by retrying it there.',
    detail: 'Only the payment of a confirmed order can be captured; this one is cancelling.',
  },
  'order-not-refundable': {
    path: '/orders/ord_0198c6b2f1d07a3e9c54d2a1b7e60f38/refunds',
    when: 'The order is not confirmed, was free, its payment is not captured yet, or its whole payment is refunded or being refunded.',
    todo: 'Read the order. Its status and `payment.refunded` show the reason.',
    detail: 'Only a confirmed order can be refunded in part; this one is cancelled.',
  },
  'refund-too-large': {
    path: '/orders/ord_0198c6b2f1d07a3e9c54d2a1b7e60f38/refunds',
    when: 'The amount exceeds what is left of the payment after all finished and pending refunds.',
    todo: 'Request less, or omit `amount` to refund the rest.',
    detail: 'At most 8830 EUR minor units are left.',
  },
  'version-stale': {
    path: '/customers/me',
    when: 'The resource changed after the version that `If-Match` names.',
    todo: 'Read the resource again, reapply your change, and send it with the new `ETag`.',
    detail: 'The resource has changed since it was read; read it again.',
  },
  'body-too-large': {
    when: 'The body exceeds 64 KiB, 256 KiB for a signed body, or 4 MiB for a file.',
    todo: 'Send less. No operation needs that much.',
    detail: 'The body has 70000 bytes. At most 65536 are allowed.',
  },
  'unsupported-media-type': {
    when: 'The `Content-Type` of the body is not `application/json`, or for a file neither `application/x-ndjson` nor `text/csv`.',
    todo: 'Send the `Content-Type` that `detail` names.',
    detail: 'Send the body as application/json.',
  },
  'idempotency-key-reused': {
    when: 'An earlier request used this `Idempotency-Key` with another body or path.',
    todo: 'For a new order, create a new key. To repeat the old request, send exactly the same body.',
    detail: 'This key came first with another request; use a new key for a new one.',
  },
  'country-unknown': {
    when: 'An address names a country that is not in ISO 3166-1.',
    todo: 'Let the customer choose the country from a list.',
    detail: '/shippingAddress/country is UK, which is no country of ISO 3166-1.',
    errors: [{ pointer: '/shippingAddress/country', detail: 'is UK, which is no country of ISO 3166-1' }],
  },
  'postal-code-invalid': {
    when: 'An address in one of the twenty largest economies has no postal code, or one of another form than the country’s.',
    todo: 'Show the error at the field, so that the customer can correct it.',
    detail: '/shippingAddress/postalCode is not a postal code of DE.',
    errors: [{ pointer: '/shippingAddress/postalCode', detail: 'is not a postal code of DE' }],
  },
  'product-not-available': {
    when: 'A line names a product that does not exist or is not on sale.',
    todo: 'Remove the lines that `errors` names from the basket, and show the customer the rest.',
    detail: '/lines/0/productId prd_0198c6b2f1d07a3e9c54d2a1b7e60f38 is unknown or not on sale.',
    errors: [
      { pointer: '/lines/0/productId', detail: 'prd_0198c6b2f1d07a3e9c54d2a1b7e60f38 is unknown or not on sale' },
    ],
  },
  'product-has-options': {
    when: 'An order, a quote, a price or a stock movement names a product with options. Its variants have prices and stock; it has none of its own.',
    todo: 'Name one of the `variants` of `GET /products/{productId}` instead.',
    detail: '/lines/0/productId prd_0198c6a17e2f7c44b8d16a0f9e3c2b75 has options: order one of its variants.',
    errors: [
      {
        pointer: '/lines/0/productId',
        detail: 'prd_0198c6a17e2f7c44b8d16a0f9e3c2b75 has options: order one of its variants',
      },
    ],
  },
  'option-repeated': {
    path: '/products',
    when: 'Two options have the same name, or two values of an option are the same. Capitals make no difference.',
    todo: 'Send each option and value once.',
    detail: '/options/0/values/2 repeats small.',
    errors: [{ pointer: '/options/0/values/2', detail: 'repeats small' }],
  },
  'options-not-met': {
    path: '/products/prd_0198c6a17e2f7c44b8d16a0f9e3c2b75/variants',
    when: 'The variant lacks a value of an option, has a value that the option does not have, or names an option that the product does not have.',
    todo: 'Send one value of each of the `options` of the product, in its spelling.',
    detail: '/optionValues has no Size.',
    errors: [{ pointer: '/optionValues', detail: 'has no Size' }],
  },
  'product-is-variant': {
    path: '/products/prd_0198c6a4d0c17b5f93e8a1720b64dc9e',
    when: 'The change is of something that a variant shares with its product: description, category, brand, attributes, tax class or options.',
    todo: 'Change the product that `parentId` names.',
    detail: '/brand is changed at product prd_0198c6a17e2f7c44b8d16a0f9e3c2b75.',
    errors: [{ pointer: '/brand', detail: 'is changed at product prd_0198c6a17e2f7c44b8d16a0f9e3c2b75' }],
  },
  'currencies-mixed': {
    when: 'The products of the basket are priced in more than one currency, or a variant in another one than its product.',
    todo: 'Place one order for each currency. Price all variants of a product in its currency.',
    detail: '/lines/1/productId is priced in USD, but the first line in EUR.',
    errors: [{ pointer: '/lines/1/productId', detail: 'is priced in USD, but the first line in EUR' }],
  },
  'too-many-unpaid-orders': {
    when: 'The customer’s orders that are neither paid nor ended are too many, or hold too many units of stock.',
    todo: 'Let the customer pay or cancel them first. An unpaid order ends by itself when its reservation does.',
    detail: '200 units are in orders that are not paid yet. Pay or cancel some of them first.',
  },
  'amount-too-large': {
    when: 'The total exceeds the largest amount an order can have.',
    todo: 'Split the order.',
    detail: 'The total is 1200000000000 minor units of EUR. At most 1000000000000 are allowed.',
  },
  'shipping-method-missing': {
    when: 'The shop ships what it sells, and the order names no shipping method.',
    todo: 'Let the customer choose one of `GET /shipping-methods`, and send its code as `shippingMethod`.',
    detail: 'An order needs a shipping method.',
    errors: [{ pointer: '/shippingMethod', detail: 'is missing' }],
  },
  'shipping-address-missing': {
    when: 'What the order costs depends on where it goes: it names a shipping method, or the shop computes tax.',
    todo: 'Send `shippingAddress`. An order that is not shipped may send `billingAddress` alone.',
    detail: 'A shipping method needs an address to ship to.',
    errors: [{ pointer: '/shippingAddress', detail: 'is missing' }],
  },
  'shipping-method-unavailable': {
    when: 'The shipping method does not exist or is not active, or it does not take this order: its country, currency, weight or value.',
    todo: 'Offer the methods that `GET /shipping-methods?country=&currency=` lists. `errors` says what does not fit.',
    detail: 'The shipping method parcel does not serve AU.',
    errors: [{ pointer: '/shippingMethod', detail: 'does not serve AU' }],
  },
  'tax-rate-missing': {
    when: 'The shop computes tax, and has no rate for a tax class of the order where the order goes. It never takes that for a rate of zero.',
    todo: 'Tell the shop. It adds the rate by `PUT /tax-rates/{code}`, one of 0 if nothing is to be paid.',
    detail: 'The shop has no tax rate for the tax class books in DE.',
  },
  'coupon-unknown': {
    when: 'No coupon has this code.',
    todo: 'Ask the customer to look at the code again.',
    detail: 'There is no coupon SPRNG-10.',
    errors: [{ pointer: '/couponCode', detail: 'is no coupon' }],
  },
  'coupon-not-valid': {
    when: 'The coupon is not valid yet, or has expired.',
    todo: 'Order without it.',
    detail: 'The coupon SPRING-10 has expired.',
    errors: [{ pointer: '/couponCode', detail: 'has expired' }],
  },
  'coupon-used-up': {
    when: 'As many orders use the coupon as may, in all or of this customer. It can be used up between a quote and its order.',
    todo: 'Order without it. It can be used again when one of these orders fails or is cancelled.',
    detail: 'The coupon SPRING-10 is used up.',
    errors: [{ pointer: '/couponCode', detail: 'is used up' }],
  },
  'coupon-needs-account': {
    when: 'The coupon can be used so many times by each customer, and the order has none.',
    todo: 'Let the customer sign in.',
    detail: 'The coupon SPRING-10 is for customers who are signed in.',
  },
  'coupon-without-effect': {
    when: 'The coupon takes no more off than the customer gets anyway, is for another currency, or makes a shipping free that costs nothing.',
    todo: 'Order without it, so that its use does not count for nothing.',
    detail: 'The coupon SPRING-10 takes nothing off: the discount that you get without it is not smaller.',
    errors: [{ pointer: '/couponCode', detail: 'takes nothing off' }],
  },
  'total-changed': {
    when: 'The order would cost something else than its `expectedTotal`: a price, a discount, the shipping or the tax has changed since the quote.',
    todo: 'Show the customer the new price, which is in `quote`, and order again with its total.',
    detail: 'The order would cost 10350 minor units of EUR, not 9950 of EUR.',
    errors: [{ pointer: '/expectedTotal', detail: 'is not what the order costs now' }],
  },
  'coupon-limit-too-low': {
    when: 'The new `usageLimit` is below the number of orders that use the coupon.',
    todo: 'Choose a limit of at least `used`. A coupon ends at once with a `validTo` of now.',
    detail: 'More orders use the coupon than the new limit allows.',
    errors: [{ pointer: '/usageLimit', detail: 'is below the number of orders that use the coupon' }],
  },
  'tax-rate-overlaps': {
    when: 'Another rate of the same country, region and tax class is valid at some time of the period.',
    todo: 'End the other rate first: give it a `validTo`.',
    detail: 'Another rate of this country, region and tax class is valid in this period.',
  },
  'too-many-shipping-methods': {
    when: 'The shop has as many shipping methods as it can have.',
    todo: 'Delete or replace those that are not used any more.',
    detail: 'The shop has 200 other shipping methods. More are not possible.',
  },
  'sign-in-locked': {
    path: '/sessions',
    when: 'Too many sign-ins failed for this e-mail from this network, for this e-mail from unknown networks, or from this network for any e-mail.',
    todo: 'Wait as long as `Retry-After` says. Until then the right password is refused too.',
    detail: 'Too many failed sign-ins; wait before trying again.',
  },
  'rate-limited': {
    when: 'This address, customer or application exceeded the number of requests that `RateLimit-Policy` states.',
    todo: 'Wait as long as `Retry-After` says, then slow down. `RateLimit` shows what is left.',
    detail: 'At most 100 requests in 60 seconds for each address. Try again in 53 s.',
  },
  'too-many-at-once': {
    when: 'The caller already runs this expensive operation as often as allowed at the same time.',
    todo: 'Wait until your earlier requests have ended, or as long as `Retry-After` says. Send them one after the other.',
    detail: 'At most 4 such requests at the same time for each application.',
  },
  internal: {
    when: 'An unexpected error occurred. The log has it under `requestId`.',
    todo: 'Try again later, a `POST` with the same `Idempotency-Key`. If the error stays, report the `requestId`.',
  },
  'read-model-behind': {
    when: 'A copy that follows the events has not got the events yet that you asked for with `minSequence`, nor two seconds later.',
    todo: 'Ask again after `Retry-After`, or without `minSequence` for what is there.',
    detail: 'The copy is 4 seconds old. Try again.',
  },
  unavailable: {
    when: 'The database, the session store or the state machine did not answer in time.',
    todo: 'Try again after `Retry-After`, a `POST` with the same `Idempotency-Key`. Nothing happens twice.',
    detail: 'A part of the service is unavailable. Try again shortly.',
  },
};
