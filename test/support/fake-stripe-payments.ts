export type Params = Record<string, string>;

/** `invalid`: refused before anything was begun. */
export type Answer = { status: number; body: unknown; invalid?: boolean };

type Intent = {
  id: string;
  object: 'payment_intent';
  client_secret: string;
  created: number;
  amount: number;
  amount_received: number;
  amount_capturable: number;
  capture_method: string;
  currency: string;
  status: string;
  metadata: Record<string, string>;
  cancellation_reason: string | null;
  latest_charge: string | null;
  last_payment_error: { type: string; code: string; decline_code?: string; charge?: string } | null;
};
type Charge = {
  id: string;
  amount: number;
  amount_captured: number;
  amount_refunded: number;
  refunded: boolean;
  captured: boolean;
  payment_method_details: { card: { capture_before?: number } };
};
type Refund = {
  id: string;
  created: number;
  payment_intent: string;
  amount: number;
  status: string;
  metadata: Record<string, string> | null;
};

/** Payment methods of Stripe's test mode and what their bank says: https://docs.stripe.com/testing */
const cards: Record<string, { code: string; decline_code?: string } | 'succeeds' | 'requires_action' | 'processing'> = {
  pm_card_visa: 'succeeds',
  pm_card_authenticationRequired: 'requires_action',
  pm_card_processing: 'processing',
  pm_card_chargeDeclined: { code: 'card_declined', decline_code: 'generic_decline' },
  pm_card_visa_chargeDeclinedInsufficientFunds: { code: 'card_declined', decline_code: 'insufficient_funds' },
  pm_card_visa_chargeDeclinedStolenCard: { code: 'card_declined', decline_code: 'stolen_card' },
  pm_card_chargeDeclinedExpiredCard: { code: 'expired_card', decline_code: 'expired_card' },
  pm_card_chargeDeclinedIncorrectCvc: { code: 'incorrect_cvc', decline_code: 'incorrect_cvc' },
};

const known = {
  create: ['amount', 'currency', 'allowed_payment_method_types[0]', 'capture_method', 'metadata[orderId]'],
  confirm: ['payment_method', 'use_stripe_sdk', 'expand[0]'],
  capture: ['amount_to_capture'],
  cancel: ['cancellation_reason'],
  refund: ['payment_intent', 'amount', 'metadata[orderId]', 'metadata[refundId]'],
};

/** The money side of the fake: intents, their charges and refunds, in memory; `now` in milliseconds. */
/** How long an authorization lasts, in seconds. */
const holdSeconds = 7 * 24 * 3600;

