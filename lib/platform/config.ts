import * as z from 'zod/mini';
import { type TableName, tableVariable } from '../contract/deploy/tables.ts';

const seconds = (fallback: number) => z._default(z.coerce.number().check(z.int(), z.gte(1)), fallback);

const schema = z.object({
  AWS_REGION: z.string(),
  DATABASE_HOST: z.optional(z.string()),
  DATABASE_PORT: z._default(z.coerce.number().check(z.int(), z.gte(1), z.lte(65535)), 5432),
  /** The endpoint of the database's readers; without it reports are read from the writer. */
  DATABASE_READER_HOST: z.optional(z.string()),
  /** By default that of the writer. */
  DATABASE_READER_PORT: z.optional(z.coerce.number().check(z.int(), z.gte(1), z.lte(65535))),
  /** The bucket of the warehouse. Without it reports read all of their period from the database. */
  WAREHOUSE_BUCKET: z.optional(z.string()),
  /** The Glue database of its tables, and the workgroup of Athena that asks them. */
  WAREHOUSE_DATABASE: z._default(z.string().check(z.regex(/^[a-z0-9_]+$/)), 'counterfoil'),
  WAREHOUSE_WORKGROUP: z._default(z.string(), 'counterfoil-reports'),
  /** The bucket of exported reports. Without it there are no exports. */
  REPORT_FILES_BUCKET: z.optional(z.string().check(z.minLength(3))),
  /** Where that bucket is, if not in S3. */
  REPORT_FILES_URL: z.optional(z.url({ protocol: /^https?$/ })),
  DATABASE_NAME: z._default(z.string(), 'counterfoil'),
  /** PEM file of the proxy's certificate authority. By default Node.js's own list, which contains that of RDS Proxy. */
  DATABASE_CA_FILE: z.optional(z.string()),
  /** For a database without IAM: the password of each role follows from it. */
  DATABASE_SECRET: z.optional(z.string().check(z.minLength(32))),
  /** For a database of the shop without IAM: the secret of each role is called `<this>/<role>`. */
  DATABASE_SECRETS: z.optional(z.string()),
  /** Of who makes that database and its owner, for the migrations alone. */
  DATABASE_ADMIN_SECRET_ARN: z.optional(z.string()),
  /** Where Secrets Manager is, if not at AWS. */
  SECRETS_URL: z.optional(z.url({ protocol: /^https?$/ })),
  /** `off` only on a network that nobody else is on. */
  DATABASE_TLS: z._default(z.enum(['verify', 'off']), 'verify'),
  /** 1 on Lambda, where an environment serves one request at a time. */
  DATABASE_POOL_SIZE: z._default(z.coerce.number().check(z.int(), z.gte(1), z.lte(100)), 1),
  /** Whether statements are prepared once for each connection: one round trip instead of two, and no parsing again. */
  PREPARED_STATEMENTS: z._default(z.enum(['on', 'off']), 'on'),
  /** Which statements name the API request that they are for: those of one request in a hundred, or of all. */
  SQL_COMMENTS: z._default(z.enum(['none', 'sampled', 'all']), 'sampled'),
  /** The OpenID Connect issuer whose tokens customers can sign in with, exactly as in its tokens. */
  IDENTITY_ISSUER: z.optional(z.string().check(z.regex(/^https?:\/\/\S+$/))),
  /** How far the clocks of the issuer and this machine may differ. */
  IDENTITY_GRACE_SECONDS: z._default(z.coerce.number().check(z.int(), z.gte(0), z.lte(300)), 30),
  /** ARNs of the saga's state machines. */
  PLACING_STATE_MACHINE_ARN: z._default(z.string(), ''),
  COMPENSATING_STATE_MACHINE_ARN: z._default(z.string(), ''),
  CAPTURING_STATE_MACHINE_ARN: z._default(z.string(), ''),
  REFUNDING_STATE_MACHINE_ARN: z._default(z.string(), ''),
  /** The alias of the state machines that executions are started by; without it the newest definition runs. */
  STATE_MACHINE_ALIAS: z.optional(z.string()),
  /** The bus that domain events are published to. */
  EVENT_BUS_NAME: z._default(z.string(), 'counterfoil'),
  /** Where webhooks may be sent: `any` lets a laptop send to itself. */
  WEBHOOK_TARGETS: z._default(z.enum(['public', 'any']), 'public'),
  /** Whether reads of the catalogue go through the cache. */
  CACHE: z._default(z.enum(['on', 'off']), 'on'),
  /** How long caches between clients and the API may serve the catalogue without asking. */
  CATALOG_MAX_AGE_SECONDS: z._default(z.coerce.number().check(z.int(), z.gte(0), z.lte(3600)), 0),
  /** By which the stage's CDN proves that a request comes from it. */
  EDGE_KEY: z.optional(z.string().check(z.minLength(32))),
  /** ARN of the Secrets Manager secret that says where notices of alarms go. */
  NOTICES_SECRET_ARN: z.optional(z.string()),
  /** The same for a laptop: `{"slack":url,"teams":url,"webhook":{"url":url,"secret":"whsec_…"}}`, each of them optional. */
  NOTICES: z.optional(z.string()),
  /** Who gets notices of alarms by mail. On AWS the topic of the alarms sends mails itself. */
  NOTICE_MAIL: z.optional(z.string()),
  /** ARN of the Secrets Manager secret with the tokens of who may read the metrics. */
  METRICS_SECRET_ARN: z.optional(z.string()),
  PAYMENT_PROVIDER: z._default(z.enum(['simulated', 'stripe']), 'simulated'),
  /** ARN of the Secrets Manager secret that holds the Stripe key. */
  STRIPE_SECRET_ARN: z.optional(z.string()),
  /** For a laptop in Stripe's test mode; deployed stages use the secret. */
  STRIPE_SECRET_KEY: z.optional(z.string()),
  /** ARN of the Secrets Manager secret with the signing secret of the Stripe webhook. */
  STRIPE_WEBHOOK_SECRET_ARN: z.optional(z.string()),
  /** The same for a laptop. Without either, no webhook is set up. */
  STRIPE_WEBHOOK_SECRET: z.optional(z.string()),
  PAYMENT_TIMEOUT_MS: z._default(z.coerce.number().check(z.int(), z.gte(50), z.lte(20_000)), 8000),
  /** What an answer with `include` may take for all its parts together. */
  INCLUDE_TIMEOUT_MS: z._default(z.coerce.number().check(z.int(), z.gte(50), z.lte(8000)), 1000),
  /** Whether customers must confirm their e-mail address before they can sign in. */
  CONFIRM_EMAIL: z._default(z.enum(['none', 'required']), 'none'),
  /** The sender of mails, verified in SES. Without it, no mails are sent. */
  MAIL_FROM: z.optional(z.string()),
  /** Whether customers get mails about their orders. */
  ORDER_MAILS: z._default(z.enum(['none', 'all']), 'none'),
  /** Base URL of the shop's account pages, which the links in mails point to. */
  ACCOUNT_PAGES_URL: z.optional(z.url({ protocol: /^https?$/ })),
  RATE_LIMIT_PER_MINUTE: z._default(z.coerce.number().check(z.int(), z.gte(1), z.lte(1_000_000)), 100),
  /** Rate classes that have other multiples than in the code: `high:20/5/1000` are those of address, customer and application. */
  RATE_CLASSES: z.optional(z.string()),
  SESSION_IDLE_SECONDS: seconds(24 * 3600),
  SESSION_MAX_SECONDS: seconds(30 * 24 * 3600),
  RESERVATION_SECONDS: seconds(15 * 60),
  SWEEP_AFTER_SECONDS: seconds(60),
  /** What the numbers of new orders begin with. */
  ORDER_NUMBER_PREFIX: z._default(z.string().check(z.regex(/^[A-Z0-9]{1,10}$/)), 'CF'),
  /** How many orders of one customer may be neither paid nor ended, and how many units they may hold. */
  MAX_UNPAID_ORDERS: z._default(z.coerce.number().check(z.int(), z.gte(1)), 100),
  MAX_UNPAID_UNITS: z._default(z.coerce.number().check(z.int(), z.gte(1)), 200),
  /** Whether orders are taxed, and whether prices include the tax. */
  TAX: z._default(z.enum(['none', 'included', 'excluded']), 'none'),
  /** Whether an order must name a shipping method. */
  SHIPPING_METHOD: z._default(z.enum(['optional', 'required']), 'optional'),
  /** When the payment of a new order is captured. */
  CAPTURE_AT: z._default(z.enum(['checkout', 'shipment']), 'checkout'),
  /** What is done about an authorization that ends before anything shipped, and how long before it ends. */
  AUTHORIZATION_EXPIRY: z._default(z.enum(['capture', 'review']), 'capture'),
  AUTHORIZATION_MARGIN_SECONDS: seconds(2 * 24 * 3600),
  CANCELLATION_WINDOW_SECONDS: seconds(14 * 24 * 3600),
  RECONCILE_DAYS: z._default(z.coerce.number().check(z.int(), z.gte(1), z.lte(30)), 3),
  RECONCILE_GRACE_SECONDS: seconds(3600),
  IDEMPOTENCY_KEY_SECONDS: z._default(z.coerce.number().check(z.int(), z.gte(24 * 3600)), 48 * 3600),
  /** How many whole months, besides the current one, access records are kept. */
  AUDIT_MONTHS: z._default(z.coerce.number().check(z.int(), z.gte(3), z.lte(120)), 13),
  /** After how many months without a change an order that has ended moves to the archive. */
  ARCHIVE_AFTER_MONTHS: z._default(z.coerce.number().check(z.int(), z.gte(3), z.lte(120)), 24),
  RELEASE: z._default(z.string(), 'local'),
  /** By which its metrics are told from those of other stages in the account. */
  STAGE: z._default(z.string().check(z.regex(/^[a-z0-9-]{1,40}$/)), 'local'),
});

