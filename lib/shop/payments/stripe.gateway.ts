import type { Clock } from '../../kernel/clock.ts';
import { OutcomeUnknown, PaymentDeclined } from '../../kernel/errors.ts';
import { idTimestamp } from '../../kernel/ids.ts';
import {
  type Charge,
  type ChargeRequest,
  type CompensationOutcome,
  type CompensationRequest,
  declined,
  type PaymentGateway,
} from './gateway.ts';
import { toStripeAmount } from './stripe-amount.ts';
import { type Call, isReplayed, type StripeOptions, stripeCalls } from './stripe-calls.gateway.ts';
import { capture, expiryOf } from './stripe-capture.gateway.ts';
import { fromCardError, StripeRefused } from './stripe-errors.ts';
import { checkSame, type Intent, refundedOf, retrieve } from './stripe-intents.gateway.ts';
import { refundPart, refundRest } from './stripe-refunds.gateway.ts';
import { listCharges, listRefunded } from './stripe-transactions.gateway.ts';

const provider = 'stripe';

/** Stripe drops idempotency keys after 24 hours; the intent of an older order is searched before one is created. */
const keyLifeMs = 20 * 3600 * 1000;

/**
 * Stripe with PaymentIntents. An order has one intent, created unconfirmed under a key of its own and then confirmed. If
 * an answer is lost, creating the intent again finds it without charging, and the intent says what happened. An intent
 * succeeds at most once, and never after it is cancelled. With manual capture it waits in `requires_capture` in between.
 */
export function stripeGateway(options: StripeOptions): PaymentGateway {
  const begin = stripeCalls(options);
  return {
    provider,
    charge: (request) => charge(begin(), request, options.clock),
    authorize: (request) => charge(begin(), { ...request, captureAt: 'shipment' }, options.clock),
    capture: (request) => capture(begin(), request),
    compensate: (request) => compensate(begin(), request, options.clock),
    refundPart: (request) => refundPart(begin(), request),
    listCharges: (request) => listCharges(begin(), request),
    listRefunded: (request) => listRefunded(begin(), request),
  };
}

/** What an intent is created for. */
type Creation = Omit<CompensationRequest, 'reference'>;

async function charge(call: Call, request: ChargeRequest & Creation, clock: Clock): Promise<Charge> {
  const { intent, isNew } = await findOrCreate(call, request, clock);
  const current = isNew ? intent : await retrieve(call, intent.id);
  checkSame(current, request);
  if (!isUnconfirmed(current)) return settle(current);
  const { last_payment_error: failure } = current;
  if (failure !== null && fromCardError(failure) instanceof PaymentDeclined) {
    // The customer may have the client secret and could still pay with another card.
    return settle(await cancel(call, request.orderId, current, 'abandoned'));
  }
  return settle(await confirm(call, request, current, failure?.charge));
}

/** The answer that an intent stands for. */
function settle(intent: Intent): Charge {
  switch (intent.status) {
    case 'succeeded':
      // After a refund the charge does not pay for the order any more.
      if (refundedOf(intent) > 0) throw declined('charge_voided');
      return { provider, reference: intent.id };
    case 'requires_capture':
      return { provider, reference: intent.id, authorization: { expiresAt: expiryOf(intent) } };
    case 'requires_action':
      return { provider, reference: intent.id, action: { type: 'stripe', clientSecret: clientSecretOf(intent) } };
    case 'canceled':
      throw intent.cancellation_reason === 'abandoned' ? abandoned(intent) : declined('charge_voided');
    default:
      throw new OutcomeUnknown(`${intent.id} is ${intent.status}`);
  }
}

/** Why an intent was abandoned: what the bank said last, or else that the customer did not authenticate. */
function abandoned({ last_payment_error: failure }: Intent): PaymentDeclined {
  const meaning = failure === null ? undefined : fromCardError(failure);
  return meaning instanceof PaymentDeclined ? meaning : declined('authentication_failed');
}

function clientSecretOf({ id, client_secret: secret }: Intent): string {
  if (secret === null) throw new Error(`${id} has no client secret`);
  return secret;
}

async function compensate(call: Call, request: CompensationRequest, clock: Clock): Promise<CompensationOutcome> {
  let intent = await findForCompensation(call, request, clock);
  if (intent === undefined) return voided(null);
  checkSame(intent, request);
  for (let turn = 0; turn < 3; turn++) {
    if (intent.status === 'canceled') return voided(intent.id);
    if (intent.status === 'succeeded') {
      const refundReference = await refundRest(call, request.orderId, intent);
      return { outcome: 'refunded', provider, reference: intent.id, refundReference };
    }
    intent = await cancel(call, request.orderId, intent, 'requested_by_customer');
  }
  throw new OutcomeUnknown(`${intent.id} is ${intent.status}`);
}

