import type Stripe from 'stripe';
import type { Charge, Refund } from '../contract/saga.ts';
import type { Clock } from '../kernel/clock.ts';
import { AnswerLost, PaymentDeclined } from '../kernel/errors.ts';
import { ChargeDiffers, type ChargeRequest, declined, type PaymentGateway, type UndoRequest } from './gateway.ts';
import { toStripeAmount } from './stripe-amount.ts';
import { type Call, type StripeOptions, stripeCalls } from './stripe-calls.gateway.ts';
import { fromCardError, StripeRefused } from './stripe-errors.ts';

type Intent = Stripe.PaymentIntent;

const provider = 'stripe';

/** Stripe forgets idempotency keys when they are 24 hours old; an older order is looked up before it is created. */
const keyLifeMs = 20 * 3600 * 1000;

/**
 * Stripe by PaymentIntents. An order has one intent, created unconfirmed under a key of its own and then confirmed:
 * whatever becomes of an answer, creating it again finds the intent without charging, and the intent tells what
 * happened. An intent succeeds at most once, and never after it is cancelled.
 */
export function stripeGateway(options: StripeOptions): PaymentGateway {
  const begin = stripeCalls(options);
  return {
    provider,
    charge: (request) => charge(begin(), request, options.clock),
    undo: (request) => undo(begin(), request, options.clock),
  };
}

async function charge(call: Call, request: ChargeRequest, clock: Clock): Promise<Charge> {
  const { intent, isNew } = await findOrCreate(call, request, clock);
  const current = isNew ? intent : await retrieve(call, intent.id);
  checkSame(current, request);
  const { last_payment_error: failure } = current;
  if (!isUnconfirmed(current)) return settle(call, request, current);
  if (failure !== null) {
    const meaning = fromCardError(failure);
    if (meaning instanceof PaymentDeclined) throw meaning;
  }
  return settle(call, request, await confirm(call, request, current, failure?.charge));
}

/** The answer that an intent stands for. */
async function settle(call: Call, { orderId }: ChargeRequest, intent: Intent): Promise<Charge> {
  switch (intent.status) {
    case 'succeeded':
      if (isRefunded(intent)) throw declined('charge_voided');
      return { provider, reference: intent.id };
    case 'canceled':
      throw declined(intent.cancellation_reason === 'abandoned' ? 'authentication_required' : 'charge_voided');
    case 'requires_action':
      // Nobody is there to authenticate: the saga has no way to the customer's browser.
      await cancel(call, orderId, intent, 'abandoned');
      throw declined('authentication_required');
    default:
      throw new AnswerLost(`${intent.id} is ${intent.status}`);
  }
}

async function undo(call: Call, request: UndoRequest, clock: Clock): Promise<Refund> {
  let intent = await findForUndo(call, request, clock);
  if (intent === undefined) return voided(null);
  checkSame(intent, request);
  for (let turn = 0; turn < 3; turn++) {
    if (intent.status === 'canceled') return voided(intent.id);
    if (intent.status === 'succeeded') {
      const refundReference = await refund(call, request.orderId, intent);
      return { outcome: 'refunded', provider, reference: intent.id, refundReference };
    }
    intent = await cancel(call, request.orderId, intent, 'requested_by_customer');
  }
  throw new AnswerLost(`${intent.id} is ${intent.status}`);
}

const voided = (reference: string | null): Refund => ({
  outcome: 'voided',
  provider,
  reference,
  refundReference: null,
});

/** The order's intent, made when there is none, so that a charge on its way finds it cancelled. */
async function findForUndo(call: Call, request: UndoRequest, clock: Clock): Promise<Intent | undefined> {
  if (request.reference !== undefined) return retrieve(call, request.reference);
  try {
    const { intent, isNew } = await findOrCreate(call, request, clock);
    return isNew ? intent : await retrieve(call, intent.id);
  } catch (error) {
    // An amount that Stripe does not take was never charged.
    if (error instanceof PaymentDeclined) return undefined;
    throw error;
  }
}

