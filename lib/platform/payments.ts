import { stopwatch } from '../kernel/clock.ts';
import type { PaymentGateway } from '../shop/payments/gateway.ts';
import { SimulatedGateway } from '../shop/payments/simulated.dynamo.ts';
import { clock } from './clock.ts';
import { config } from './config.ts';
import { dynamo } from './dynamo.ts';
import { fromSecretsManager } from './secrets.ts';

let shared: PaymentGateway | undefined;

/** The process's payment provider, as the configuration names it. */
export function paymentGateway(): PaymentGateway {
  const { PAYMENT_PROVIDER, PAYMENT_TIMEOUT_MS, CHARGES_TABLE } = config();
  shared ??=
    PAYMENT_PROVIDER === 'stripe'
      ? stripe()
      : new SimulatedGateway({
          client: dynamo(),
          table: CHARGES_TABLE,
          clock,
          timeoutMs: PAYMENT_TIMEOUT_MS,
        });
  return shared;
}

/** Loads Stripe's package only where it is used: it is the largest part of the bundle. */
function stripe(): PaymentGateway {
  const loading = import('../shop/payments/stripe.gateway.ts').then(({ stripeGateway }) =>
    stripeGateway({ secretKey, timeoutMs: config().PAYMENT_TIMEOUT_MS, clock, stopwatch }),
  );
  loading.catch(() => {});
  return {
    provider: 'stripe',
    charge: async (request) => (await loading).charge(request),
    compensate: async (request) => (await loading).compensate(request),
    refundPart: async (request) => (await loading).refundPart(request),
    listCharges: async (request) => (await loading).listCharges(request),
    listRefunded: async (request) => (await loading).listRefunded(request),
  };
}

/**
 * Stripe's key: from Secrets Manager, kept for five minutes, or from the environment on a laptop.
 * @throws Error that never shows what was found
 */
async function secretKey(): Promise<string> {
  const { STRIPE_SECRET_ARN, STRIPE_SECRET_KEY } = config();
  const key = STRIPE_SECRET_ARN === undefined ? STRIPE_SECRET_KEY : await fromSecretsManager(STRIPE_SECRET_ARN);
  const trimmed = typeof key === 'string' ? key.trim() : '';
  if (!/^[sr]k_(test|live)_[A-Za-z0-9]+$/.test(trimmed)) {
    throw new Error(
      `${STRIPE_SECRET_ARN === undefined ? 'STRIPE_SECRET_KEY' : 'the secret at STRIPE_SECRET_ARN'} holds no secret key of Stripe`,
    );
  }
  return trimmed;
}
