import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Clock, toTimestamp } from '../../kernel/clock.ts';
import { OutcomeUnknown } from '../../kernel/errors.ts';
import {
  type CaptureRequest,
  type Charge,
  ChargeDiffers,
  ChargeNotWaiting,
  type ChargeRequest,
  ChargeUnknown,
  type CompensationOutcome,
  type CompensationRequest,
  captureRefused,
  type DeclineCode,
  declined,
  type PaymentGateway,
  type ProviderCharge,
  type ProviderCharges,
  type RefundPartRequest,
  refundRefused,
  type TransactionsRequest,
} from './gateway.ts';
import {
  type Item,
  type ItemStore,
  itemStore,
  partOf,
  refundedAmountOf,
  type StoreOptions,
  takenOf,
} from './simulated-items.dynamo.ts';

export type SimulatedOptions = StoreOptions & {
  clock: Clock;
  /** How long the gateway waits for a provider that never answers, in milliseconds. */
  timeoutMs: number;
  wait?: (milliseconds: number) => Promise<unknown>;
};

const provider = 'simulated';
/** How long an authorization holds the money, in milliseconds: seven days, as most cards do. */
const authorizationMs = 7 * 24 * 3600_000;
/** How often a write is tried that finds the item changed since it was read. */
const mostTurns = 5;

/**
 * A payment provider for laptops and tests. It keeps its charges in a table of its own, so that idempotency and refunds
 * are real. The payment method decides how it behaves (see `behaviours`); any other is declined.
 */
export class SimulatedGateway implements PaymentGateway {
  readonly provider = provider;
  readonly #store: ItemStore;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #wait: (milliseconds: number) => Promise<unknown>;

  constructor({ clock, timeoutMs, wait = sleep, ...options }: SimulatedOptions) {
    this.#store = itemStore(options);
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#wait = wait;
  }

  charge(request: ChargeRequest): Promise<Charge> {
    return this.#charge(newItem(request, this.#now()), request);
  }