export type Config = z.output<typeof schema>;

let loaded: Config | undefined;

/**
 * The process's configuration, read from the environment once. No other file reads `process.env`.
 * @throws Error that names every missing or invalid variable
 */
export function config(): Config {
  if (loaded === undefined) {
    // Parsed once: compiling a parser would cost more than it saves.
    const result = z.safeParse(schema, process.env, { jitless: true });
    if (!result.success) {
      throw new Error(`invalid configuration: ${sentencesOf(result.error).join('; ')}`);
    }
    loaded = result.data;
  }
  return loaded;
}

/** The name of a DynamoDB table. CDK sets it on AWS; on a laptop a table is called as in the code. */
export const tableName = (table: TableName): string => process.env[tableVariable(table)] ?? table;

/** What is wrong with values of variables, before anybody runs with them; each as a sentence's rest that begins with the name. */
export function wrongVariables(values: Readonly<Record<string, string>>): string[] {
  const { error } = z.safeParse(schema, { AWS_REGION: 'none', ...values }, { jitless: true });
  return error === undefined ? [] : sentencesOf(error);
}

const sentencesOf = ({ issues }: z.core.$ZodError): string[] =>
  issues.map(({ path, message }) => `${path.join('.')}: ${message}`);

/** The configuration of an environment that sets nothing but its region, for the documentation. */
export const defaultConfig = (): Config => z.parse(schema, { AWS_REGION: 'none' }, { jitless: true });