export function createFakePayments(now: () => number = Date.now) {
  const intents = new Map<string, Intent>();
  const charges = new Map<string, Charge>();
  const refunds: Refund[] = [];
  const passing: string[] = [];
  const refundStatuses: string[] = [];
  const refusedCaptures: string[] = [];
  const pageSize = { most: 100 };
  let count = 0;
  const nextId = (prefix: string) => `${prefix}_fake${++count}`;

  return {
    intents,
    refunds,
    /** The most that a page holds, for tests of paging. */
    pageSize,
    /** Troubles of the bank that the next confirmations meet, by error code. */
    passing,
    /** What the shop has of an order: charged less given back. */
    kept: (orderId: string): number =>
      [...intents.values()]
        .filter(({ metadata }) => metadata.orderId === orderId)
        .reduce((sum, { latest_charge: id, status }) => {
          const charge = status === 'succeeded' && id !== null ? charges.get(id) : undefined;
          return sum + (charge === undefined ? 0 : charge.amount - charge.amount_refunded);
        }, 0),
    /** Charges the intent that waits for its bank. */
    finish(id: string) {
      const intent = intents.get(id);
      if (intent?.status === 'processing') succeed(intent);
    },
    /** The bank refuses the intent that waits for it. */
    refuse(id: string) {
      const intent = intents.get(id);
      if (intent?.status !== 'processing') return;
      decline(intent, { code: 'card_declined' });
      intent.status = 'requires_payment_method';
    },
    /** The customer authenticates, or does not, and the bank charges or refuses. */
    authenticate(id: string, outcome: 'complete' | 'fail' | 'complete and be declined') {
      const intent = intents.get(id);
      if (intent?.status !== 'requires_action') return;
      if (outcome === 'complete') return succeed(intent);
      if (outcome === 'complete and be declined') decline(intent, { code: 'card_declined' });
      else intent.last_payment_error = { type: 'invalid_request_error', code: 'payment_intent_authentication_failure' };
      intent.status = 'requires_payment_method';
    },
    /** The authorization of an intent ends. */
    expire(id: string) {
      const intent = intents.get(id);
      if (intent?.status === 'requires_capture') end(intent, 'automatic');
    },
    /** Captures a part of an intent from Stripe's dashboard. */
    captureByHand: (id: string, amount: number) =>
      withIntent(id, (intent) => capture(intent, { amount_to_capture: String(amount) })),
    /** Troubles that the next captures meet, by error code. */
    refusedCaptures,
    /** The customer's page pays with another card, by the client secret alone. */
    payByClientSecret(secret: string) {
      const intent = [...intents.values()].find((known) => known.client_secret === secret);
      if (intent?.status === 'requires_payment_method') succeed(intent);
    },
    /** A charge of another product in the same account. */
    chargeOfOthers(amount: number, currency: string): string {
      const intent = newIntent(amount, currency, {});
      succeed(intent);
      return intent.id;
    },
    /** What becomes of the next refunds at the bank. */
    refundStatuses,
    /** Gives money back from Stripe's dashboard. */
    refundByHand: (id: string) => refund({ payment_intent: id }),
    handle(method: string, path: string, params: Params): Answer {
      const [, , kind, id, action] = path.split('/');
      const call = `${method} ${kind}${id === undefined ? '' : id === 'search' ? '/search' : '/:id'}${action ? `/${action}` : ''}`;
      switch (call) {
        case 'POST payment_intents':
          return create(params);
        case 'GET payment_intents/search':
          return search(params);
        case 'GET payment_intents':
          return page(
            [...intents.values()],
            params,
            (intent) => shown(intent, params['expand[0]'] === 'data.latest_charge').body,
          );
        case 'GET payment_intents/:id':
          return withIntent(id, (intent) => shown(intent, params['expand[0]'] === 'latest_charge'));
        case 'POST payment_intents/:id/confirm':
          return withIntent(id, (intent) => confirm(intent, params));
        case 'POST payment_intents/:id/cancel':
          return withIntent(id, (intent) => cancel(intent, params));
        case 'POST payment_intents/:id/capture':
          return withIntent(id, (intent) => capture(intent, params));
        case 'POST refunds':
          return refund(params);
        case 'GET refunds':
          return page(
            refunds.filter((made) => [undefined, made.payment_intent].includes(params.payment_intent)),
            params,
            (made) => shownRefund(made, params['expand[0]'] === 'data.payment_intent.latest_charge'),
          );
        default:
          return invalid({ message: `no ${call}` });
      }
    },
  };

  function create(params: Params): Answer {
    const unknown = unknownIn(params, known.create);
    if (unknown !== undefined) return unknown;
    const amount = Number(params.amount);
    if (amount < 50) return invalid({ code: 'amount_too_small', param: 'amount' });
    const metadata = { orderId: params['metadata[orderId]'] ?? '' };
    return shown(newIntent(amount, params.currency ?? '', metadata, params.capture_method));
  }

  function newIntent(
    amount: number,
    currency: string,
    metadata: Record<string, string>,
    captureMethod = 'automatic',
  ): Intent {
    const id = nextId('pi');
    const intent: Intent = {
      id,
      object: 'payment_intent',
      client_secret: `${id}_secret_fake${count}`,
      created: Math.floor(now() / 1000),
      amount,
      amount_received: 0,
      amount_capturable: 0,
      capture_method: captureMethod,
      currency,
      status: 'requires_payment_method',
      metadata,
      cancellation_reason: null,
      latest_charge: null,
      last_payment_error: null,
    };
    intents.set(id, intent);
    return intent;
  }

  function confirm(intent: Intent, params: Params): Answer {
    const unknown = unknownIn(params, known.confirm);
    if (unknown !== undefined) return unknown;
    // Without it a card that asks for authentication needs an address to come back to.
    if (params.use_stripe_sdk !== 'true') return invalid({ code: 'parameter_missing', param: 'return_url' });
    const card = cards[params.payment_method ?? ''];
    if (card === undefined) return invalid({ code: 'resource_missing', param: 'payment_method' });
    if (intent.status !== 'requires_payment_method' && intent.status !== 'requires_confirmation') {
      return unexpectedState(intent);
    }
    const trouble = passing.shift();
    if (trouble !== undefined) return decline(intent, { code: trouble });
    if (typeof card === 'object') return decline(intent, card);
    if (card === 'succeeds') succeed(intent);
    else intent.status = card;
    return shown(intent, params['expand[0]'] === 'latest_charge');
  }

  function succeed(intent: Intent) {
    const captured = intent.capture_method === 'automatic';
    const card = captured ? {} : { capture_before: Math.floor(now() / 1000) + holdSeconds };
    const charge = {
      id: nextId('ch'),
      amount: intent.amount,
      amount_captured: captured ? intent.amount : 0,
      amount_refunded: 0,
      refunded: false,
      captured,
      payment_method_details: { card },
    };
    charges.set(charge.id, charge);
    Object.assign(intent, {
      status: captured ? 'succeeded' : 'requires_capture',
      amount_received: captured ? intent.amount : 0,
      amount_capturable: captured ? 0 : intent.amount,
      latest_charge: charge.id,
      last_payment_error: null,
    });
  }

  function decline(intent: Intent, { code, decline_code }: { code: string; decline_code?: string }): Answer {
    const charge = nextId('ch');
    intent.latest_charge = charge;
    intent.last_payment_error = {
      type: 'card_error',
      code,
      charge,
      ...(decline_code === undefined ? {} : { decline_code }),
    };
    return refusal(402, 'card_error', { ...intent.last_payment_error, message: 'Mrs Smith has no money.' });
  }

  function capture(intent: Intent, params: Params): Answer {
    const unknown = unknownIn(params, known.capture);
    if (unknown !== undefined) return unknown;
    if (intent.status !== 'requires_capture') return unexpectedState(intent);
    const refused = refusedCaptures.shift();
    if (refused === 'card_declined') return refusal(402, 'card_error', { code: 'card_declined' });
    if (refused !== undefined) return refusal(400, 'invalid_request_error', { code: refused });
    const amount = Number(params.amount_to_capture ?? intent.amount);
    if (amount > intent.amount) return refusal(400, 'invalid_request_error', { code: 'amount_too_large' });
    const charge = charges.get(intent.latest_charge ?? '');
    if (charge !== undefined)
      Object.assign(charge, { captured: true, amount_captured: amount, amount_refunded: charge.amount - amount });
    Object.assign(intent, { status: 'succeeded', amount_received: amount, amount_capturable: 0 });
    return shown(intent);
  }

  /** What was held goes back, which the charge shows as refunded. */
  function end(intent: Intent, reason: string | null) {
    const charge = charges.get(intent.latest_charge ?? '');
    if (charge !== undefined) Object.assign(charge, { amount_refunded: charge.amount, refunded: true });
    Object.assign(intent, { status: 'canceled', cancellation_reason: reason, amount_capturable: 0 });
  }

  function cancel(intent: Intent, params: Params): Answer {
    const unknown = unknownIn(params, known.cancel);
    if (unknown !== undefined) return unknown;
    if (['succeeded', 'canceled', 'processing'].includes(intent.status)) return unexpectedState(intent);
    end(intent, params.cancellation_reason ?? null);
    return shown(intent);
  }

  function refund(params: Params): Answer {
    const unknown = unknownIn(params, known.refund);
    if (unknown !== undefined) return unknown;
    const id = params.payment_intent ?? '';
    const charge = charges.get(intents.get(id)?.latest_charge ?? '');
    if (charge === undefined) return invalid({ code: 'resource_missing', param: 'payment_intent' });
    if (charge.refunded) return refusal(400, 'invalid_request_error', { code: 'charge_already_refunded' });
    const left = charge.amount - charge.amount_refunded;
    const amount = params.amount === undefined ? left : Number(params.amount);
    // Stripe tells this by its message alone.
    if (amount > left) return refusal(400, 'invalid_request_error', { param: 'amount' });
    const { 'metadata[orderId]': orderId, 'metadata[refundId]': refundId } = params;
    const made: Refund = {
      id: nextId('re'),
      created: Math.floor(now() / 1000),
      payment_intent: id,
      amount,
      status: refundStatuses.shift() ?? 'succeeded',
      metadata: { ...(orderId === undefined ? {} : { orderId }), ...(refundId === undefined ? {} : { refundId }) },
    };
    if (made.status !== 'failed' && made.status !== 'canceled') {
      charge.amount_refunded += amount;
      charge.refunded = charge.amount_refunded === charge.amount;
    }
    refunds.push(made);
    return { status: 200, body: structuredClone(made) };
  }

  function search({ query = '' }: Params): Answer {
    const orderId = /^metadata\['orderId'\]:'([^']+)'$/.exec(query)?.[1];
    if (orderId === undefined) return invalid({ param: 'query' });
    // Newest first.
    return list([...intents.values()].filter(({ metadata }) => metadata.orderId === orderId).reverse());
  }

  function withIntent(id: string | undefined, use: (intent: Intent) => Answer): Answer {
    const intent = intents.get(id ?? '');
    return intent === undefined
      ? refusal(404, 'invalid_request_error', { code: 'resource_missing', param: 'intent' })
      : use(intent);
  }

  // A copy: what was answered does not change with the intent.
  function shown(intent: Intent, expanded = false): Answer {
    const charge = expanded ? (charges.get(intent.latest_charge ?? '') ?? intent.latest_charge) : intent.latest_charge;
    return { status: 200, body: structuredClone({ ...intent, latest_charge: charge }) };
  }

  function shownRefund(made: Refund, expanded: boolean): unknown {
    const intent = intents.get(made.payment_intent);
    return { ...made, payment_intent: expanded && intent ? shown(intent, true).body : made.payment_intent };
  }

  /** Newest first, as Stripe lists. */
  function page<T extends { id: string; created: number }>(
    all: T[],
    params: Params,
    show: (one: T) => unknown,
  ): Answer {
    const from = Number(params['created[gte]'] ?? 0);
    const to = Number(params['created[lt]'] ?? Number.MAX_SAFE_INTEGER);
    const fitting = all.filter(({ created }) => created >= from && created < to).reverse();
    const start = fitting.findIndex(({ id }) => id === params.starting_after) + 1;
    const limit = Math.min(Number(params.limit ?? 10), pageSize.most);
    const data = fitting.slice(start, start + limit).map(show);
    return { status: 200, body: { object: 'list', data, has_more: fitting.length > start + limit } };
  }
}

/** An error of Stripe's API. */
export const refusal = (status: number, type: string, error: Record<string, string>): Answer => ({
  status,
  body: { error: { type, message: 'Refused.', ...error } },
});

const invalid = (error: Record<string, string>): Answer => ({
  ...refusal(400, 'invalid_request_error', error),
  invalid: true,
});

const unexpectedState = (intent: Intent): Answer =>
  refusal(400, 'invalid_request_error', {
    code: 'payment_intent_unexpected_state',
    message: `it is ${intent.status}`,
  });

const unknownIn = (params: Params, names: string[]): Answer | undefined => {
  const unknown = Object.keys(params).find((name) => !names.includes(name));
  return unknown === undefined ? undefined : invalid({ code: 'parameter_unknown', param: unknown });
};

const list = (data: unknown[]): Answer => ({ status: 200, body: { object: 'list', data, has_more: false } });