  authorize(request: ChargeRequest): Promise<Charge> {
    const expiresAt = toTimestamp(this.#clock.now() + authorizationMs);
    return this.#charge(newItem(request, this.#now(), expiresAt), request);
  }

  async capture({ attempt: _, captureAmount, ...request }: CaptureRequest): Promise<void> {
    const { orderId, reference } = request;
    for (let turn = 0; turn < mostTurns; turn++) {
      const item = await this.#store.find(orderId);
      if (item === undefined) throw new ChargeUnknown(orderId, reference);
      checkSame(request, item);
      if (item.status === 'captured' || item.status === 'refunded') return;
      if (item.status !== 'authorized') throw captureRefused('not_authorized');
      const { capture } = behaviourOf(item.paymentMethod);
      if (capture === 'silent') return this.#silence();
      if (isExpired(item, this.#clock.now())) throw captureRefused('authorization_expired');
      if (capture === 'declined') throw captureRefused('card_declined');
      if (await this.#store.leaveAuthorization(orderId, 'captured', captureAmount)) return;
    }
    throw busy();
  }

  async #charge(item: Item, request: ChargeRequest): Promise<Charge> {
    if (await this.#store.insert(item)) {
      if (behaviourOf(request.paymentMethod).losesFirstAnswer)
        throw new OutcomeUnknown('the simulated provider charged, and its answer was lost');
      return this.#chargeOf(item);
    }
    const known = await this.#store.find(request.orderId);
    if (known === undefined) throw new OutcomeUnknown('the simulated provider lost a charge between two reads');
    checkSame(request, known);
    return this.#chargeOf(known);
  }

  async compensate(request: CompensationRequest): Promise<CompensationOutcome> {
    for (let turn = 0; turn < mostTurns; turn++) {
      const item = await this.#store.find(request.orderId);
      if (item === undefined) {
        if (request.reference !== undefined) throw new ChargeUnknown(request.orderId, request.reference);
        if (await this.#store.insert(voidOf(request, this.#now()))) return voided(null);
        continue;
      }
      checkSame(request, item);
      const outcome = await this.#compensateItem(item, request.reference);
      if (outcome !== undefined) return outcome;
    }
    throw busy();
  }

  async refundPart(request: RefundPartRequest): Promise<{ refundReference: string }> {
    const { orderId, refundId, amount, currency, reference } = request;
    for (let turn = 0; turn < mostTurns; turn++) {
      const item = await this.#store.find(orderId);
      if (item === undefined) throw new ChargeUnknown(orderId, reference);
      checkSame({ orderId, currency, reference }, item);
      if (item.status === 'silent') return this.#silence();
      const known = partOf(item, refundId);
      if (known !== undefined) {
        if (known.amount !== amount)
          throw new ChargeDiffers(orderId, `in ${refundId} the amount`, amount, known.amount);
        return { refundReference: known.reference };
      }
      if (item.status !== 'captured' && item.status !== 'refunded') throw refundRefused('nothing_captured');
      if (amount > takenOf(item) - refundedAmountOf(item)) throw refundRefused('more_than_is_left');
      const part = { reference: newRefundReference(), amount, at: this.#now() };
      if (await this.#store.refundPart(item, refundId, part)) return { refundReference: part.reference };
    }
    throw busy();
  }

  listCharges(request: TransactionsRequest): Promise<ProviderCharges> {
    return this.#list('createdAt', request);
  }

  listRefunded(request: TransactionsRequest): Promise<ProviderCharges> {
    return this.#list('refundedAt', request);
  }

  /** The answer that an item stands for. */
  async #chargeOf(item: Item): Promise<Charge> {
    switch (item.status) {
      case 'captured':
        // After a refund the charge does not pay for the order any more.
        if (refundedAmountOf(item) > 0) throw declined('charge_voided');
        return { provider, reference: item.reference };
      case 'authorized':
        return { provider, reference: item.reference, authorization: { expiresAt: item.expiresAt } };
      case 'requires_action': {
        const action = { type: 'simulated', path: `/simulated-payments/${item.orderId}` } as const;
        return { provider, reference: item.reference, action };
      }
      case 'declined':
        throw declined(item.declineCode);
      case 'silent':
        return this.#silence();
      default:
        throw declined('charge_voided');
    }
  }

  /** @returns undefined when the item changed since it was read */
  async #compensateItem(item: Item, reference: string | undefined): Promise<CompensationOutcome | undefined> {
    switch (item.status) {
      case 'silent':
        return this.#silence();
      case 'refunded':
        return refunded(item.reference, item.refundReference);
      case 'captured': {
        const seen = refundedAmountOf(item);
        const last = seen < takenOf(item) ? undefined : item.refundReference;
        const refundReference = last ?? newRefundReference();
        const written = await this.#store.refundRest(item, seen, refundReference, this.#now());
        return written ? refunded(item.reference, refundReference) : undefined;
      }
      case 'authorized':
        return (await this.#store.leaveAuthorization(item.orderId, 'voided')) ? voided(item.reference) : undefined;
      case 'requires_action':
        return (await this.#store.leaveAction(item.orderId, 'voided')) ? voided(item.reference) : undefined;
      case 'declined':
      case 'voided':
        if (item.reference === undefined && reference !== undefined) throw new ChargeUnknown(item.orderId, reference);
        return voided(item.reference ?? null);
    }
  }

  async #list(
    attribute: 'createdAt' | 'refundedAt',
    { from, to, cursor }: TransactionsRequest,
  ): Promise<ProviderCharges> {
    const page = await this.#store.scan(attribute, toTimestamp(from), toTimestamp(to), cursor);
    const now = this.#clock.now();
    return { charges: page.items.map((item) => toProviderCharge(item, now)), cursor: page.cursor };
  }

  async #silence(): Promise<never> {
    await this.#wait(this.#timeoutMs);
    throw new OutcomeUnknown(`the simulated provider did not answer within ${this.#timeoutMs} ms`);
  }

  #now(): string {
    return toTimestamp(this.#clock.now());
  }
}

/**
 * Plays the customer of a charge with `pm_requiresAction`: `complete` captures it, or authorizes it if it is captured later,
 * `fail` declines it as `authentication_failed`. Repeating it changes nothing.
 * @returns what became of the charge
 * @throws ChargeNotWaiting when there is no such charge, it was voided, or it was settled the other way; OutcomeUnknown
 */
export async function settleSimulated(
  options: StoreOptions,
  orderId: string,
  outcome: 'complete' | 'fail',
): Promise<'authorized' | 'captured' | 'declined'> {
  const store = itemStore(options);
  const before = await store.find(orderId);
  const completed = before !== undefined && 'expiresAt' in before ? 'authorized' : 'captured';
  const [wanted, declineCode] =
    outcome === 'complete' ? ([completed, undefined] as const) : (['declined', 'authentication_failed'] as const);
  if (await store.leaveAction(orderId, wanted, declineCode)) return wanted;
  const item = await store.find(orderId);
  if (item === undefined || item.status !== wanted) throw new ChargeNotWaiting(orderId, item?.status ?? 'not there');
  // A charge that never waited was not settled by anybody.
  if (item.paymentMethod !== 'pm_requiresAction') throw new ChargeNotWaiting(orderId, item.status);
  return wanted;
}

type Behaviour = {
  declineCode?: DeclineCode;
  losesFirstAnswer?: true;
  silent?: true;
  requiresAction?: true;
  capture?: 'declined' | 'silent';
};

const behaviours = new Map<string, Behaviour>([
  ['pm_card_visa', {}],
  ['pm_card_chargeDeclined', { declineCode: 'card_declined' }],
  ['pm_card_insufficientFunds', { declineCode: 'insufficient_funds' }],
  // Waits for its customer: `settleSimulated` plays them.
  ['pm_requiresAction', { requiresAction: true }],
  // Charges and loses the answer; answers when asked again.
  ['pm_timeoutOnce', { losesFirstAnswer: true }],
  // Answers neither a charge nor its compensation, so nobody learns whether money was taken.
  ['pm_timeoutAlways', { silent: true }],
  // Authorized as any other; only its capture goes wrong.
  ['pm_captureDeclined', { capture: 'declined' }],
  ['pm_captureTimeoutAlways', { capture: 'silent' }],
]);

const behaviourOf = (paymentMethod: string): Behaviour =>
  behaviours.get(paymentMethod) ?? { declineCode: 'payment_method_invalid' };

function newItem(request: ChargeRequest, createdAt: string, expiresAt?: string): Item {
  const { orderId, amount, currency, paymentMethod } = request;
  const { declineCode, silent, requiresAction } = behaviourOf(paymentMethod);
  const until = expiresAt === undefined ? {} : { expiresAt };
  const charged = {
    orderId,
    amount,
    currency,
    paymentMethod,
    reference: `sim_ch_${randomUUID()}`,
    createdAt,
    ...until,
  };
  if (declineCode !== undefined) return { ...charged, status: 'declined', declineCode };
  if (requiresAction) return { ...charged, status: 'requires_action' };
  if (silent) return { ...charged, status: 'silent' };
  return expiresAt === undefined ? { ...charged, status: 'captured' } : { ...charged, expiresAt, status: 'authorized' };
}

const voidOf = ({ orderId, amount, currency }: CompensationRequest, createdAt: string): Item => ({
  orderId,
  amount,
  currency,
  createdAt,
  status: 'voided',
});

const newRefundReference = (): string => `sim_re_${randomUUID()}`;

const refunded = (reference: string, refundReference: string): CompensationOutcome => ({
  outcome: 'refunded',
  provider,
  reference,
  refundReference,
});

const voided = (reference: string | null): CompensationOutcome => ({
  outcome: 'voided',
  provider,
  reference,
  refundReference: null,
});

const busy = (): OutcomeUnknown => new OutcomeUnknown('the simulated provider is busy with this order');

/** As a real provider refuses a repeated idempotency key with other parameters. */
function checkSame(request: { orderId: string } & Record<string, unknown>, item: Item): void {
  const known: Record<string, unknown> = item;
  for (const [name, expected] of Object.entries(request)) {
    const actual = known[name];
    if (expected !== undefined && actual !== undefined && actual !== expected) {
      throw new ChargeDiffers(request.orderId, name, expected, actual);
    }
  }
}

const isExpired = (item: Item, now: number): boolean =>
  item.status === 'authorized' && Date.parse(item.expiresAt) <= now;

const transactionStatus = {
  authorized: 'authorized',
  captured: 'captured',
  refunded: 'captured',
  requires_action: 'pending',
  silent: 'pending',
  declined: 'declined',
  voided: 'voided',
} as const;

function toProviderCharge(item: Item, now: number): ProviderCharge {
  const { orderId, currency, createdAt, reference = orderId, status } = item;
  return {
    orderId,
    reference,
    status: isExpired(item, now) ? 'voided' : transactionStatus[status],
    amount: takenOf(item),
    refundedAmount: refundedAmountOf(item),
    currency,
    createdAt: Date.parse(createdAt),
  };
}