async function findOrCreate(
  call: Call,
  { orderId, amount, currency }: UndoRequest,
  clock: Clock,
): Promise<{ intent: Intent; isNew: boolean }> {
  const stripeAmount = toStripeAmount(amount, currency);
  if (clock.now() - createdAt(orderId) > keyLifeMs) {
    const query = `metadata['orderId']:'${orderId}'`;
    const { data } = await call((stripe, options) => stripe.paymentIntents.search({ query, limit: 2 }, options));
    if (data.length > 1) throw new Error(`${orderId} has more than one PaymentIntent`);
    if (data[0] !== undefined) return { intent: data[0], isNew: false };
  }
  const created = await call(
    (stripe, options) =>
      stripe.paymentIntents.create(
        {
          amount: stripeAmount,
          currency: currency.toLowerCase(),
          allowed_payment_method_types: ['card'],
          capture_method: 'automatic',
          metadata: { orderId },
        },
        options,
      ),
    `${orderId}:create`,
  );
  // A replay shows the intent as it was when it was created.
  return { intent: created, isNew: created.lastResponse.headers['idempotent-replayed'] !== 'true' };
}

const retrieve = (call: Call, id: string): Promise<Intent> =>
  call((stripe, options) => stripe.paymentIntents.retrieve(id, { expand: ['latest_charge'] }, options));

/** `failedCharge` is the attempt that met a passing trouble: Stripe repeats its failure under the same key. */
const confirm = (
  call: Call,
  { orderId, paymentMethod }: ChargeRequest,
  { id }: Intent,
  failedCharge: string | undefined,
): Promise<Intent> =>
  orCurrent(
    call,
    id,
    call(
      (stripe, options) => stripe.paymentIntents.confirm(id, { payment_method: paymentMethod }, options),
      failedCharge === undefined ? `${orderId}:confirm` : `${orderId}:confirm:${failedCharge}`,
    ),
  );

/** The status is in the key, because Stripe would repeat the refusal that another status met. */
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

/** What the step made of the intent, or what it has become meanwhile so that the step came too late. */
async function orCurrent(call: Call, id: string, step: Promise<Intent>): Promise<Intent> {
  try {
    return await step;
  } catch (error) {
    if (error instanceof StripeRefused && error.code === 'payment_intent_unexpected_state') return retrieve(call, id);
    throw error;
  }
}

/** Gives back whatever of the intent's money is still kept, and names the refund. */
async function refund(call: Call, orderId: string, { id }: Intent): Promise<string> {
  try {
    const made = await call(
      (stripe, options) => stripe.refunds.create({ payment_intent: id, metadata: { orderId } }, options),
      `${orderId}:refund`,
    );
    if (!isStanding(made)) throw new Error(`refund ${made.id} is ${made.status}`);
    return made.id;
  } catch (error) {
    if (!(error instanceof StripeRefused && error.code === 'charge_already_refunded')) throw error;
  }
  const { data } = await call((stripe, options) => stripe.refunds.list({ payment_intent: id, limit: 10 }, options));
  const known = data.find(isStanding);
  if (known === undefined) throw new Error(`${id} is refunded without a refund`);
  return known.id;
}

const isStanding = ({ status }: Stripe.Refund): boolean => status !== 'failed' && status !== 'canceled';

const isUnconfirmed = ({ status }: Intent): boolean =>
  status === 'requires_payment_method' || status === 'requires_confirmation';

/** Some or all of the money went back: the charge does not pay for the order any more. */
const isRefunded = ({ latest_charge: taken }: Intent): boolean =>
  typeof taken === 'object' && taken !== null && taken.amount_refunded > 0;

function checkSame(intent: Intent, { orderId, amount, currency }: UndoRequest): void {
  if (intent.metadata.orderId !== orderId) {
    throw new ChargeDiffers(orderId, 'the order', orderId, intent.metadata.orderId);
  }
  if (intent.currency !== currency.toLowerCase()) {
    throw new ChargeDiffers(orderId, 'the currency', currency, intent.currency.toUpperCase());
  }
  if (intent.amount !== toStripeAmount(amount, currency)) {
    throw new ChargeDiffers(orderId, 'the amount', toStripeAmount(amount, currency), intent.amount);
  }
}

/** Milliseconds since the epoch at which the order's id, a UUIDv7, was made. */
const createdAt = (orderId: string): number => Number.parseInt(orderId.slice(4, 16), 16);