export type AwsCredentials = { accessKeyId: string; secretAccessKey: string; sessionToken?: string; expiration?: Date };

/** Where credentials come from. */
let source = async (): Promise<AwsCredentials> => ({
  accessKeyId: process.env.AWS_ACCESS_KEY_ID ?? '',
  secretAccessKey: process.env.AWS_SECRET_ACCESS_KEY ?? '',
  ...(process.env.AWS_SESSION_TOKEN === undefined ? {} : { sessionToken: process.env.AWS_SESSION_TOKEN }),
});

/** The credentials of now: those of the execution role, which Lambda sets once for each environment, if no host has set others. */
export const awsCredentials = (): Promise<AwsCredentials> => source();

/** Sets where credentials come from that expire. For a container; a function on AWS never calls it. */
export function useAwsCredentials(other: () => Promise<AwsCredentials>): void {
  source = other;
}

/** Where a service is, by the SDK's variables; undefined at AWS. */
export const awsEndpoint = (service: 'DYNAMODB' | 'SFN' | 'EVENTBRIDGE'): string | undefined =>
  process.env[`AWS_ENDPOINT_URL_${service}`] || process.env.AWS_ENDPOINT_URL || undefined;

/** What tells AWS the trace of Lambda's current run, and lets it stop functions that call each other for ever. */
export const traceHeader = (): string | undefined => process.env._X_AMZN_TRACE_ID || undefined;

/** The version of the function that this process runs, where versions take turns; undefined where there is only the newest. */
export function functionVersion(): string | undefined {
  const { AWS_LAMBDA_FUNCTION_VERSION: version } = process.env;
  return version === '$LATEST' ? undefined : version;
}

/** The trace that Lambda's current run belongs to, and where parts of it go; undefined where this run is not traced. */
export function traceOfRun(): { root: string; parent: string; daemon: string } | undefined {
  const { _X_AMZN_TRACE_ID: header = '', AWS_XRAY_DAEMON_ADDRESS: daemon } = process.env;
  const { Root: root, Parent: parent, Sampled } = Object.fromEntries(header.split(';').map((part) => part.split('=')));
  return daemon === undefined || root === undefined || parent === undefined || Sampled !== '1'
    ? undefined
    : { root, parent, daemon };
}

/** Whether this process is a Lambda environment. */
export const onLambda = (): boolean => process.env.AWS_LAMBDA_FUNCTION_NAME !== undefined;