const voided = (reference: string | null): CompensationOutcome => ({
  outcome: 'voided',
  provider,
  reference,
  refundReference: null,
});

/** The order's intent. It is created if it does not exist, so that a charge on its way finds it cancelled. */
async function findForCompensation(
  call: Call,
  request: CompensationRequest,
  clock: Clock,
): Promise<Intent | undefined> {
  if (request.reference !== undefined) return retrieve(call, request.reference);
  try {
    const { intent, isNew } = await findOrCreate(call, request, clock);
    return isNew ? intent : await retrieve(call, intent.id);
  } catch (error) {
    // Stripe never charged an amount that it does not take.
    if (error instanceof PaymentDeclined) return undefined;
    throw error;
  }
}

async function findOrCreate(
  call: Call,
  { orderId, amount, currency, captureAt }: Creation,
  clock: Clock,
): Promise<{ intent: Intent; isNew: boolean }> {
  const stripeAmount = toStripeAmount(amount, currency);
  if (clock.now() - idTimestamp(orderId) > keyLifeMs) {
    const known = await search(call, orderId);
    if (known !== undefined) return { intent: known, isNew: false };
  }
  const created = await call(
    (stripe, options) =>
      stripe.paymentIntents.create(
        {
          amount: stripeAmount,
          currency: currency.toLowerCase(),
          allowed_payment_method_types: ['card'],
          capture_method: captureAt === 'shipment' ? 'manual' : 'automatic',
          metadata: { orderId },
        },
        options,
      ),
    `${orderId}:create`,
  );
  // A replay shows the intent as it was when it was created.
  return { intent: created, isNew: !isReplayed(created) };
}

/**
 * The intent of an old order. A creation that Stripe reported as failed may have left a second one, which nobody knew and
 * so nobody confirmed.
 */
async function search(call: Call, orderId: string): Promise<Intent | undefined> {
  const query = `metadata['orderId']:'${orderId}'`;
  const { data } = await call((stripe, options) => stripe.paymentIntents.search({ query, limit: 100 }, options));
  const confirmed = data.filter((intent) => !isUnconfirmed(intent));
  if (confirmed.length > 1) throw new Error(`${orderId} has more than one PaymentIntent`);
  return confirmed[0] ?? data.toSorted((one, other) => one.created - other.created)[0];
}

/**
 * `failedCharge` is an attempt that met a temporary trouble: Stripe replays its failure under the same key. A replayed
 * answer shows the intent as it was then. The key changes with the parameters.
 */
async function confirm(
  call: Call,
  { orderId, paymentMethod, captureAt }: ChargeRequest & Creation,
  { id }: Intent,
  failedCharge: string | undefined,
): Promise<Intent> {
  let replayed = false;
  const confirmed = await orCurrent(
    call,
    id,
    call(
      async (stripe, options) => {
        const answer = await stripe.paymentIntents.confirm(
          id,
          {
            payment_method: paymentMethod,
            use_stripe_sdk: true,
            // The charge says when the authorization ends.
            ...(captureAt === 'shipment' ? { expand: ['latest_charge'] } : {}),
          },
          options,
        );
        replayed = isReplayed(answer);
        return answer;
      },
      failedCharge === undefined ? `${orderId}:confirm:sdk` : `${orderId}:confirm:sdk:${failedCharge}`,
    ),
  );
  return replayed ? retrieve(call, id) : confirmed;
}

/** The status is in the key, because Stripe would replay the refusal that another status met. */
const cancel = (
  call: Call,
  orderId: string,
  { id, status }: Intent,
  reason: 'abandoned' | 'requested_by_customer',
): Promise<Intent> =>
  orCurrent(
    call,
    id,
    call(
      (stripe, options) => stripe.paymentIntents.cancel(id, { cancellation_reason: reason }, options),
      `${orderId}:cancel:${status}`,
    ),
  );

/** The intent after a step, or the current intent when it changed meanwhile and the step came too late. */
async function orCurrent(call: Call, id: string, step: Promise<Intent>): Promise<Intent> {
  try {
    return await step;
  } catch (error) {
    if (error instanceof StripeRefused && error.code === 'payment_intent_unexpected_state') return retrieve(call, id);
    throw error;
  }
}

const isUnconfirmed = ({ status }: Intent): boolean =>
  status === 'requires_payment_method' || status === 'requires_confirmation';
