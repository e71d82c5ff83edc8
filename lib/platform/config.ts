import * as z from 'zod/mini';

const seconds = (fallback: number) => z._default(z.coerce.number().check(z.int(), z.gte(1)), fallback);

const schema = z.object({
  AWS_REGION: z.string(),
  DATABASE_HOST: z.optional(z.string()),
  DATABASE_PORT: z._default(z.coerce.number().check(z.int(), z.gte(1), z.lte(65535)), 5432),
  DATABASE_NAME: z._default(z.string(), 'counterfoil'),
  /** PEM file of the authority that signed the proxy's certificate; Node's own list when absent (RDS Proxy's is in it). */
  DATABASE_CA_FILE: z.optional(z.string()),
  /** 1 on Lambda, where one environment serves one request at a time. */
  DATABASE_POOL_SIZE: z._default(z.coerce.number().check(z.int(), z.gte(1), z.lte(100)), 1),
  SESSIONS_TABLE: z._default(z.string(), 'sessions'),
  LIMITS_TABLE: z._default(z.string(), 'limits'),
  APPLICATIONS_TABLE: z._default(z.string(), 'applications'),
  APP_KEYS_TABLE: z._default(z.string(), 'appKeys'),
  WEBHOOK_EVENTS_TABLE: z._default(z.string(), 'webhookEvents'),
  CHARGES_TABLE: z._default(z.string(), 'charges'),
  AWAITED_PAYMENTS_TABLE: z._default(z.string(), 'awaitedPayments'),
  PROVIDER_CHARGES_TABLE: z._default(z.string(), 'providerCharges'),
  ISSUER_KEYS_TABLE: z._default(z.string(), 'issuerKeys'),
  IDENTITIES_TABLE: z._default(z.string(), 'identities'),
  /** The OpenID Connect issuer whose tokens let customers in, as it writes itself; none without it. */
  IDENTITY_ISSUER: z.optional(z.string().check(z.regex(/^https?:\/\/\S+$/))),
  /** How far the issuer's clock and ours may be apart. */
  IDENTITY_GRACE_SECONDS: z._default(z.coerce.number().check(z.int(), z.gte(0), z.lte(300)), 30),
  /** ARNs of the saga's state machines. */
  PLACING_STATE_MACHINE_ARN: z._default(z.string(), ''),
  COMPENSATING_STATE_MACHINE_ARN: z._default(z.string(), ''),
  REFUNDING_STATE_MACHINE_ARN: z._default(z.string(), ''),
  PAYMENT_PROVIDER: z._default(z.enum(['simulated', 'stripe']), 'simulated'),
  /** ARN of the Secrets Manager secret that holds the Stripe key. */
  STRIPE_SECRET_ARN: z.optional(z.string()),
  /** For a laptop with Stripe's test mode; deployed stages use the secret. */
  STRIPE_SECRET_KEY: z.optional(z.string()),
  /** ARN of the Secrets Manager secret that holds what signs the events of Stripe's webhook. */
  STRIPE_WEBHOOK_SECRET_ARN: z.optional(z.string()),
  /** The same for a laptop; without either there is no webhook. */
  STRIPE_WEBHOOK_SECRET: z.optional(z.string()),
  PAYMENT_TIMEOUT_MS: z._default(z.coerce.number().check(z.int(), z.gte(50), z.lte(20_000)), 8000),
  /** Whether customers must confirm their e-mail before they can sign in. */
  CONFIRM_EMAIL: z._default(z.enum(['none', 'required']), 'none'),
  /** The sender of mails, verified at SES; without one none are sent. */
  MAIL_FROM: z.optional(z.string()),
  /** Pages of the shop that links in mails lead to. */
  ACCOUNT_PAGES_URL: z.optional(z.url({ protocol: /^https?$/ })),
  RATE_LIMIT_PER_MINUTE: z._default(z.coerce.number().check(z.int(), z.gte(1), z.lte(1_000_000)), 100),
  SESSION_IDLE_SECONDS: seconds(24 * 3600),
  SESSION_MAX_SECONDS: seconds(30 * 24 * 3600),
  RESERVATION_SECONDS: seconds(15 * 60),
  SWEEP_AFTER_SECONDS: seconds(60),
  CANCELLATION_WINDOW_SECONDS: seconds(14 * 24 * 3600),
  RECONCILE_DAYS: z._default(z.coerce.number().check(z.int(), z.gte(1), z.lte(30)), 3),
  RECONCILE_GRACE_SECONDS: seconds(3600),
  IDEMPOTENCY_KEY_SECONDS: z._default(z.coerce.number().check(z.int(), z.gte(24 * 3600)), 48 * 3600),
  /** Whole months that records of accesses are kept, beside the present one. */
  AUDIT_MONTHS: z._default(z.coerce.number().check(z.int(), z.gte(3), z.lte(120)), 13),
  RELEASE: z._default(z.string(), 'local'),
});

export type Config = z.output<typeof schema>;

let loaded: Config | undefined;

/**
 * The process's configuration, read from the environment once. This file alone reads `process.env`.
 * @throws Error naming every variable that is missing or not valid
 */
export function config(): Config {
  if (loaded === undefined) {
    // Read once: a parser compiled for it would cost more than it saves.
    const result = z.safeParse(schema, process.env, { jitless: true });
    if (!result.success) {
      const wrong = result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
      throw new Error(`the configuration is not valid: ${wrong.join('; ')}`);
    }
    loaded = result.data;
  }
  return loaded;
}

/** The execution role's credentials as Lambda hands them over; fixed for the life of the environment. */
export const awsCredentials = () => ({
  accessKeyId: process.env.AWS_ACCESS_KEY_ID ?? '',
  secretAccessKey: process.env.AWS_SECRET_ACCESS_KEY ?? '',
  ...(process.env.AWS_SESSION_TOKEN === undefined ? {} : { sessionToken: process.env.AWS_SESSION_TOKEN }),
});

/** Whether this process is a Lambda environment, where set-up is best done while it starts. */
export const onLambda = (): boolean => process.env.AWS_LAMBDA_FUNCTION_NAME !== undefined;
