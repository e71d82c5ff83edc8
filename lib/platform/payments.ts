import { stopwatch } from '../kernel/clock.ts';
import type { PaymentGateway } from '../shop/payments/gateway.ts';
import { SimulatedGateway } from '../shop/payments/simulated.dynamo.ts';
import { clock } from './clock.ts';
import { config, tableName } from './config.ts';
import { dynamo } from './dynamo.ts';
import { fromSecretsManager } from './secrets.ts';

let shared: PaymentGateway | undefined;

/** The process's payment gateway, for the provider that is configured. */
export function paymentGateway(): PaymentGateway {
  const { PAYMENT_PROVIDER, PAYMENT_TIMEOUT_MS } = config();
  shared ??=
    PAYMENT_PROVIDER === 'stripe'
      ? stripe()
      : new SimulatedGateway({
          client: dynamo(),
          table: tableName('charges'),
          clock,
          timeoutMs: PAYMENT_TIMEOUT_MS,
        });
  return shared;
}

/** Loads Stripe's package only when it is configured: it is the largest part of the bundle. */
function stripe(): PaymentGateway {
  const loading = import('../shop/payments/stripe.gateway.ts').then(({ stripeGateway }) =>
    stripeGateway({ secretKey, timeoutMs: config().PAYMENT_TIMEOUT_MS, clock, stopwatch }),
  );
  loading.catch(() => {});
  return {
    provider: 'stripe',
    charge: async (request) => (await loading).charge(request),
    authorize: async (request) => (await loading).authorize(request),
    capture: async (request) => (await loading).capture(request),
    compensate: async (request) => (await loading).compensate(request),
    refundPart: async (request) => (await loading).refundPart(request),
    listCharges: async (request) => (await loading).listCharges(request),
    listRefunded: async (request) => (await loading).listRefunded(request),
  };
}

/**
 * Stripe's secret key: from Secrets Manager, cached for five minutes, or on a laptop from the environment.
 * @throws Error that never contains the value
 */
async function secretKey(): Promise<string> {
  const { STRIPE_SECRET_ARN, STRIPE_SECRET_KEY } = config();
  const key = STRIPE_SECRET_ARN === undefined ? STRIPE_SECRET_KEY : await fromSecretsManager(STRIPE_SECRET_ARN);
  const trimmed = typeof key === 'string' ? key.trim() : '';
  if (!/^[sr]k_(test|live)_[A-Za-z0-9]+$/.test(trimmed)) {
    throw new Error(
      `${STRIPE_SECRET_ARN === undefined ? 'STRIPE_SECRET_KEY' : 'the secret at STRIPE_SECRET_ARN'} does not contain a secret key of Stripe`,
    );
  }
  return trimmed;
}
