import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Clock, toTimestamp } from '../../kernel/clock.ts';
import { OutcomeUnknown } from '../../kernel/errors.ts';
import type { Charge, DeclineCode, Refund } from '../../saga/state.ts';
import {
  ChargeDiffers,
  type ChargeRequest,
  ChargeUnknown,
  type CompensationRequest,
  declined,
  type PaymentGateway,
  type ProviderCharge,
  type ProviderCharges,
  type RefundPartRequest,
  refundRefused,
  type TransactionsRequest,
} from './gateway.ts';
import { type Item, itemStore, partOf, refundedAmountOf, type StoreOptions } from './simulated-items.dynamo.ts';

export type SimulatedOptions = StoreOptions & {
  clock: Clock;
  /** How long a provider that never answers is waited for, in milliseconds. */
  timeoutMs: number;
  wait?: (milliseconds: number) => Promise<unknown>;
};

const provider = 'simulated';

/**
 * A payment provider for laptops and tests that keeps its charges in a table of its own, so that idempotency and
 * refunds are real. The payment method says how it behaves: see `behaviours`; any other is refused.
 */
export function simulatedGateway(options: SimulatedOptions): PaymentGateway {
  const { timeoutMs, clock, wait = sleep } = options;
  const store = itemStore(options);

  return {
    provider,
    charge,
    compensation,
    refundPart,
    listCharges: (request) => list('createdAt', request),
    listRefunded: (request) => list('refundedAt', request),
  };

  async function charge(request: ChargeRequest): Promise<Charge> {
    const behaviour = behaviours.get(request.paymentMethod) ?? { declineCode: 'payment_method_invalid' };
    const item = newItem(request, behaviour, clock);
    if (await store.insert(item)) {
      if (behaviour.losesFirstAnswer)
        throw new OutcomeUnknown('the simulated provider charged, and its answer was lost');
      return answer(item);
    }
    const known = await store.find(request.orderId);
    if (known === undefined) throw new OutcomeUnknown('the simulated provider lost a charge between two reads');
    checkSame(request, known);
    return answer(known);
  }

  async function answer(item: Item): Promise<Charge> {
    switch (item.status) {
      case 'captured':
        // Some of the money went back: the charge does not pay for the order any more.
        if (refundedAmountOf(item) > 0) throw declined('charge_voided');
        return { provider, reference: item.reference };
      case 'requires_action': {
        const action = { type: 'simulated', path: `/simulated-payments/${item.orderId}` } as const;
        return { provider, reference: item.reference, action };
      }
      case 'declined':
        throw declined(item.declineCode);
      case 'silent':
        return silence();
      default:
        throw declined('charge_voided');
    }
  }

  async function compensation(request: CompensationRequest): Promise<Refund> {
    for (let turn = 0; turn < 5; turn++) {
      const item = await store.find(request.orderId);
      if (item === undefined) {
        if (request.reference !== undefined) throw new ChargeUnknown(request.orderId, request.reference);
        if (await store.insert(voidOf(request, clock))) return voided(null);
        continue;
      }
      checkSame(request, item);
      switch (item.status) {
        case 'silent':
          return silence();
        case 'refunded':
          return refunded(item.reference, item.refundReference);
        case 'captured': {
          const seen = refundedAmountOf(item);
          const last = seen < item.amount ? undefined : item.refundReference;
          const refundReference = last ?? `sim_re_${randomUUID()}`;
          if (await store.refundRest(item, seen, refundReference, toTimestamp(clock.now()))) {
            return refunded(item.reference, refundReference);
          }
          break;
        }
        case 'requires_action':
          if (await store.leaveAction(item.orderId, 'voided')) return voided(item.reference);
          break;
        case 'declined':
        case 'voided':
          if (item.reference === undefined && request.reference !== undefined) {
            throw new ChargeUnknown(request.orderId, request.reference);
          }
          return voided(item.reference ?? null);
      }
    }
    throw new OutcomeUnknown('the simulated provider is busy with this order');
  }

  async function refundPart(request: RefundPartRequest): Promise<{ refundReference: string }> {
    const { orderId, refundId, amount, currency, reference } = request;
    for (let turn = 0; turn < 5; turn++) {
      const item = await store.find(orderId);
      if (item === undefined) throw new ChargeUnknown(orderId, reference);
      checkSame({ orderId, currency, reference }, item);
      if (item.status === 'silent') return silence();
      const known = partOf(item, refundId);
      if (known !== undefined) {
        if (known.amount !== amount)
          throw new ChargeDiffers(orderId, `in ${refundId} the amount`, amount, known.amount);
        return { refundReference: known.reference };
      }
      if (item.status !== 'captured' && item.status !== 'refunded') throw refundRefused('nothing_captured');
      if (amount > item.amount - refundedAmountOf(item)) throw refundRefused('more_than_is_left');
      const refundReference = `sim_re_${randomUUID()}`;
      const part = { reference: refundReference, amount, at: toTimestamp(clock.now()) };
      if (await store.refundPart(item, refundId, part)) return { refundReference };
    }
    throw new OutcomeUnknown('the simulated provider is busy with this order');
  }

  async function list(
    attribute: 'createdAt' | 'refundedAt',
    { from, to, cursor }: TransactionsRequest,
  ): Promise<ProviderCharges> {
    const page = await store.scan(attribute, toTimestamp(from), toTimestamp(to), cursor);
    return { charges: page.items.map(toProviderCharge), cursor: page.cursor };
  }

  async function silence(): Promise<never> {
    await wait(timeoutMs);
    throw new OutcomeUnknown(`the simulated provider did not answer within ${timeoutMs} ms`);
  }
}

