/** Suites with a stand-in for Stripe. */
export const stripeSuites = ['test/unit/payments-stripe'];

/** Requests of the adapter that must have been judged, as the judge of Stripe writes them down: every call that it makes. */
export const stripeCalls = [
  'POST /v1/payment_intents allowed_payment_method_types[0] amount capture_method currency metadata[orderId]',
  'POST /v1/payment_intents/:id/confirm payment_method use_stripe_sdk',
  // Manual capture, and an authorization that is voided.
  'POST /v1/payment_intents/:id/confirm expand[0] payment_method use_stripe_sdk',
  'POST /v1/payment_intents/:id/capture ',
  'POST /v1/payment_intents/:id/cancel cancellation_reason',
  // The whole of a payment, and a part of it.
  'POST /v1/refunds metadata[orderId] payment_intent',
  'POST /v1/refunds amount metadata[orderId] metadata[refundId] payment_intent',
  'GET /v1/payment_intents/:id expand[0]',
  'GET /v1/payment_intents/search limit query',
  'GET /v1/payment_intents created[gte] created[lt] expand[0] limit',
  'GET /v1/refunds limit payment_intent',
  'GET /v1/refunds created[gte] created[lt] expand[0] limit',
];

/** Suites with tables of their own. */
export const dynamoSuites = [
  'test/unit/app-keys.test.ts',
  'test/unit/apps-tool.test.ts',
  'test/unit/cache-aside.test.ts',
  'test/unit/identity-refresh.test.ts',
  'test/unit/limits-',
  'test/unit/sessions-store.test.ts',
  'test/infra/local-dynamo.test.ts',
  'test/infra/local-dynamo-transactions.test.ts',
  'test/saga/payments-simulated',
  'test/saga/provider-snapshot.test.ts',
  'test/http/awaited-payments.test.ts',
  'test/http/notices.test.ts',
  'test/http/stripe-webhook.test.ts',
  'test/http/webhook-calls.test.ts',
  'test/http/webhook-delivery.test.ts',
  'test/sql/accounts.test.ts',
];

export const sqlSuites = ['--project', 'sql', '--project', 'saga'];
