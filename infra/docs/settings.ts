import { type Config, defaultConfig } from '../../lib/platform/config.ts';
import { code, markdownTable } from './table.ts';

/**
 * Who sets a variable. On a laptop: `yours` (taken from the shell), `set` (by the local stack), `default`. On AWS:
 * `set` (by CDK), `-c` (by a deployment's `-c NAME=number`), `default`.
 */
type Setting = { laptop: string; aws: string; what: string };

/** Every variable of the functions, in the order of the page. A variable without a row does not compile. */
const settings: Readonly<Record<keyof Config, Setting>> = {
  AWS_REGION: {
    laptop: 'set',
    aws: 'by Lambda',
    what: 'region of DynamoDB, Step Functions and the IAM token; required',
  },
  WAREHOUSE_BUCKET: {
    laptop: 'set',
    aws: 'set where the profile has a warehouse',
    what: 'bucket of [the warehouse](analytics.md#the-warehouse); without it reports read all of their period from the database',
  },
  WAREHOUSE_DATABASE: {
    laptop: 'default',
    aws: 'set where the profile has a warehouse',
    what: 'Glue database of its tables',
  },
  WAREHOUSE_WORKGROUP: {
    laptop: 'default',
    aws: 'set where the profile has a warehouse',
    what: 'workgroup of Athena that reports ask',
  },
  REPORT_FILES_BUCKET: {
    laptop: 'set',
    aws: 'set',
    what: 'bucket of exported reports; without it there are none',
  },
  REPORT_FILES_URL: { laptop: 'set', aws: 'default', what: 'where that bucket is; by default S3' },
  DATABASE_HOST: { laptop: 'set', aws: 'set', what: 'host of RDS Proxy; required by functions with a database role' },
  DATABASE_READER_HOST: {
    laptop: 'set',
    aws: 'set where the profile has a reader',
    what: 'read-only endpoint of RDS Proxy, for reports; without it they read from the writer',
  },
  DATABASE_READER_PORT: { laptop: 'set', aws: 'default', what: 'its port; by default that of the writer' },
  DATABASE_PORT: { laptop: 'set', aws: 'default', what: 'port of RDS Proxy, or of a database of the shop' },
  DATABASE_NAME: { laptop: 'default', aws: 'set', what: 'name of the database' },
  DATABASE_CA_FILE: {
    laptop: 'set',
    aws: 'default',
    what: "PEM file of the authority that signed the proxy's certificate; Node's own list by default, which has RDS Proxy's",
  },
  DATABASE_SECRET: {
    laptop: 'default',
    aws: 'default',
    what: '[containers](containers.md) alone: 32 characters or more from which the password of each database role follows; IAM tokens without it',
  },
  DATABASE_SECRETS: {
    laptop: 'default',
    aws: 'set for [a database of the shop](deploy.md#a-database-of-the-shop) without IAM',
    what: 'what the names of the secrets with the passwords of database roles begin with',
  },
  DATABASE_ADMIN_SECRET_ARN: {
    laptop: 'default',
    aws: 'set for the migrations of such a database',
    what: 'ARN of the secret of who makes the database and its owner; by `-c databaseSecretArn=`',
  },
  SECRETS_URL: {
    laptop: 'default',
    aws: 'default',
    what: 'where Secrets Manager is asked for those passwords, if not at AWS',
  },
  DATABASE_TLS: {
    laptop: 'default',
    aws: 'default',
    what: '`off` connects without TLS, on a network that nobody else is on',
  },
  DATABASE_POOL_SIZE: {
    laptop: 'set, 12',
    aws: 'default',
    what: 'connections of a process, 1–100; a Lambda environment serves one request at a time',
  },
  PREPARED_STATEMENTS: {
    laptop: 'yours',
    aws: '`-c preparedStatements=off`',
    what: '`on` or `off`: whether statements are prepared; switch off if [connections are pinned](runbooks/proxy-pinned.md)',
  },
  SQL_COMMENTS: {
    laptop: 'yours',
    aws: '`-c sqlComments=none\\|sampled\\|all`',
    what: 'which statements name the API request that they are for in a comment: of one request in a hundred, of all, or of none ([ADR 108](decisions/0108-sampled-sql-comments.md))',
  },
  IDENTITY_ISSUER: {
    laptop: 'yours, else set',
    aws: 'set',
    what: 'the OpenID Connect issuer whose tokens are accepted, exactly as it writes itself ([identity.md](identity.md)); on AWS the Cognito user pool, or `-c identityIssuer=`',
  },
  IDENTITY_GRACE_SECONDS: {
    laptop: 'yours',
    aws: '`-c`',
    what: "how far the issuer's clock and ours may differ, 0–300",
  },
  PLACING_STATE_MACHINE_ARN: { laptop: 'set', aws: 'set', what: 'the state machine that places orders' },
  STATE_MACHINE_ALIAS: {
    laptop: 'default',
    aws: 'set',
    what: 'the alias of the state machines that executions are started by ([canaries](deploy.md#canaries)); without it the newest definition runs',
  },
  COMPENSATING_STATE_MACHINE_ARN: { laptop: 'set', aws: 'set', what: 'the state machine that compensates orders' },
  CAPTURING_STATE_MACHINE_ARN: {
    laptop: 'set',
    aws: 'set',
    what: 'the state machine that captures authorized payments',
  },
  REFUNDING_STATE_MACHINE_ARN: { laptop: 'set', aws: 'set', what: 'the state machine that makes partial refunds' },
  CACHE: {
    laptop: 'yours',
    aws: '`-c cache=off`',
    what: '`on` or `off`: whether reads of the catalogue go through [the cache](data.md#cache)',
  },
  CATALOG_MAX_AGE_SECONDS: {
    laptop: 'yours',
    aws: '`-c catalogMaxAge=`',
    what: 'how long [shared caches](data.md#shared-caches) may serve the catalogue without asking, 0–3600 s; 0: they ask each time',
  },
  EDGE_KEY: {
    laptop: 'default',
    aws: 'set',
    what: 'by which the CDN of the catalogue proves that a request comes from it; with `-c catalogMaxAge=`',
  },
  PAYMENT_PROVIDER: {
    laptop: 'yours',
    aws: 'set',
    what: '`simulated` or `stripe`; on AWS by `-c paymentProvider=`',
  },
  STRIPE_SECRET_ARN: {
    laptop: 'default',
    aws: 'set',
    what: "ARN of the Secrets Manager secret with Stripe's key; by `-c stripeSecretArn=`",
  },
  STRIPE_SECRET_KEY: { laptop: 'yours', aws: 'default', what: "Stripe's key itself, for its test mode on a laptop" },
  NOTICES_SECRET_ARN: {
    laptop: 'default',
    aws: 'set',
    what: 'ARN of the Secrets Manager secret with the addresses that [notices](notices.md) go to; by `-c noticesSecretArn=`',
  },
  NOTICES: { laptop: 'yours', aws: 'default', what: 'those addresses themselves, as JSON; a secret' },
  NOTICE_MAIL: {
    laptop: 'yours, else set, duty@example.com',
    aws: 'default',
    what: 'who gets notices by mail; on AWS `-c alarmEmail=`',
  },
  METRICS_SECRET_ARN: {
    laptop: 'default',
    aws: 'set',
    what: 'ARN of the Secrets Manager secret with the tokens that [Prometheus](deploy.md#metrics-for-prometheus) shows; by `-c metricsSecretArn=`',
  },
  STRIPE_WEBHOOK_SECRET_ARN: {
    laptop: 'default',
    aws: 'set',
    what: "ARN of the Secrets Manager secret that signs Stripe's events; by `-c stripeWebhookSecretArn=`",
  },
  STRIPE_WEBHOOK_SECRET: {
    laptop: 'yours',
    aws: 'default',
    what: 'that secret itself, on a laptop; two secrets are separated by a space or comma',
  },
  INCLUDE_TIMEOUT_MS: {
    laptop: 'yours',
    aws: '`-c`',
    what: 'the longest time of an answer with `include`, for all its parts together, 50–8000 ms',
  },
  PAYMENT_TIMEOUT_MS: {
    laptop: 'yours, else 1000',
    aws: '`-c`',
    what: 'the longest time of one charge or one refund, 50–20000 ms',
  },
  CONFIRM_EMAIL: {
    laptop: 'yours',
    aws: 'set',
    what: '`required`: customers sign in only after confirming their e-mail; on AWS by profile or `-c confirmEmail=`',
  },
  MAIL_FROM: {
    laptop: 'default',
    aws: 'set',
    what: 'sender of mails, verified at SES; without it no mails are sent; by `-c mailFrom=`',
  },
  ACCOUNT_PAGES_URL: {
    laptop: 'yours',
    aws: 'set',
    what: 'pages of the shop that links in mails lead to ([accounts](accounts.md#pages-of-the-shop)); by `-c accountPages=`',
  },
  ORDER_MAILS: {
    laptop: 'yours',
    aws: 'set',
    what: '`all`: customers get [mails about their orders](events.md#mails-about-orders); by `-c orderMails=`',
  },
  WEBHOOK_TARGETS: {
    laptop: 'set, any',
    aws: 'default',
    what: 'where [webhooks](webhooks.md) may be sent: `public`, HTTPS to the internet alone, or `any`',
  },
  EVENT_BUS_NAME: { laptop: 'default', aws: 'set', what: 'the bus that [domain events](events.md) are published to' },
  RATE_LIMIT_PER_MINUTE: {
    laptop: 'yours',
    aws: '`-c`',
    what: 'requests in 60 seconds that the [rate classes](limits.md) multiply, 1–1000000',
  },
  RATE_CLASSES: {
    laptop: 'yours',
    aws: '`-c rateClasses=`',
    what: 'rate classes with [multiples of their own](limits.md#what-is-counted), such as `high:20/5/1000`',
  },
  SESSION_IDLE_SECONDS: { laptop: 'yours', aws: '`-c`', what: 'a session ends after this time without a request' },
  SESSION_MAX_SECONDS: { laptop: 'yours', aws: '`-c`', what: 'a session ends after this time in any case' },
  TAX: {
    laptop: 'yours',
    aws: '`-c tax=`',
    what: 'whether orders are taxed ([pricing](pricing.md#tax)): `none`, or prices `included` or `excluded` the tax',
  },
  SHIPPING_METHOD: {
    laptop: 'yours',
    aws: '`-c shippingMethod=`',
    what: '`required`: an order must name a shipping method ([pricing](pricing.md#shipping))',
  },
  RESERVATION_SECONDS: { laptop: 'yours', aws: '`-c`', what: 'a reservation expires after this time' },
  SWEEP_AFTER_SECONDS: {
    laptop: 'set, 2',
    aws: 'default',
    what: 'the sweeper leaves an order to its saga for this time',
  },
  ORDER_NUMBER_PREFIX: {
    laptop: 'yours',
    aws: '`-c orderNumberPrefix=`',
    what: 'what the [numbers](orders.md#numbers) of new orders begin with: 1–10 capital letters or digits',
  },
  MAX_UNPAID_ORDERS: {
    laptop: 'yours',
    aws: '`-c`',
    what: 'how many orders of one customer may be neither paid nor ended; another one gets 409',
  },
  MAX_UNPAID_UNITS: { laptop: 'yours', aws: '`-c`', what: 'how many units of stock those orders may hold together' },
  CAPTURE_AT: {
    laptop: 'yours',
    aws: '`-c captureAt=checkout\\|shipment`',
    what: 'when the payment of a new order is captured; an order keeps what was set when it was placed ([payments.md](payments.md#authorize-at-checkout-capture-at-shipment))',
  },
  AUTHORIZATION_EXPIRY: {
    laptop: 'yours',
    aws: '`-c authorizationExpiry=capture\\|review`',
    what: 'what happens to an authorized payment that nobody has captured when its authorization ends soon: it is captured, or the order goes to manual review',
  },
  AUTHORIZATION_MARGIN_SECONDS: {
    laptop: 'yours',
    aws: '`-c`',
    what: 'how long before the end of the authorization that happens',
  },
  CANCELLATION_WINDOW_SECONDS: {
    laptop: 'yours',
    aws: '`-c`',
    what: 'an order can be cancelled for this time after its confirmation',
  },
  RECONCILE_DAYS: {
    laptop: 'yours',
    aws: '`-c`',
    what: "how many days [reconciliation](reconciliation.md) looks back at the provider's transactions, 1–30",
  },
  RECONCILE_GRACE_SECONDS: {
    laptop: 'yours',
    aws: '`-c`',
    what: 'an orphaned charge is refunded after this time',
  },
  IDEMPOTENCY_KEY_SECONDS: {
    laptop: 'default',
    aws: '`-c`',
    what: 'how long first answers are kept, at least 86400',
  },
  AUDIT_MONTHS: {
    laptop: 'yours',
    aws: '`-c`',
    what: 'whole months of [the audit](audit.md) to keep, besides the current one, 3–120',
  },
  ARCHIVE_AFTER_MONTHS: {
    laptop: 'yours',
    aws: '`-c`',
    what: 'an ended order without a change for so many months moves to the [archive](data.md#the-archive), 3–120',
  },
  RELEASE: {
    laptop: 'default',
    aws: 'set',
    what: 'the version that `GET /health` shows; on AWS by `-c release=`, else from package.json',
  },
  STAGE: {
    laptop: 'set',
    aws: 'set',
    what: 'the dimension `stage` of every metric, by which two stages in one account do not mix',
  },
};

/** The table of the functions' settings, with the defaults of the code. */
export function settingTable(): string {
  const defaults: Readonly<Record<string, unknown>> = defaultConfig();
  return markdownTable(
    ['variable', 'default', '`npm start`', 'AWS', 'what'],
    Object.entries(settings).map(([name, { laptop, aws, what }]) => [
      code(name),
      name === 'AWS_REGION' || defaults[name] === undefined
        ? '—'
        : defaults[name] === ''
          ? 'empty'
          : code(String(defaults[name])),
      laptop,
      aws,
      what,
    ]),
  );
}