type Behaviour = { declineCode?: DeclineCode; losesFirstAnswer?: true; silent?: true; requiresAction?: true };

const behaviours = new Map<string, Behaviour>([
  ['pm_card_visa', {}],
  ['pm_card_chargeDeclined', { declineCode: 'card_declined' }],
  ['pm_card_insufficientFunds', { declineCode: 'insufficient_funds' }],
  // Waits for its customer: `settleSimulated` plays them.
  ['pm_requiresAction', { requiresAction: true }],
  // Charges and loses the answer; answers when asked again.
  ['pm_timeoutOnce', { losesFirstAnswer: true }],
  // Answers neither a charge nor its compensation: nobody learns whether money was taken.
  ['pm_timeoutAlways', { silent: true }],
]);

function newItem(request: ChargeRequest, { declineCode, silent, requiresAction }: Behaviour, clock: Clock): Item {
  const { orderId, amount, currency, paymentMethod } = request;
  const reference = `sim_ch_${randomUUID()}`;
  const charged = { orderId, amount, currency, paymentMethod, reference, createdAt: toTimestamp(clock.now()) };
  if (declineCode !== undefined) return { ...charged, status: 'declined', declineCode };
  if (requiresAction) return { ...charged, status: 'requires_action' };
  return { ...charged, status: silent ? 'silent' : 'captured' };
}

const voidOf = ({ orderId, amount, currency }: CompensationRequest, clock: Clock): Item => ({
  orderId,
  amount,
  currency,
  createdAt: toTimestamp(clock.now()),
  status: 'voided',
});

const refunded = (reference: string, refundReference: string): Refund => ({
  outcome: 'refunded',
  provider,
  reference,
  refundReference,
});

const voided = (reference: string | null): Refund => ({
  outcome: 'voided',
  provider,
  reference,
  refundReference: null,
});

/** As a real provider refuses a repeated idempotency key that comes with something else. */
function checkSame(request: { orderId: string } & Record<string, unknown>, item: Item): void {
  const known: Record<string, unknown> = item;
  for (const [name, expected] of Object.entries(request)) {
    const actual = known[name];
    if (expected !== undefined && actual !== undefined && actual !== expected) {
      throw new ChargeDiffers(request.orderId, name, expected, actual);
    }
  }
}

const transactionStatus = {
  captured: 'captured',
  refunded: 'captured',
  requires_action: 'pending',
  silent: 'pending',
  declined: 'declined',
  voided: 'voided',
} as const;

function toProviderCharge(item: Item): ProviderCharge {
  const { orderId, amount, currency, createdAt, reference = orderId, status } = item;
  return {
    orderId,
    reference,
    status: transactionStatus[status],
    amount,
    refundedAmount: refundedAmountOf(item),
    currency,
    createdAt: Date.parse(createdAt),
  };
}
