import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { type DynamoDBDocumentClient, GetCommand, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { Charge, DeclineCode, Refund } from '../contract/saga.ts';
import { type Clock, toTimestamp } from '../kernel/clock.ts';
import { AnswerLost } from '../kernel/errors.ts';
import {
  ChargeDiffers,
  type ChargeRequest,
  ChargeUnknown,
  declined,
  type PaymentGateway,
  type UndoRequest,
} from './gateway.ts';

export type SimulatedOptions = {
  client: DynamoDBDocumentClient;
  /** Table with the partition key `orderId`: one item an order, never deleted. */
  table: string;
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
  const { timeoutMs, wait = sleep } = options;
  const store = chargeStore(options);

  return { provider, charge, undo };

  async function charge(request: ChargeRequest): Promise<Charge> {
    const behaviour = behaviours.get(request.paymentMethod) ?? { declineCode: 'payment_method_invalid' };
    const item = newItem(request, behaviour, options.clock);
    if (await store.insert(item)) {
      if (behaviour.losesFirstAnswer) throw new AnswerLost('the simulated provider charged, and its answer was lost');
      return answer(item);
    }
    const known = await store.find(request.orderId);
    if (known === undefined) throw new AnswerLost('the simulated provider lost a charge between two reads');
    checkSame(request, known);
    return answer(known);
  }

  async function answer(item: Item): Promise<Charge> {
    switch (item.status) {
      case 'captured':
        return { provider, reference: item.reference };
      case 'declined':
        throw declined(item.declineCode);
      case 'silent':
        return silence();
      default:
        throw declined('charge_voided');
    }
  }

  async function undo(request: UndoRequest): Promise<Refund> {
    for (let turn = 0; turn < 3; turn++) {
      const item = await store.find(request.orderId);
      if (item === undefined) {
        if (request.reference !== undefined) throw new ChargeUnknown(request.orderId, request.reference);
        if (await store.insert(voidOf(request, options.clock))) return voided(null);
        continue;
      }
      checkSame(request, item);
      switch (item.status) {
        case 'silent':
          return silence();
        case 'refunded':
          return refunded(item.reference, item.refundReference);
        case 'captured': {
          const refundReference = `sim_re_${randomUUID()}`;
          if (await store.refund(item.orderId, refundReference)) return refunded(item.reference, refundReference);
          break;
        }
        case 'declined':
          return voided(item.reference);
        case 'voided':
          if (request.reference !== undefined) throw new ChargeUnknown(request.orderId, request.reference);
          return voided(null);
      }
    }
    throw new AnswerLost('the simulated provider is busy with this order');
  }

  async function silence(): Promise<never> {
    await wait(timeoutMs);
    throw new AnswerLost(`the simulated provider did not answer within ${timeoutMs} ms`);
  }
}

type Behaviour = { declineCode?: DeclineCode; losesFirstAnswer?: true; silent?: true };

const behaviours = new Map<string, Behaviour>([
  ['pm_card_visa', {}],
  ['pm_card_chargeDeclined', { declineCode: 'card_declined' }],
  ['pm_card_insufficientFunds', { declineCode: 'insufficient_funds' }],
  // Charges and loses the answer; answers when asked again.
  ['pm_timeoutOnce', { losesFirstAnswer: true }],
  // Answers neither a charge nor its undo: nobody learns whether money was taken.
  ['pm_timeoutAlways', { silent: true }],
]);

type Common = { orderId: string; amount: number; currency: string; createdAt: string };
type Charged = Common & { paymentMethod: string; reference: string };
type Item =
  | (Charged & { status: 'captured' | 'silent' })
  | (Charged & { status: 'declined'; declineCode: DeclineCode })
  | (Charged & { status: 'refunded'; refundReference: string })
  | (Common & { status: 'voided' });

function newItem(request: ChargeRequest, { declineCode, silent }: Behaviour, clock: Clock): Item {
  const { orderId, amount, currency, paymentMethod } = request;
  const reference = `sim_ch_${randomUUID()}`;
  const charged = { orderId, amount, currency, paymentMethod, reference, createdAt: toTimestamp(clock.now()) };
  if (declineCode !== undefined) return { ...charged, status: 'declined', declineCode };
  return { ...charged, status: silent ? 'silent' : 'captured' };
}

const voidOf = ({ orderId, amount, currency }: UndoRequest, clock: Clock): Item => ({
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
function checkSame(request: ChargeRequest | UndoRequest, item: Item): void {
  const known: Record<string, unknown> = item;
  for (const [name, expected] of Object.entries(request)) {
    const actual = known[name];
    if (expected !== undefined && actual !== undefined && actual !== expected) {
      throw new ChargeDiffers(request.orderId, name, expected, actual);
    }
  }
}

function chargeStore({ client, table }: SimulatedOptions) {
  return {
    /** Whether the order had no item before. */
    insert: (item: Item): Promise<boolean> =>
      conditionally(
        client.send(
          new PutCommand({ TableName: table, Item: item, ConditionExpression: 'attribute_not_exists(orderId)' }),
        ),
      ),
    async find(orderId: string): Promise<Item | undefined> {
      const found = client.send(new GetCommand({ TableName: table, Key: { orderId }, ConsistentRead: true }));
      return (await found.catch(asAnswerLost)).Item as Item | undefined;
    },
    /** Whether this call was the one that gave the money back. */
    refund: (orderId: string, refundReference: string): Promise<boolean> =>
      conditionally(
        client.send(
          new UpdateCommand({
            TableName: table,
            Key: { orderId },
            UpdateExpression: 'set #status = :refunded, refundReference = :refundReference',
            ConditionExpression: '#status = :captured',
            ExpressionAttributeNames: { '#status': 'status' },
            ExpressionAttributeValues: {
              ':captured': 'captured',
              ':refunded': 'refunded',
              ':refundReference': refundReference,
            },
          }),
        ),
      ),
  };
}

const conditionally = (write: Promise<unknown>): Promise<boolean> =>
  write.then(
    () => true,
    (error: unknown) => (error instanceof ConditionalCheckFailedException ? false : asAnswerLost(error)),
  );

/** Only what DynamoDB blames on the caller is certain not to have happened. */
function asAnswerLost(error: unknown): never {
  if (error instanceof Error && '$fault' in error && error.$fault === 'client') throw error;
  throw new AnswerLost('the simulated provider did not answer', { cause: error });
}
